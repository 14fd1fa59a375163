import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type DocumentNode, GraphQLError, Kind, parse, print, visit } from 'graphql';
import { z } from 'zod';
import { ConfigError } from '../../subgraphs/shared/process/env.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import type { Documents } from './documents.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';

/** The documents that our own clients send, known from the start. */
export type TrustedDocuments = {
  /** True: no other document is executed. */
  readonly only: boolean;
  readonly texts: readonly string[];
  /** The text of an id of the manifest. */
  textOf(id: string): string | undefined;
  /** Whether this is one of them, whatever its layout and comments, and with or without `__typename`s that a client library adds. */
  has(document: DocumentNode): boolean;
};

/** Apollo's format of persisted query manifests. */
const manifestFormat = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(
    z.object({
      id: z.string().min(1).max(200),
      name: z.string(),
      type: z.enum(['query', 'mutation', 'subscription']),
      body: z.string().min(1),
    }),
  ),
});

/** Throws ConfigError when the file is not a manifest of documents. Without a file nothing is trusted. */
export function readTrustedDocuments(options: { path: string | URL | undefined; only: boolean }): TrustedDocuments {
  const { path, only } = options;
  if (path === undefined) return trustedDocuments([], only);
  const fail = (reason: string): never => {
    throw new ConfigError(`TRUSTED_DOCUMENTS: ${String(path)} ${reason}`);
  };
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`can't be read as JSON (${(error as Error).message}).`);
  }
  const manifest = manifestFormat.safeParse(given);
  if (!manifest.success) {
    const [issue] = manifest.error.issues;
    return fail(`is not a persisted query manifest of version 1 (${issue?.path.join('.')}: ${issue?.message}).`);
  }
  for (const { id, name, body } of manifest.data.operations) {
    try {
      parse(body);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return fail(`has a document that is not GraphQL: ${name} (${id}): ${error.message}`);
    }
  }
  return trustedDocuments(manifest.data.operations, only);
}

function trustedDocuments(
  operations: readonly { readonly id: string; readonly body: string }[],
  only: boolean,
): TrustedDocuments {
  const byId = new Map(operations.map(({ id, body }) => [id, body]));
  const forms = new Set(operations.map(({ body }) => normalForm(parse(body))));
  return {
    only,
    texts: [...byId.values()],
    textOf: (id) => byId.get(id),
    has: (document) => forms.has(normalForm(document)),
  };
}

/** One text for all documents that differ in layout, comments and plain `__typename`s alone. */
const normalForm = (document: DocumentNode): string =>
  print(
    visit(document, {
      Field: (node) =>
        node.name.value === '__typename' && !node.alias && (node.directives ?? []).length === 0 ? null : undefined,
      SelectionSet: {
        leave: (node) => (node.selections.length > 0 ? undefined : { ...node, selections: [typename] }),
      },
    }),
  );

/** Where nothing else is selected it stays. */
const typename = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } } as const;

type ReadDocumentText = { readonly text: string; readonly document: DocumentNode };

/** Parses and validates all of the documents. Throws ConfigError for one that the gateway would refuse. */
export const readAll = ({ texts }: TrustedDocuments, documents: Documents): ReadDocumentText[] =>
  texts.map((text) => ({ text, document: readTrusted(text, documents) }));

/** Plans and compiles documents one by one; requests come in between. Never rejects. */
export async function compileAhead(
  read: readonly ReadDocumentText[],
  deps: { supergraph: Supergraph; log: Logger; isClosing: () => boolean },
): Promise<void> {
  for (const { text, document } of read) {
    // Planning takes some ten milliseconds each.
    await setImmediate();
    if (deps.isClosing()) return;
    try {
      deps.supergraph.prepareAll({ query: text, document });
    } catch (error) {
      deps.log.error({ err: error }, 'a trusted document could not be planned');
    }
  }
}

function readTrusted(text: string, documents: Documents): DocumentNode {
  const fail = (reason: string | undefined): never => {
    throw new ConfigError(`TRUSTED_DOCUMENTS: this gateway refuses one of them: ${reason}\n${text}`);
  };
  try {
    const { document, validationErrors } = documents.read(text, {});
    const [error] = validationErrors();
    return error ? fail(error.message) : document;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return fail(error.message);
  }
}
