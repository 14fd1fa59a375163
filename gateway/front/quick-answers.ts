import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';
import { notedSize } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Answering } from '../../subgraphs/shared/answers/answering.ts';
import { type Logger, type Metrics, traceIdFrom } from '../../subgraphs/shared/process/telemetry.ts';
import type { TokenVerifier } from '../callers/access-tokens.ts';
import type { Documents, ReadDocument } from '../documents/documents.ts';
import { refusalOfVariables } from '../documents/limits.ts';
import { observe } from '../operations/measure.ts';
import type { Outgoing } from './outgoing.ts';
import type { Newcomers } from '../turns/new-documents.ts';
import { type RunOperation, clientOf, isOverload } from '../operations/run-operation.ts';
import type { PersistedQueries, ResolvedText } from '../documents/persisted-queries.ts';
import {
  type Arrived,
  type Exchange,
  type Parameters,
  held,
  send,
  sendLarge,
  sendOverload,
  sendPlain,
  textOf,
} from './quick-send.ts';
import type { ResponseCache } from '../cache/response-cache.ts';
import { isReadableHead, searchParametersOf } from './text.ts';

export type QuickOptions = {
  readonly documents: Documents;
  readonly persisted: PersistedQueries;
  readonly verifier: TokenVerifier;
  readonly run: RunOperation;
  /** Unset: nothing is kept. */
  readonly responseCache?: ResponseCache | undefined;
  readonly newcomers: Newcomers;
  readonly addressOf: (request: IncomingMessage) => string;
  /** Headers of every answer of the API to a page of this origin. */
  readonly headersFor: (origin: string | undefined) => Readonly<Record<string, string>>;
  readonly answering: Answering;
  readonly outgoing: Outgoing;
  readonly log: Logger;
  readonly metrics: Metrics;
};

export const maxBodyBytes = 100 * 1024;
/** Apollo Server's own, in its order. */
const mediaTypes = [
  'application/json; charset=utf-8',
  'application/graphql-response+json; charset=utf-8',
  'application/json; callbackSpec=1.0; charset=utf-8',
];
const rememberedAccepts = 100;
const rememberedOrigins = 100;
const maxAcceptChars = 500;

type HandOn = (request: IncomingMessage, response: ServerResponse, arrived: Arrived) => void;

/**
 * Answers GraphQL over HTTP where there is nothing to say but the data, or OVERLOADED: plain requests, valid documents,
 * results without errors. Everything else goes on to Apollo Server with what is done already, so those answers are
 * Apollo Server's by construction. What is answered here is what it would answer, byte by byte, but for kept answers of the
 * response cache, which it doesn't use; a test holds that.
 */
export function answerQuickly(options: QuickOptions, handOn: HandOn): RequestListener {
  const mediaTypeOf = mediaTypeNegotiation();
  const known = new LRUCache<string, readonly string[]>({ max: rememberedOrigins });
  const commonFor = (origin = ''): readonly string[] => {
    let common = known.get(origin);
    if (!common) {
      common = Object.entries({ ...options.headersFor(origin || undefined), 'cache-control': 'no-store' }).flat();
      known.set(origin, common);
    }
    return common;
  };
  return (request, response) => {
    const arrived: Arrived = {
      traceId: traceIdFrom(request.headers['traceparent'] as string | undefined),
      startedMs: performance.now(),
    };
    const mediaType = mediaTypeOf(request.headers.accept);
    const proceed = (parameters: Parameters | undefined): void => {
      const goOn = () => handOn(request, response, arrived);
      if (!parameters || mediaType === null) goOn();
      else
        tryAnswer(options, { request, response, arrived, mediaType, parameters, commonFor }).then(
          (done) => done || goOn(),
          goOn,
        );
    };
    if (!isReadableHead(request)) proceed(undefined);
    else if (isPlainRead(request)) proceed(parametersOfSearch(request));
    else if (isPlainPost(request)) {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        arrived.bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
        arrived.body = isUtf8(arrived.bytes) ? recordOf(arrived.bytes.toString()) : undefined;
        proceed(arrived.body && parametersOf(arrived.body));
      });
    } else proceed(undefined);
  };
}

/** False, or a refusal, when Apollo Server is to answer. */
async function tryAnswer(options: QuickOptions, exchange: Exchange): Promise<boolean> {
  const { request, arrived, parameters } = exchange;
  const { asked, operationName, variables } = parameters;
  const { authorization } = request.headers;
  const signedIn = options.verifier.known(authorization) ?? (await options.verifier.verify(authorization));
  const { viewer, expiresAtMs } = signedIn;
  const caller = { viewer, expiresAtMs, address: options.addressOf(request), traceId: arrived.traceId };
  const isGone = () => request.socket.destroyed;
  const named = options.persisted.isNamed(asked);
  const { query, register }: ResolvedText = named
    ? await options.persisted.textOf(asked)
    : { query: asked.query as string };
  const sent = { query, operationName, variables };
  if (!options.newcomers.isKnown(sent)) {
    try {
      await options.newcomers.introduce(sent, { client: clientOf(caller), isGone });
    } catch (error) {
      if (!isOverload(error)) throw error;
      sendOverload(options, exchange, error);
      observe(options.metrics, { operation: 'refused', errors: [error], started: arrived.startedMs });
      return true;
    }
  }
  const read = options.documents.read(query, variables);
  const { document, operation, label } = read;
  if (operation.operation === 'subscription' || (operation.operation === 'mutation' && request.method === 'GET'))
    return false;
  if (operationName !== undefined && operationName !== operation.name?.value) return false;
  if (read.validationErrors().length > 0) return false;
  if (register !== undefined) options.persisted.remember(register, query);
  const execute = () =>
    (arrived.executed ??= options.run({ query, document, operationName, variables, caller }, isGone));
  const cache = authorization === undefined ? options.responseCache : undefined;
  if (cache && (await answerFromCache(options, exchange, { cache, query, read, execute }))) return true;
  const result = held(options.outgoing, await execute(), { client: clientOf(caller), response: exchange.response });
  const overload = result.errors?.find(isOverload);
  if (overload) {
    sendOverload(options, exchange, overload);
  } else if (isWhole(result) && notedSize(result) > 0) {
    await sendLarge(exchange, result, options.answering);
  } else if (isWhole(result)) {
    sendPlain(exchange, JSON.stringify(result));
  } else {
    arrived.executed = Promise.resolve(result);
    return false;
  }
  observe(options.metrics, { operation: label, errors: result.errors, started: arrived.startedMs });
  return true;
}

