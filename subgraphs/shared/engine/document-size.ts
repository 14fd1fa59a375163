import type { DocumentNode } from 'graphql';

/** Measured with graphql-js 16: what a token of a parsed document takes, with its places in the text and without. */
const bytesPerToken = { located: 450, bare: 200 } as const;

/**
 * About how many bytes a cached document takes, for the bound of a cache: an AST takes many times its text, so a bound
 * on text alone would let small documents fill the memory.
 */
export const documentSize = (
  query: string,
  document: Pick<DocumentNode, 'tokenCount'> | undefined,
  kind: keyof typeof bytesPerToken,
): number => query.length * 2 + (document?.tokenCount ?? 0) * bytesPerToken[kind] + 1;
