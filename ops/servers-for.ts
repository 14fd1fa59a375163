import { type Env } from '../subgraphs/shared/env.ts';
import { type Servers, startServers } from './embedded/servers.ts';

/**
 * The environment with MYSQL_URL and REDIS_URL set: as given, else to the embedded servers on DATA_DIR, which are shared
 * with whatever else runs on them (`npm run audit` beside `npm start`). `stop` gives them back.
 */
export async function serversFor(given: Env, log: (line: string) => void): Promise<{ env: Env; servers: Servers }> {
  const mysqlUrl = given['MYSQL_URL'];
  const redisUrl = given['REDIS_URL'];
  const servers = await startServers({
    dataDir: given['DATA_DIR'] || '.data',
    ...(mysqlUrl ? { mysqlUrl } : {}),
    ...(redisUrl ? { redisUrl } : {}),
    log,
  });
  return { env: { ...given, MYSQL_URL: servers.mysqlUrl, REDIS_URL: servers.redisUrl }, servers };
}
