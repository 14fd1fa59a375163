import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../../ops/embedded/servers.ts';
import { until } from '../support/until.ts';

const root = resolve(import.meta.dirname, '../..');
const busyMs = 90_000;

/** A copy of the code, so that the test may change it. */
let project: string;
let child: ChildProcess;
let output: string;
let url: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'watch-e2e-'));
  output = '';
  for (const path of [
    'gateway',
    'ops',
    'schema',
    'subgraphs',
    'docs',
    'README.md',
    'ARCHITECTURE.md',
    'DECISIONS.md',
    'CHANGELOG.md',
    'package.json',
    'package-lock.json',
  ])
    cpSync(join(root, path), join(project, path), { recursive: true });
  // All packages but their cache: builds of this project would push out the one that other suites' platforms serve.
  mkdirSync(join(project, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  // Each change has types checked and, of the SDL, pages built: of this project that shall cost little.
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { compilerOptions: object }; // prettier-ignore
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['gateway/config.ts'] }));
  for (const page of ['index', 'graphiql', 'docs'])
    change(`gateway/pages/${page}.html`, (html) => html.replace(/<script type="module" src="[^"]*"><\/script>/, ''));
});
afterEach(async () => {
  if (child.exitCode === null) {
    child.kill('SIGKILL');
    await new Promise((done) => child.once('exit', done));
  }
  rmSync(project, { recursive: true, force: true });
});

async function start(...options: string[]): Promise<void> {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'ops/dev.ts', '--watch', ...options], {
    cwd: project,
    env: {
      PATH: process.env['PATH'],
      ...(process.env['NODE_COMPILE_CACHE'] && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
      MYSQL_URL: process.env['TEST_MYSQL_URL'],
      REDIS_URL: process.env['TEST_REDIS_URL'],
      DATABASE_PREFIX: `w${randomBytes(4).toString('hex')}`,
      DATA_DIR: join(project, '.data'),
      PORT: String(port),
      METRICS_PORT: String(await freePort()),
      LOG_LEVEL: 'warn',
      APOLLO_TELEMETRY_DISABLED: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  await ready(1);
}
const ready = (times: number) => until(() => output.split('ready http').length > times, { timeoutMs: busyMs, what: `ready, ${times} times` }); // prettier-ignore
const says = (text: string) => until(() => output.includes(text), { timeoutMs: busyMs, what: text });
const change = (path: string, edit: (text: string) => string): void =>
  writeFileSync(join(project, path), edit(readFileSync(join(project, path), 'utf8')));
async function describedAs(): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ __type(name: "Gender") { description } }' }),
  });
  return ((await response.json()) as { data: { __type: { description: string } } }).data.__type.description;
}
async function interrupt(): Promise<number | null> {
  child.kill('SIGINT');
  if (child.exitCode === null) await new Promise((done) => child.once('exit', done));
  return child.exitCode;
}

describe('npm start -- --watch', () => {
  test('composes and starts again after a change of the SDL, goes on through an error, and ends at Ctrl-C', async () => {
    await start();
    change('schema/user.graphql', (text) => text.replace("A user's gender, as the user says.", 'As the user says.'));
    await ready(2);
    expect(await describedAs()).toBe('As the user says.');

    change('subgraphs/user/queries.ts', (text) => `${text}\nconst broken = ;\n`);
    await says('subgraphs/user/queries.ts: ');
    expect(await describedAs()).toBe('As the user says.');
    change('schema/user.graphql', (text) => text.replace('As the user says.', 'As told.'));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await describedAs()).toBe('As the user says.');
    change('subgraphs/user/queries.ts', (text) => text.replace('const broken = ;\n', ''));
    await ready(3);
    expect(await describedAs()).toBe('As told.');

    // Parsed, and yet it can't start: that is seen at the start alone.
    change('subgraphs/user/queries.ts', (text) => `${text}\nthrow new Error('not today');\n`);
    await says('waiting for a change');
    change('subgraphs/user/queries.ts', (text) => text.replace("throw new Error('not today');\n", ''));
    await ready(4);
    expect(await interrupt()).toBe(0);
    expect(output).toMatch(/stopped\n$/);
  }, 300_000);

  test('with --split starts what imports the changed file, and nothing else', async () => {
    await start('--split');
    change('subgraphs/order/config.ts', (text) => `${text}\n// changed\n`);
    await says('starting again: order, worker\n');
    await ready(2);
    change('gateway/config.ts', (text) => `${text}\n// changed\n`);
    await says('starting again: gateway\n');
    await ready(3);
    expect(await describedAs()).toBe("A user's gender, as the user says.");
    expect(await interrupt()).toBe(0);
  }, 300_000);
});
