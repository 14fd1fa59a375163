import { readFileSync, readdirSync } from 'node:fs';
import { withFragments } from './with-fragments.ts';

const ownOperations = new URL('operations/', import.meta.url);
/** The file of the folder that holds what the others share. */
export const fragmentsFile = 'fragments.graphql';

/** The operations of `schema/operations/`, or of another folder, by their files: `place-order`. */
export const operationNames = (directory = ownOperations): string[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.graphql') && file !== fragmentsFile)
    .map((file) => file.slice(0, -'.graphql'.length))
    .toSorted();

/** A client operation with its fragments, as it is sent: `operationText('place-order')`. Throws GraphQLError. */
export const operationText = (name: string): string =>
  withFragments(read(ownOperations, `${name}.graphql`), read(ownOperations, fragmentsFile));

const read = (directory: URL, file: string): string => readFileSync(new URL(file, directory), 'utf8');
