import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { demoAccounts } from '../../../ops/demo-shop.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import { logIn, pay } from '../../support/shop.ts';

jest.setTimeout(120_000);

const root = resolve(import.meta.dirname, '../../..');
const buyer = demoAccounts[0] as (typeof demoAccounts)[number];
let platform: Platform;
let folder: string;

beforeAll(async () => {
  platform = await startPlatform({ shape: 'one' });
  // Inside the repository, so that its imports find the packages.
  mkdirSync(join(root, '.data'), { recursive: true });
  folder = mkdtempSync(join(root, '.data/readme-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await platform?.stop();
});

/** The code under "Use it from your frontend", as it is but for where the API and the documents are. */
function readmeExample(): string {
  const section = readFileSync(join(root, 'README.md'), 'utf8').split('## Use it from your frontend')[1] ?? '';
  const code = /```ts\n(.*?)```/s.exec(section)?.[1] ?? '';
  expect(code).toContain('http://localhost:4000');
  expect(code).toContain("'./schema/generated/operations.ts'");
  return code
    .replace('http://localhost:4000', platform.url)
    .replace('./schema/generated/operations.ts', join(root, 'schema/generated/operations.ts'));
}

test('the example of the README is type-checked as a frontend checks it: strictly, with the types of a browser', () => {
  writeFileSync(join(folder, 'checked.ts'), readmeExample());
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'esnext', '--module', 'nodenext', '--lib', 'esnext,dom,dom.asynciterable', '--types', 'node', '--allowImportingTsExtensions', '--ignoreConfig']; // prettier-ignore
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, join(folder, 'checked.ts')], { encoding: 'utf8' }); // prettier-ignore
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test('the example of the README queries, places an order once and follows it until it is paid', async () => {
  writeFileSync(join(folder, 'example.ts'), readmeExample());
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(folder, 'example.ts')], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (!line.endsWith('PENDING_PAYMENT')) continue;
    const orderId = /\/pay\/([\w-]+)/.exec(lines[0] ?? '')?.[1] ?? '';
    await pay(platform, await logIn(platform, buyer), orderId);
  }
  expect(lines[0]).toMatch(/^pay at .*\/pay\//);
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(/^1 \S+ PLACING$/),
    expect.stringMatching(/^2 \S+ PENDING_PAYMENT$/),
    expect.stringMatching(/^3 \S+ PAID$/),
  ]);
});
