import { existsSync, readFileSync, watch } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { pageSources } from '../pages.ts';

/** What has to be done after a change. */
export type Work = {
  /** The SDL or the operations have changed: the supergraph and the types follow. */
  readonly compose: boolean;
  readonly migrate: boolean;
  readonly pages: boolean;
  /** The programs of `--split` that import what has changed. */
  readonly programs: ReadonlySet<string>;
};

const folders = ['gateway', 'ops', 'schema', 'subgraphs'];
/** An editor writes a file in several steps, and git many files. */
const gatherMs = 100;
const allPrograms = [...subgraphNames, 'worker', 'simulated-provider', 'gateway'];
const isComposed = (path: string): boolean =>
  /^schema\/((generated|composed)\/|(supergraph|api|baseline)\.graphql$)/.test(path);

/** What the changes of these files ask for; paths from the project's directory. */
export function workFor(paths: readonly string[]): Work {
  // What is composed changes by our own doing, and editors leave files of their own beside what they write.
  const sources = paths.filter((path) => !isComposed(path) && /\.(ts|tsx|mjs|graphql|css|html|svg|json)$/.test(path));
  const compose = sources.some((path) => /^schema\/.*\.graphql$/.test(path));
  const ofPages = (path: string): boolean => pageSources.some((source) => path === source || path.startsWith(`${source}/`)); // prettier-ignore
  return {
    compose,
    migrate: sources.some((path) => /\/migrations\//.test(path)),
    pages: compose || sources.some(ofPages),
    programs: new Set(sources.flatMap(importersOf)),
  };
}

/** By the rules about who may import what; see ARCHITECTURE.md. */
function importersOf(path: string): readonly string[] {
  if (/^gateway\/pages\/(?!serve-pages|jobs-page)/.test(path)) return [];
  if (path.startsWith('gateway/')) return ['gateway'];
  if (path.startsWith('subgraphs/payment/simulated-provider/')) return ['simulated-provider'];
  const [, name] = /^subgraphs\/(\w+)\//.exec(path) ?? [];
  return subgraphNames.some((each) => each === name) ? [name as string, 'worker'] : allPrograms;
}

/** Calls `onChange` with the files below the folders of the code that have changed. */
export function watchSources(root: string, onChange: (paths: string[]) => void): { close(): void } {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const watchers = folders.map((folder) =>
    watch(join(root, folder), { recursive: true }, (_event, name) => {
      if (name === null) return;
      changed.add(`${folder}/${name}`);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const paths = [...changed];
        changed.clear();
        onChange(paths);
      }, gatherMs);
    }).on('error', (error) => console.error(`Changes in ${folder}/ can't be watched: ${error.message}`)),
  );
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** The first of the files that is not TypeScript, with what is wrong; null when all are. */
export function syntaxError(root: string, paths: readonly string[]): string | null {
  for (const path of paths) {
    const file = join(root, path);
    if (!/\.(ts|mjs)$/.test(path) || !existsSync(file)) continue;
    try {
      stripTypeScriptTypes(readFileSync(file, 'utf8'));
    } catch (error) {
      return `${path}: ${(error as Error).message}`;
    }
  }
  return null;
}
