import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { noteFailure } from '../../subgraphs/shared/process/dependency.ts';
import type { Redis } from '../../subgraphs/shared/process/redis.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import { openBoundedStore } from '../cache/bounded-store.ts';
import { refusal } from '../errors.ts';
import { isJsonObject } from '../execute/types.ts';
import type { TrustedDocuments } from './trusted-documents.ts';

/** The parameters of a request by which it says what document it wants, as it sent them. */
export type DocumentRequest = {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
};

/** The text that a request stands for. */
export type ResolvedText = {
  readonly query: string;
  /** Its hash, when the client asks for it to be remembered. */
  readonly register?: string;
};

export type PersistedQueries = {
  /** True for requests that name a document by its hash or id. */
  isNamed(request: DocumentRequest): boolean;
  /** The document that such a request names. Rejects with a refusal: malformed, unknown, or hash and text don't fit. */
  textOf(request: DocumentRequest): Promise<ResolvedText>;
  /** Remembers a text that was found to be a valid document. A failure of Redis is logged. */
  remember(hash: string, query: string): void;
};

const lifetimeSeconds = 7 * 24 * 3_600;
const bounds = { name: 'apq', maxEntries: 10_000, maxBytes: 32 * 1024 * 1024, lifetimeSeconds };
/** Longer documents are executed and not remembered. */
const maxRememberedChars = 16 * 1024;
const keptHere = { max: 1_000, maxSize: 8 * 1024 * 1024 };
/** Who sends a text again has met a gateway that does not know it: Redis may have lost it since. */
const storeAgainAfterMs = 5_000;

/** So that clients send the text; Apollo's clients know it by its message and code. */
const notFound = () =>
  new GraphQLError('PersistedQueryNotFound', {
    extensions: {
      code: 'PERSISTED_QUERY_NOT_FOUND',
      http: { status: 200, headers: new Map([['cache-control', 'private, no-cache, must-revalidate']]) },
    },
  });

/** A text, and when Redis was last told of it or gave it. */
type Known = { readonly query: string; readonly storedAtMs: number };

const sha256Hex = /^[0-9a-f]{64}$/;
const hashOf = (query: string): string => createHash('sha256').update(query).digest('hex');

/**
 * Automatic persisted queries (Apollo's protocol, version 1) and documents by id. Trusted documents are known from the
 * start by their id; the others are remembered in Redis. While Redis is away a hash alone is not found, so clients send
 * the text, as they do for the first time.
 */
export function openPersistedQueries(options: {
  redis: Redis;
  log: Logger;
  trusted: TrustedDocuments;
}): PersistedQueries {
  const { log, trusted } = options;
  const store = openBoundedStore(options.redis, bounds);
  const known = new LRUCache<string, Known>({ ...keptHere, sizeCalculation: ({ query }) => query.length + 1 });

  async function find(hash: string): Promise<string | undefined> {
    const here = trusted.textOf(hash) ?? known.get(hash)?.query;
    if (here !== undefined) return here;
    try {
      const stored = await store.get(hash);
      if (stored === null) return undefined;
      known.set(hash, { query: stored, storedAtMs: performance.now() });
      return stored;
    } catch (error) {
      noteFailure(log, error, 'a persisted query could not be looked up');
      return undefined;
    }
  }
  async function byHash(persistedQuery: unknown, query: unknown): Promise<ResolvedText> {
    if (!isJsonObject(persistedQuery)) throw refusal('BAD_REQUEST', 'extensions.persistedQuery is not an object.');
    const { version, sha256Hash } = persistedQuery;
    if (version !== 1) throw refusal('BAD_REQUEST', 'Unsupported persisted query version');
    if (typeof sha256Hash !== 'string' || !sha256Hex.test(sha256Hash))
      throw refusal(
        'BAD_REQUEST',
        'extensions.persistedQuery.sha256Hash is not a SHA-256 in 64 small hexadecimal digits.',
      );
    if (typeof query === 'string' && query !== '') {
      if (hashOf(query) !== sha256Hash) throw refusal('BAD_REQUEST', 'provided sha does not match query');
      return { query, register: sha256Hash };
    }
    const found = await find(sha256Hash);
    if (found === undefined) throw notFound();
    return { query: found };
  }
  async function byId(documentId: unknown, query: unknown): Promise<ResolvedText> {
    if (typeof documentId !== 'string') throw refusal('BAD_REQUEST', 'documentId is not a string.');
    if (typeof query === 'string' && query !== '')
      throw refusal('BAD_REQUEST', 'A request has either a query or a documentId.');
    const id = documentId.replace(/^sha256:/, '');
    const found = trusted.textOf(documentId) ?? (sha256Hex.test(id) ? await find(id) : undefined);
    if (found !== undefined) return { query: found };
    if (trusted.only) throw refusal('DOCUMENT_NOT_TRUSTED', 'No trusted document has this id.', 403);
    throw refusal('PERSISTED_QUERY_NOT_FOUND', 'No document is known by this id.', 404);
  }

  return {
    isNamed: ({ documentId, extensions }) =>
      (documentId !== undefined && documentId !== null) || (isJsonObject(extensions) && 'persistedQuery' in extensions),
    async textOf({ query, documentId, extensions }) {
      return isJsonObject(extensions) && 'persistedQuery' in extensions
        ? byHash(extensions['persistedQuery'], query)
        : byId(documentId, query);
    },
    remember(hash, query) {
      if (query.length > maxRememberedChars || trusted.textOf(hash) !== undefined) return;
      const nowMs = performance.now();
      if (nowMs - (known.get(hash)?.storedAtMs ?? -Infinity) < storeAgainAfterMs) return;
      known.set(hash, { query, storedAtMs: nowMs });
      store.put(hash, query).catch((error: Error) => {
        // Other gateways don't know it: the next one to be asked for it here tries again.
        known.delete(hash);
        noteFailure(log, error, 'a persisted query could not be stored');
      });
    },
  };
}
