import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const root = resolve(import.meta.dirname, '../..');

/** Imports a file in a process of its own and prints the names of the packages of which a module was loaded. */
const program = `
import { createRequire, registerHooks } from 'node:module';
const seen = new Set();
registerHooks({ load(url, context, next) { seen.add(url); return next(url, context); } });
await import(process.env['FILE']);
for (const path of Object.keys(createRequire(import.meta.url).cache)) seen.add(path);
const names = [...seen].flatMap((url) => /.*node_modules[/]((?:@[^/]+[/])?[^/]+)/.exec(url)?.[1] ?? []);
console.log(JSON.stringify([...new Set(names)]));
process.exit(0);
`;

async function packagesOf(file: string): Promise<string[]> {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env: { ...process.env, FILE: resolve(root, file) },
  });
  return JSON.parse(stdout) as string[];
}

/** What only migrations need. Each job store's driver, and the software of each payment provider of identity issuers and of mails is loaded when it is configured, Agendash when it is asked for. */
const onDemand = ['@mikro-orm/mysql', '@mikro-orm/mariadb', '@mikro-orm/migrations', '@mikro-orm/sql', 'mongodb', '@agendajs/mongo-backend', '@agendajs/redis-backend', 'ioredis', 'agenda', 'agendash', 'stripe', 'alipay-sdk', 'openid-client', 'oauth4webapi', 'nodemailer', 'pino-pretty', 'vite', '@opentelemetry/sdk-trace', '@opentelemetry/exporter-trace-otlp-http']; // prettier-ignore

test.each([
  {
    file: 'gateway/server.ts',
    uses: ['@apollo/server', 'redis'],
    not: ['@mikro-orm/core', '@mikro-orm/mysql', 'kysely', 'mysql2', '@apollo/subgraph', 'undici', ...onDemand],
  },
  { file: 'ops/one-process.ts', uses: ['@apollo/server', '@mikro-orm/core', 'undici'], not: onDemand },
  { file: 'subgraphs/order/subgraph.ts', uses: ['@mikro-orm/core'], not: ['@apollo/server', 'express', ...onDemand] },
])(
  'loading $file loads no package that its process may never use',
  async ({ file, uses, not }) => {
    const loaded = await packagesOf(file);
    expect(loaded).toEqual(expect.arrayContaining(uses));
    expect(loaded.filter((name) => not.includes(name))).toEqual([]);
  },
  60_000,
);
