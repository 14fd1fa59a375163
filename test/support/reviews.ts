import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../ops/embedded/servers.ts';

const root = fileURLToPath(new URL('../../docs/your-own-subgraph/', import.meta.url));
/** Its SDL, and where that is. */
export const reviewsSdlPath = `${root}reviews.graphql`;
export const reviewsSdl = readFileSync(reviewsSdlPath, 'utf8');

/** The example of a subgraph that a team adds, as a process of its own. */
export type Reviews = {
  readonly url: string;
  stop(): Promise<void>;
  /** At the same port, without the reviews that it had. */
  start(): Promise<void>;
};

/** Runs `docs/your-own-subgraph/reviews.mjs`. */
export async function startReviews(env: Record<string, string> = {}): Promise<Reviews> {
  const port = await freePort();
  let child: ChildProcess;
  async function start(): Promise<void> {
    const started = spawn(process.execPath, [`${root}reviews.mjs`], {
      env: { ...env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = started;
    const said = once(createInterface({ input: started.stdout }), 'line');
    const ended = once(started, 'exit').then(() => Promise.reject(new Error('the reviews ended before they answered')));
    ended.catch(() => undefined);
    await Promise.race([said, ended]);
  }
  await start();
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    start,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
