import { maxRepresentations } from '../../subgraphs/shared/calls/link.ts';

/** Every bound of the executor; each can be seen in a test. */
export const executeLimits = {
  /** Representations in one `_entities` request; more are sent as several requests at once. */
  representations: maxRepresentations,
  /** Errors in one answer; the rest is counted in a last one. */
  errors: 1_000,
  /** Operations whose documents are kept. */
  operations: 1_000,
  /** Characters of those documents; a parsed one takes some hundred bytes for each. */
  operationCharacters: 512 * 1024,
  /** Plans that are kept, compiled: one for each setting of an operation's conditions. */
  variants: 1_000,
  /** Characters of those plans as JSON; a compiled one takes some ten bytes for each. */
  variantCharacters: 8 * 1024 * 1024,
} as const;
