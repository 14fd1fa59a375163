import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Env } from '../../subgraphs/shared/process/env.ts';
import { ensurePages } from '../pages.ts';
import { serversFor } from '../servers-for.ts';
import { startSplit } from '../split.ts';
import { supervise } from '../supervise.ts';
import { syntaxError, watchSources, workFor } from './sources.ts';

const root = resolve(import.meta.dirname, '../..');
const log = (line: string): void => console.log(line);

/** The platform in one of its shapes; what has ended by itself is started again by `restart` alone. */
type Watched = {
  /** Starts these programs again; of one process, all of it. */
  restart(programs: ReadonlySet<string>): Promise<void>;
  ready(): Promise<void>;
  stop(): Promise<void>;
};

/**
 * `npm start -- --watch`: the servers of this process stay up, and the platform runs in others, which are started again
 * when a file that they import has changed. What can't be parsed or composed is told, and what runs goes on.
 */
export async function startWatched(
  given: Env,
  { split, url }: { split: boolean; url: string },
): Promise<{ stop(): Promise<void> }> {
  const { env, servers } = await serversFor(given, log);
  const pagesDir = resolve(given['DATA_DIR'] || '.data', 'watched-pages');
  await linkPages(pagesDir);
  const run = (file: string): Promise<boolean> => runScript(file, env);
  const platform = await open({ ...env, PAGES_DIR: pagesDir }, { split, url, run });
  const types = typeChecks(env);
  let starts = 0;
  const announce = (): void => {
    const start = ++starts;
    void platform.ready().then(() => start === starts && log(`ready ${url}`));
  };
  announce();

  /** What has changed since the platform last took all changes. */
  let pending: string[] = [];
  async function take(paths: readonly string[]): Promise<void> {
    const changed = [...new Set([...pending, ...paths])];
    const work = workFor(changed);
    if (!work.pages && work.programs.size === 0) return;
    pending = changed;
    const broken = syntaxError(root, changed);
    if (broken !== null) return console.error(`${broken}\nWhat runs goes on; waiting for a change.`);
    if (work.compose && !(await run('schema/compose.ts')))
      return console.error('What runs goes on; waiting for a change.');
    if (split && work.migrate && !(await run('ops/migrate.ts')))
      return console.error('The database was not migrated; waiting for a change.');
    if (work.pages && !(await pagesAreBuilt(pagesDir))) return;
    pending = [];
    types.check();
    if (work.programs.size === 0) return log('the pages are built again');
    log(`starting again: ${split ? [...work.programs].join(', ') : 'the platform'}`);
    await platform.restart(work.programs);
    announce();
  }
  let taking = Promise.resolve();
  const sources = watchSources(root, (paths) => {
    taking = taking.then(() => take(paths)).catch((error: unknown) => console.error(error));
  });
  return {
    async stop() {
      sources.close();
      types.stop();
      starts += 1;
      await platform.stop();
      await servers.stop();
      log('stopped');
    },
  };
}

async function open(
  env: Env,
  { split, url, run }: { split: boolean; url: string; run: (file: string) => Promise<boolean> },
): Promise<Watched> {
  const waits = { onEnd: 'wait', onGiveUp: () => undefined } as const;
  if (split) {
    // As a start does, by the code as it is then.
    for (const file of ['ops/migrate.ts', 'ops/seed.ts']) if (!(await run(file))) throw new Error(`${file} failed`);
    return startSplit(env, waits);
  }
  const program = { name: 'platform', file: join(root, 'ops/dev.ts'), env, readyUrl: `${url}/health/ready` };
  const one = supervise(program, { ...waits, print: (line) => /^(ready|stopped)\b/.test(line) || log(line) });
  return { restart: () => one.restart(), ready: () => one.ready(), stop: () => one.stop() };
}

/** Builds the pages, and lets `path` lead to them; the server reads them through it. */
async function linkPages(path: string): Promise<void> {
  const { distDir } = await ensurePages();
  await mkdir(resolve(path, '..'), { recursive: true });
  await rm(`${path}.new`, { force: true });
  await symlink(distDir, `${path}.new`);
  await rename(`${path}.new`, path);
}

/** Whether the pages could be built; what stands against it is told. */
async function pagesAreBuilt(path: string): Promise<boolean> {
  try {
    await linkPages(path);
    return true;
  } catch (error) {
    console.error(`${(error as Error).message}\nThe pages stay as they were; waiting for a change.`);
    return false;
  }
}

/** Whether a script of this project ends well; it says itself what is wrong. */
function runScript(file: string, env: Env): Promise<boolean> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], { cwd: root, env, stdio: 'inherit' }); // prettier-ignore
  return new Promise((done, fail) => child.once('error', fail).once('exit', (code) => done(code === 0)));
}

/** Types are checked beside what runs, which needs none: errors are shown. The latest change counts. */
function typeChecks(env: Env): { check(): void; stop(): void } {
  let running: ChildProcess | undefined;
  const stop = (): void => void running?.kill();
  return {
    check() {
      stop();
      running = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit', '--pretty'], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] }); // prettier-ignore
      running.once('error', (error) => console.error(`Types can't be checked: ${error.message}`));
    },
    stop,
  };
}
