/** Every bound of the executor; each can be seen in a test. */
export const executeLimits = {
  /** Representations in one `_entities` request; more are sent as several requests at once. */
  representations: 100,
  /** Errors in one answer; the rest is counted in a last one. */
  errors: 1_000,
  /** Compiled operations that are kept. */
  compiledOperations: 1_000,
  /** Characters of the documents that compiled operations are kept for. */
  compiledCharacters: 8 * 1024 * 1024,
  /** Settings of `@skip` and `@include` that an operation keeps compiled forms for. */
  variantsOfOperation: 16,
} as const;
