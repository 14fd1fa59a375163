import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';

const processModule = pathToFileURL(resolve('subgraphs/shared/process/run-process.ts')).href;

/** Runs a service whose start is `start`, sends SIGTERM when it has begun, and says how it ended. */
async function terminated(start: string): Promise<{ code: number | null; output: string; afterMs: number }> {
  const script = `import { runProcess } from ${JSON.stringify(processModule)};
    setInterval(() => {}, 1000);
    await runProcess(async () => { console.log('begun'); ${start} }, { startGraceMs: 300, stopGraceMs: 1_000 });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child.stdout, 'data');
  // The handlers are set right after the start has begun.
  await new Promise((next) => setTimeout(next, 100));
  const at = performance.now();
  child.kill('SIGTERM');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, afterMs: performance.now() - at };
}

test('a start that hangs is left some time after a signal, with exit code 1', async () => {
  const { code, output, afterMs } = await terminated('await new Promise(() => {});');
  expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining('The start did not end') });
  expect(afterMs).toBeGreaterThan(250);
});

test('a start that ends in that time is stopped in order, however long that takes', async () => {
  const stop = "async stop() { await new Promise((next) => setTimeout(next, 600)); console.log('stopped'); }";
  const { code, output } = await terminated(`await new Promise((next) => setTimeout(next, 250)); return { ${stop} };`);
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('stopped') });
  expect(output).not.toContain('did not end');
});

test('a stop that hangs is left some time later, with exit code 1', async () => {
  const { code, output, afterMs } = await terminated('return { stop: () => new Promise(() => {}) };');
  expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining('The stop did not end') });
  expect(afterMs).toBeGreaterThan(950);
});
