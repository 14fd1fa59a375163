import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type GraphQLSchema, printSchema } from 'graphql';
import { subgraphNameFault } from '../subgraphs/shared/values/subgraph-names.ts';
import {
  CompositionError,
  type SubgraphDocument,
  breakingHints,
  compose,
  fragileHints,
  readSubgraph,
} from './composition.ts';

/** Where the composed graph with the added subgraphs is kept, by default; the gateway looks for it there. */
export const composedDir = join(import.meta.dirname, 'composed');

/** A subgraph of a team's own: its name, its SDL, and what messages call the file. */
export type Added = { readonly name: string; readonly path: string; readonly file: string };

/**
 * What was added before and is kept in the directory, and what is added now, which takes the place of one of the same
 * name. Throws CompositionError for a name that can't be.
 *
 * @param given `name=file`; a file is looked for from where the command was called
 */
export function findAdded(directory: string, given: readonly string[]): readonly Added[] {
  const added = new Map<string, Added>();
  const kept = join(directory, 'subgraphs');
  for (const entry of existsSync(kept) ? readdirSync(kept) : [])
    if (entry.endsWith('.graphql')) {
      const path = join(kept, entry);
      added.set(basename(entry, '.graphql'), { name: basename(entry, '.graphql'), path, file: shownPath(path) });
    }
  for (const one of given) {
    const [, name = '', file = ''] = /^([^=]*)=(.+)$/s.exec(one) ?? [];
    if (file === '') throw new CompositionError(`--add ${one}: is not name=file, e.g. --add reviews=schema.graphql`);
    added.set(name, { name, path: resolve(process.env['INIT_CWD'] ?? '', file), file });
  }
  for (const { name } of added.values()) {
    const fault = subgraphNameFault(name);
    if (fault !== null) throw new CompositionError(`--add ${name}: ${fault}`);
  }
  return [...added.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/**
 * Composes added subgraphs with ours. Path below the directory → content; null for a file that is to go. Throws
 * CompositionError.
 */
export function composeAdded(
  ours: { readonly subgraphs: readonly SubgraphDocument[]; readonly api: GraphQLSchema },
  added: readonly Added[],
): { files: ReadonlyMap<string, string | null>; hints: readonly string[] } {
  if (added.length === 0)
    return { files: new Map([['supergraph.graphql', null], ['api.graphql', null]]), hints: [] }; // prettier-ignore
  const theirs = added.map(({ name, path, file }) => readSubgraph(name, path, file));
  const { supergraph, api, hints } = compose([...ours.subgraphs, ...theirs]);
  const files = new Map([
    ['supergraph.graphql', supergraph],
    ['api.graphql', `${printSchema(api)}\n`],
    ...added.map(({ name, path }) => [`subgraphs/${name}.graphql`, readFileSync(path, 'utf8')] as const),
  ]);
  return { files, hints: [...hints, ...breakingHints(ours.api, api), ...fragileHints(ours.api, api)] };
}

/** The files of the directory that are not what they should be. */
export const staleIn = (directory: string, files: ReadonlyMap<string, string | null>): (readonly [string, string | null])[] =>
  [...files].map(([path, content]) => [join(directory, path), content] as const).filter(([path, content]) =>
    content !== (existsSync(path) ? readFileSync(path, 'utf8') : null)); // prettier-ignore

/** From the working directory, where the file is below it. */
export function shownPath(path: string): string {
  const fromHere = relative('', path);
  return fromHere.startsWith('..') ? path : fromHere;
}

/** Writes what `staleIn` found. */
export function writeFiles(stale: readonly (readonly [string, string | null])[]): void {
  for (const [path, content] of stale) {
    if (content === null) {
      rmSync(path);
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    console.log(`${content === null ? 'removed' : 'wrote'} ${shownPath(path)}`);
  }
}
