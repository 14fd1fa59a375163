import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { JWK } from 'jose';
import { startServers } from '../../embedded/servers.ts';
import { dataDir } from '../measure.ts';
import { type Ports, composeBench } from './graph.ts';
import { installPeers } from './peers.ts';

/** What the gateways of the benchmark stand on: running subgraphs, a Redis, the supergraph as a file. */
export type Stage = {
  readonly ports: Ports;
  readonly subgraphsPid: number;
  readonly dir: string;
  readonly redisUrl: string;
  readonly peersDir: () => Promise<string>;
  close(): Promise<void>;
};

/** Starts the subgraphs; `jwk` is the key of the clients' tokens. */
export async function openStage(jwk: JWK): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'order-platform-bench-'));
  const servers = await startServers({ dataDir: dir, cacheDir: dataDir(), mysqlUrl: 'mysql://unused:3306', log: () => undefined }); // prettier-ignore
  const child = spawn(process.execPath, [join(import.meta.dirname, 'subgraphs.ts'), JSON.stringify(jwk)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const ports = JSON.parse(line) as Ports;
  await writeFile(join(dir, 'supergraph.graphql'), composeBench(ports));
  let installing: Promise<string> | undefined;
  return {
    ports,
    subgraphsPid: child.pid ?? 0,
    dir,
    redisUrl: servers.redisUrl,
    peersDir: () => (installing ??= installPeers(console.error)),
    async close() {
      child.kill();
      await servers.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
