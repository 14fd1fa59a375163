import { existsSync } from 'node:fs';
import { mkdir, realpath, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { DaemonKind } from './daemon.ts';
import { unpackDebianPackages } from './debian-packages.ts';
import { findOnPath } from './find-on-path.ts';

type RedisProgram = { server: string; env: NodeJS.ProcessEnv };

const answerTimeoutMs = 5_000;

/**
 * Redis (or Valkey) on `<dataDir>/redis`, without a password, from this machine only.
 *
 * @param options.durable true: an append-only file, synchronised every second; false: nothing is kept
 * @param options.packagesDir where programs fetched from the distribution are kept
 * @returns undefined where there is no Redis and no way to get one
 */
export async function redis(options: {
  dataDir: string;
  packagesDir: string;
  durable: boolean;
  log: (line: string) => void;
}): Promise<DaemonKind | undefined> {
  const program = await findRedis(options);
  if (!program) return undefined;
  const directory = join(options.dataDir, 'redis');
  return {
    name: 'redis',
    prepare: async () => void (await mkdir(directory, { recursive: true })),
    command: (port) => ({
      file: program.server,
      args: [
        ...['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', ''],
        ...['--appendonly', options.durable ? 'yes' : 'no', '--appendfsync', 'everysec'],
      ],
      env: program.env,
    }),
    answers: (port) => serves(port, directory),
  };
}

async function findRedis(options: {
  packagesDir: string;
  log: (line: string) => void;
}): Promise<RedisProgram | undefined> {
  const server = findOnPath('redis-server', 'valkey-server');
  if (server) return { server, env: process.env };
  const unpacked = await unpackDebianPackages({
    names: ['redis-tools'],
    directory: join(options.packagesDir, 'redis'),
    log: options.log,
  });
  if (!unpacked) return undefined;
  // The server and its checking tools are one program that looks at the name it is run by; this package has the tools.
  const named = join(unpacked.root, 'redis-server');
  if (!existsSync(named)) await symlink(join('usr', 'bin', 'redis-check-rdb'), named);
  return { server: named, env: unpacked.env };
}

async function serves(port: number, directory: string): Promise<boolean> {
  const answer = await ask(port, 'CONFIG GET dir\r\n');
  const served = answer?.split('\r\n')[4]; // *2 $3 dir $n <directory>
  return served !== undefined && existsSync(served) && (await realpath(served)) === (await realpath(directory));
}

/** Sends one command and answers the first reply; undefined when nobody answers. */
function ask(port: number, command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: answerTimeoutMs });
    const settle = (answer: string | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write(command));
    socket.once('data', (data) => settle(data.toString()));
    for (const event of ['error', 'timeout', 'close']) socket.once(event, () => settle(undefined));
  });
}
