import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ports, queries, subgraphNames, typeDefs, urlOf } from './graph.ts';
import { openClients } from './clients.ts';
import { peerVersion } from './peers.ts';
import type { Program } from './processes.ts';
import type { Scene } from './scene.ts';
import { openStage } from './stage.ts';

/** What a variant needs to be started. */
export type Setting = {
  readonly port: number;
  readonly ports: Ports;
  /** For files of the run: the supergraph is `supergraph.graphql` in it. */
  readonly dir: string;
  readonly redisUrl: string;
  /** Where the peers are installed; rejects when they are not. */
  readonly peersDir: () => Promise<string>;
};

type Variant = {
  /** What it is, for the results. */
  readonly is: string;
  /** Packages of `ops/bench/peers` whose versions are told. */
  readonly peers?: readonly string[];
  program(setting: Setting): Promise<Program>;
};

const grafbasePackage = '@grafbase/cli-x86_64-unknown-linux-musl';

/** A gateway of this repository's packages: one of the files in `targets/`. */
function own(is: string, file: string, name: string, env?: (setting: Setting) => Record<string, string>): Variant {
  return { is, program: async (setting) => target(file, name, setting, env?.(setting)) };
}

function target(file: string, name: string, setting: Setting, env: Record<string, string> = {}): Program {
  return {
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'targets', file), name],
    env: {
      PORT: String(setting.port),
      SUBGRAPH_PORTS: JSON.stringify(setting.ports),
      SUPERGRAPH: join(setting.dir, 'supergraph.graphql'),
      APOLLO_TELEMETRY_DISABLED: 'true',
      ...env,
    },
  };
}

/** Hive Gateway by its command line; requests of several clients that are alike are not made one (its default). */
const hive = (is: string, ...args: string[]): Variant => ({
  is,
  peers: ['@graphql-hive/gateway', '@graphql-hive/router-runtime'],
  async program({ port, dir, peersDir }) {
    const cwd = await peersDir();
    return {
      command: process.execPath,
      args: ['node_modules/@graphql-hive/gateway/dist/bin.js', 'supergraph', join(dir, 'supergraph.graphql'), '--host', '127.0.0.1', '--port', String(port), '--polling', '1h', ...args], // prettier-ignore
      cwd,
      env: { NODE_ENV: 'production', LOG_LEVEL: 'error' },
    };
  },
});

export const variants: Readonly<Record<string, Variant>> = {
  gateway: own('our gateway as users run it: gateway/server.ts with everything in front', 'gateway.ts', 'gateway', ({ redisUrl }) => ({ MYSQL_URL: 'mysql://unused:3306', REDIS_URL: redisUrl, LOG_LEVEL: 'warn' })), // prettier-ignore
  ours: own('gateway/execute behind a plain front', 'plain.ts', 'ours'),
  closures: own('the same without code generated from strings', 'plain.ts', 'closures'),
  'apollo-executor': own('the executor of @apollo/gateway behind the same plain front and connections as ours', 'plain.ts', 'apollo-executor'), // prettier-ignore
  stock: own('@apollo/gateway in @apollo/server as documented', 'stock.ts', 'stock', () => ({ NODE_ENV: 'production' })), // prettier-ignore
  'stock-undici': own('the same with a data source on an undici pool', 'stock.ts', 'stock-undici', () => ({ NODE_ENV: 'production' })), // prettier-ignore
  hive: hive('Hive Gateway, JavaScript, with --jit', '--jit'),
  'hive-rust': hive('Hive Gateway with the query planner in Rust', '--hive-router-runtime'),
  mercurius: {
    is: 'Mercurius gateway with jit',
    peers: ['@mercuriusjs/gateway', 'mercurius'],
    program: async (setting) => target('mercurius.ts', 'mercurius', setting, { PEERS_DIR: await setting.peersDir(), NODE_ENV: 'production' }), // prettier-ignore
  },
  grafbase: {
    is: 'Grafbase (Rust), dev mode of its command line',
    peers: [grafbasePackage],
    async program({ port, ports, dir, peersDir }) {
      const cwd = join(dir, `grafbase-${port}`);
      await mkdir(cwd, { recursive: true });
      const tables: string[] = [];
      for (const name of subgraphNames) {
        await writeFile(join(cwd, `${name}.graphql`), typeDefs[name]);
        tables.push(`[subgraphs.${name}]\nurl = "${urlOf(ports, name)}"\nschema_path = "${name}.graphql"\n`);
      }
      await writeFile(join(cwd, 'grafbase.toml'), tables.join('\n'));
      const command = join(await peersDir(), 'node_modules', grafbasePackage, 'grafbase');
      return { command, args: ['--home', cwd, 'dev', '--listen-address', `127.0.0.1:${port}`], cwd };
    },
  },
  floor: own('the requests that ours sends, as constants, behind the plain front, over undici', 'plain.ts', 'floor'),
  'floor-own': own('the same over the connections of our gateway', 'plain.ts', 'floor-own'),
};

/** The queries of the federation benchmark before subgraphs that answer from memory, so that gateways are measured. */
export async function openFederationBench(): Promise<Scene> {
  const clients = await openClients();
  const stage = await openStage(clients.jwk);
  return {
    requests: Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, JSON.stringify({ query })])),
    variants: Object.keys(variants),
    async program(name, port) {
      const variant = variants[name];
      if (!variant) throw new Error(`no variant ${name}`);
      return variant.program({ ...stage, port });
    },
    authorizations: clients.authorizations,
    async versions(names) {
      const peers = new Set(names.flatMap((name) => variants[name]?.peers ?? []));
      const versions: Record<string, string> = {};
      for (const peer of peers) versions[peer] = await peerVersion(await stage.peersDir(), peer);
      return versions;
    },
    close: stage.close,
  };
}