const isWhole = (result: ExecutionResult): boolean => result.errors === undefined && Boolean(result.data);
/** Answers nobody's queries whose answers may be kept. False for all others, and when there is no answer to keep. */
async function answerFromCache(
  options: QuickOptions,
  exchange: Exchange,
  asked: { cache: ResponseCache; query: string; read: ReadDocument; execute: () => Promise<ExecutionResult> },
): Promise<boolean> {
  const { parameters, arrived } = exchange;
  const { cache, query, read, execute } = asked;
  const { variables } = parameters;
  const policy = cache.policyOf(read, query);
  const tags = policy?.tags(variables);
  if (!policy || !tags) return false;
  const { maxAgeSeconds } = policy;
  const kept = await cache.answer({ query, variables, tags, maxAgeSeconds }, async () => {
    const result = await execute();
    return isWhole(result) && notedSize(result) === 0 ? textOf(result) : null;
  });
  if (!kept) return false;
  const headers = {
    'cache-control': `max-age=${maxAgeSeconds}, public`,
    age: String(kept.ageSeconds),
    vary: 'Origin, Accept, Authorization',
  };
  send(options, exchange, { status: 200, headers, text: kept.text });
  observe(options.metrics, { operation: read.label, errors: undefined, started: arrived.startedMs });
  return true;
}

/**
 * GraphQL over HTTP lets a GET carry a query without any header, which Apollo's CSRF prevention refuses. A browser that
 * acts for another site says so in `sec-fetch-site`; only those need the preflight. (The API takes no cookies, so there
 * is nothing to ride on either way.)
 */
export function isOwnRead({ method, headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return (
    method === 'GET' && (site === undefined ? headers.origin === undefined : site === 'same-origin' || site === 'none')
  );
}

const isPlainRead = (request: IncomingMessage): boolean =>
  isOwnRead(request) &&
  request.url?.startsWith('/graphql?') === true &&
  !request.url.includes('#') &&
  request.headers['content-type'] === undefined &&
  request.headers['content-length'] === undefined &&
  request.headers['transfer-encoding'] === undefined;

const plainJson = /^application\/json(?:; ?charset=utf-8)?$/i;

function isPlainPost({ method, url, headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length']);
  return (
    method === 'POST' &&
    url === '/graphql' &&
    plainJson.test(headers['content-type'] ?? '') &&
    length > 0 &&
    length <= maxBodyBytes &&
    headers['content-encoding'] === undefined &&
    headers.expect === undefined
  );
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function recordOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    // Apollo Server's front says what is wrong with it.
    return undefined;
  }
}

/** Undefined for what Apollo Server has to look at: parameters of other types, no document. */
function parametersOf(given: Record<string, unknown>): Parameters | undefined {
  const { query = null, documentId = null, operationName = null, variables = null, extensions = null } = given;
  if (query !== null && typeof query !== 'string') return undefined;
  if ((extensions !== null && !isRecord(extensions)) || (variables !== null && !isRecord(variables))) return undefined;
  if (operationName !== null && typeof operationName !== 'string') return undefined;
  if (variables !== null && refusalOfVariables(variables)) return undefined;
  const names = documentId !== null || (extensions !== null && 'persistedQuery' in extensions);
  if (!names && (query === null || query === '')) return undefined;
  return {
    asked: { query, documentId, extensions },
    operationName: operationName ?? undefined,
    variables: variables ?? {},
  };
}

/** Undefined also where a parameter comes twice. */
function parametersOfSearch({ url = '' }: IncomingMessage): Parameters | undefined {
  const given: Record<string, unknown> = {};
  for (const [name, value] of searchParametersOf(url)) {
    if (name in given) return undefined;
    given[name] = name === 'variables' || name === 'extensions' ? recordOf(value) : value;
    if (given[name] === undefined) return undefined;
  }
  return parametersOf(given);
}

/** The media type of the answer to an Accept header, null for none of ours. */
function mediaTypeNegotiation(): (accept: string | undefined) => string | null {
  const known = new LRUCache<string, { readonly chosen: string | null }>({ max: rememberedAccepts });
  return (accept = '') => {
    if (accept.length > maxAcceptChars) return null;
    let entry = known.get(accept);
    if (!entry) {
      const preferred =
        accept === '' ? mediaTypes[0] : new Negotiator({ headers: { accept } }).mediaType([...mediaTypes]);
      entry = { chosen: preferred !== undefined && mediaTypes.indexOf(preferred) < 2 ? preferred : null };
      known.set(accept, entry);
    }
    return entry.chosen;
  };
}
