import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, type Env } from '../subgraphs/shared/process/env.ts';
import { type Servers, startServers } from './embedded/servers.ts';

/**
 * The environment with MYSQL_URL and REDIS_URL set: as given, else to the embedded servers on DATA_DIR, which are shared
 * with whatever else runs on them (`npm run audit` beside `npm start`). `stop` gives them back.
 */
export async function serversFor(given: Env, log: (line: string) => void): Promise<{ env: Env; servers: Servers }> {
  const mysqlUrl = given['MYSQL_URL'];
  const redisUrl = given['REDIS_URL'];
  await checkDataDir(given);
  const servers = await startServers({
    dataDir: dataDirOf(given),
    ...(mysqlUrl ? { mysqlUrl } : {}),
    ...(redisUrl ? { redisUrl } : {}),
    log,
  });
  return { env: { ...given, MYSQL_URL: servers.mysqlSocketUrl, REDIS_URL: servers.redisUrl }, servers };
}

/** A path with one of these can't be told to the programs that are started on it. */
const unspeakable = /[:\p{Cc}]/u;

const dataDirOf = (given: Env): string => given['DATA_DIR'] || '.data';

/** Throws ConfigError where embedded servers, if any are needed, could not keep their data. */
export async function checkDataDir(given: Env): Promise<void> {
  if (given['MYSQL_URL'] && given['REDIS_URL']) return;
  const path = resolve(dataDirOf(given));
  if (unspeakable.test(path)) throw new ConfigError(`DATA_DIR: ${JSON.stringify(path)} has a colon or a control character in its path; name another directory.`); // prettier-ignore
  try {
    await makeDirectory(path);
    await rm(await mkdtemp(join(path, 'probe-')), { recursive: true });
  } catch (error) {
    throw new ConfigError(`DATA_DIR: ${path} is no directory that can be written to (${(error as NodeJS.ErrnoException).code}); name another.`); // prettier-ignore
  }
}

/** As `mkdir` with `recursive`, which tries for ever where a parent that is there takes nothing, such as /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}
