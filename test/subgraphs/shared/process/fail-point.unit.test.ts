import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const failPointModule = pathToFileURL(resolve('subgraphs/shared/process/fail-point.ts')).href;

let directory: string;
let file: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fail-point-'));
  file = join(directory, 'point');
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Passes `a` three times and `b` once, with `between` after each pass; says where the process got and how it ended. */
function pass(setting: string | undefined, { between = '', nodeEnv }: { between?: string; nodeEnv?: string } = {}) {
  const script = `import { writeFileSync, writeSync } from 'node:fs';
    import { failPoint } from ${JSON.stringify(failPointModule)};
    for (const name of ['a', 'a', 'b', 'a']) { failPoint(name); writeSync(1, name); ${between} }`;
  const env = { PATH: process.env['PATH'], FAIL_POINT: setting, NODE_ENV: nodeEnv };
  const { stdout, stderr, signal, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env }); // prettier-ignore
  return { passed: stdout, signal, status, stderr };
}

test.each([
  ['a', ''],
  ['a@2', 'a'],
  ['a@3', 'aab'],
  ['b', 'aa'],
])('FAIL_POINT=%s kills the process there, after the passes %s', (setting, passed) => {
  expect(pass(setting)).toMatchObject({ passed, signal: 'SIGKILL' });
});

test.each([[undefined], [''], ['c'], ['a@4']])('FAIL_POINT=%s kills nothing', (setting) => {
  expect(pass(setting)).toMatchObject({ passed: 'aaba', signal: null, status: 0 });
});

test('a file is read at each pass, so the place can be chosen while the process runs', () => {
  writeFileSync(file, '');
  const between = `writeFileSync(${JSON.stringify(file)}, 'b\\n');`;
  expect(pass(file, { between })).toMatchObject({ passed: 'aa', signal: 'SIGKILL' });
});

test('an empty file kills nothing, and one that is not there is an error that names it', () => {
  writeFileSync(file, '');
  expect(pass(file)).toMatchObject({ passed: 'aaba', status: 0 });
  const missing = join(directory, 'missing');
  expect(pass(missing)).toMatchObject({ passed: '', status: 1, stderr: expect.stringContaining(missing) });
});

test('in production nothing is killed, and no file is read', () => {
  expect(pass('a', { nodeEnv: 'production' })).toMatchObject({ passed: 'aaba', status: 0 });
  expect(pass(join(directory, 'missing'), { nodeEnv: 'production' })).toMatchObject({ passed: 'aaba', status: 0 });
});
