import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type DaemonKind, signalDaemon, startDaemon, stopDaemon } from '../../ops/embedded/daemon.ts';
import { keepRunning } from '../../ops/embedded/keep-running.ts';
import { isRunning } from '../../ops/lock-directory.mjs';
import { type Program, supervise } from '../../ops/supervise.ts';
import { until } from '../support/until.ts';

let directory: string;
let lines: string[];
let givenUp: Error[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'supervise-test-'));
  lines = [];
  givenUp = [];
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const options = {
  print: (line: string) => void lines.push(line),
  onGiveUp: (error: Error) => void givenUp.push(error),
};
/** A program of one line, ready when `readyUrl` says so. */
async function program(source: string, given: Partial<Program> = {}): Promise<Program> {
  const file = join(directory, 'program.mjs');
  await writeFile(file, source);
  return { name: 'program', file, env: { ...process.env }, readyUrl: 'http://127.0.0.1:1/', ...given };
}

test('a program that can not be started, however that is told, is tried again with back-off', async () => {
  // No system starts a program with such an environment: this is thrown, as ENOMEM is.
  const supervised = supervise(await program('', { env: { ODD: 'a\0b' } }), options);
  await until(() => lines.length >= 2);
  expect(lines[0]).toMatch(/^ended with .*; starting it again in 250 ms$/);
  expect(lines[1]).toMatch(/; starting it again in 500 ms$/);
  expect(supervised.pid()).toBe(undefined);
  await supervised.stop();
  expect(givenUp).toEqual([]);
});

test('one that is restarted ends and is there again at once; one that ended by itself waits for that', async () => {
  const source = `import { appendFileSync, readFileSync } from 'node:fs';
    appendFileSync(process.env.STARTS, 'x');
    if (readFileSync(process.env.STARTS, 'utf8').length === 2) process.exit(3);
    setInterval(() => undefined, 1_000);`;
  const starts = join(directory, 'starts');
  const supervised = supervise(await program(source, { env: { ...process.env, STARTS: starts } }), { ...options, onEnd: 'wait' }); // prettier-ignore
  const started = async (): Promise<number> => (await readFile(starts, 'utf8').catch(() => '')).length;
  await until(async () => (await started()) === 1);
  const first = supervised.pid();
  await supervised.restart();
  await until(() => lines.length > 0);
  expect(lines).toEqual(['ended with exit code 3; waiting for a change']);
  expect(supervised.pid()).toBe(undefined);
  await supervised.restart();
  await until(async () => (await started()) === 3);
  expect(supervised.pid()).toEqual(expect.any(Number));
  expect(supervised.pid()).not.toBe(first);
  await supervised.stop();
  expect(supervised.pid()).toBe(undefined);
  expect(givenUp).toEqual([]);
});

test('one that waits for a change can be stopped', async () => {
  const supervised = supervise(await program('process.exit(1)'), { ...options, onEnd: 'wait' });
  await until(() => lines.length > 0);
  await supervised.stop();
  await supervised.restart();
  expect(supervised.pid()).toBe(undefined);
});

test('one whose configuration can not work is given up at once, and its readiness is not waited for', async () => {
  const refusing = 'process.send({ unusableConfiguration: true }, undefined, undefined, () => process.exit(1));';
  const supervised = supervise(await program(refusing), options);
  await until(() => givenUp.length > 0);
  expect(givenUp.map(({ message }) => message)).toEqual([expect.stringContaining('its configuration')]);
  await expect(supervised.ready()).rejects.toThrow('its configuration');
  expect(lines).toEqual([]);
});

test('one that was ready once is started again for the same end, as what it needs may be away', async () => {
  const ready = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await once(ready, 'listening');
  const readyUrl = `http://127.0.0.1:${(ready.address() as AddressInfo).port}/`;
  const source = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(join(directory, 'starts'))}, 'x');
    process.once('message', () => {}); setTimeout(() => process.send({ unusableConfiguration: true }, undefined, undefined, () => process.exit(1)), 500);`;
  const supervised = supervise(await program(source, { readyUrl }), options);
  try {
    await supervised.ready();
    const starts = () => readFile(join(directory, 'starts'), 'utf8').catch(() => '');
    await until(async () => (await starts()).length >= 2);
    expect(givenUp).toEqual([]);
  } finally {
    await supervised.stop();
    ready.close();
    ready.closeAllConnections();
  }
});

test('a server that has died is started again although its lock could not be had at first, as on a full disk', async () => {
  const script = "require('net').createServer((s) => s.end()).listen(process.argv[1], '127.0.0.1')";
  const kind: DaemonKind = {
    name: 'listener',
    prepare: async () => undefined,
    command: (port) => ({ file: process.execPath, args: ['-e', script, String(port)], env: process.env }),
    answers: async () => true,
  };
  const log = options.print;
  const daemon = await startDaemon(kind, directory, log);
  let locks = 0;
  const lock = async () => {
    locks += 1;
    if (locks === 1) throw new Error('ENOSPC: no space left on device');
    return () => undefined;
  };
  const kept = keepRunning(kind, { daemon, dataDir: directory, lock, log });
  try {
    signalDaemon(daemon, 'SIGKILL');
    await until(() => kept.current().process !== daemon.process && isRunning(kept.current().process));
    expect(lines).toContain('listener did not start: ENOSPC: no space left on device');
  } finally {
    await kept.release();
    await stopDaemon(directory, kept.current());
  }
});
