import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openPost } from './transport.ts';

/** How to start a program that will listen on `port`. */
export type Program = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
};

/** Memory of a process of Node after a collection, in MiB: what its code holds on to, in the heap and outside of it. */
export type Heap = { readonly heapMiB: number; readonly externalMiB: number };

/** A program of the benchmark that runs and answers GraphQL. */
export type Target = {
  readonly pid: number;
  readonly origin: string;
  /** Collects garbage and measures; for programs that were started by `reportingHeap`. */
  heap(): Promise<Heap>;
  /** Ends it and waits for the end. */
  stop(): Promise<void>;
};

const startTimeoutMs = 60_000;
const pollMs = 50;
const heapTimeoutMs = 30_000;
const stopTimeoutMs = 5_000;
const shownCharacters = 400;

/** The same program of Node, able to tell its heap. */
export const reportingHeap = (program: Program): Program => ({
  ...program,
  args: ['--expose-gc', '--import', join(import.meta.dirname, 'targets', 'report-heap.ts'), ...program.args],
});

/** Starts a program and waits until it answers `{ __typename }`. Rejects with what it printed when it ends or doesn't. */
export async function startTarget(program: Program, port: number): Promise<Target> {
  const child = spawn(program.command, program.args, {
    cwd: program.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...program.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-shownCharacters)));
  let ended: string | undefined;
  const exit = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = `ended with ${code ?? signal}`;
      resolve();
    });
    child.once('error', (error) => {
      ended = error.message;
      resolve();
    });
  });
  const origin = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    if (ended === undefined) child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await exit;
    clearTimeout(kill);
  };
  const heap = async (): Promise<Heap> => {
    const answered = once(child, 'message', { signal: AbortSignal.timeout(heapTimeoutMs) });
    child.send('heap');
    const [answer] = (await answered) as [Heap];
    return answer;
  };
  const { post, close } = openPost(origin);
  const untilMs = performance.now() + startTimeoutMs;
  let last = 'no answer';
  try {
    while (performance.now() < untilMs && ended === undefined) {
      try {
        const answer = JSON.parse(await post('{"query":"{ __typename }"}')) as { data?: { __typename?: string } };
        if (answer.data?.__typename === 'Query') return { pid: child.pid ?? 0, origin, heap, stop };
        last = JSON.stringify(answer).slice(0, shownCharacters);
      } catch (error) {
        last = (error as Error).message;
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  } finally {
    await close();
  }
  const reason = ended ?? `not ready after ${startTimeoutMs / 1_000} s: ${last}`;
  await stop();
  throw new Error(`${reason}${printed ? `: ${printed.trim()}` : ''}`);
}
