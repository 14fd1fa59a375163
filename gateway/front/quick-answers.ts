import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';
import { notedSize } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Answering } from '../../subgraphs/shared/answers/answering.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import type { TokenVerifier } from '../callers/access-tokens.ts';
import type { ResponseCache } from '../cache/response-cache.ts';
import { clientAgent, clientOf } from '../callers/caller.ts';
import { type WatchDeps, watchOperation } from '../operations/operation-watch.ts';
import type { OperationReader, ReadOperation } from '../operations/read-operation.ts';
import { type RunOperation, isOverload } from '../operations/run-operation.ts';
import { maxBodyBytes } from './json-body.ts';
import { isOwnRead } from './origins.ts';
import type { Outgoing } from './outgoing.ts';
import { type Arrived, type Exchange, held, send, sendLarge, sendOverload, sendPlain, textOf } from './quick-send.ts';
import { readParameters } from './request-parameters.ts';
import { isReadableHead, jsonObjectIn } from './text.ts';

export type QuickOptions = WatchDeps & {
  readonly reader: OperationReader;
  readonly verifier: TokenVerifier;
  readonly run: RunOperation;
  /** Unset: nothing is kept. */
  readonly responseCache?: ResponseCache | undefined;
  readonly addressOf: (request: IncomingMessage) => string;
  /** Headers of every answer of the API to a page of this origin. */
  readonly headersFor: (origin: string | undefined) => Readonly<Record<string, string>>;
  readonly answering: Answering;
  readonly outgoing: Outgoing;
  readonly log: Logger;
};

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
      watch: watchOperation(options, request.headers['traceparent'] as string | undefined),
    };
    const mediaType = mediaTypeOf(request.headers.accept);
    const proceed = (isPlain: boolean): void => {
      const goOn = () => handOn(request, response, arrived);
      if (!isPlain || mediaType === null) goOn();
      else
        tryAnswer(options, { request, response, arrived, mediaType, commonFor }).then((done) => done || goOn(), goOn);
    };
    if (!isReadableHead(request)) proceed(false);
    else if (isPlainRead(request)) proceed(true);
    else if (isPlainPost(request)) {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        arrived.bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
        arrived.body = isUtf8(arrived.bytes) ? jsonObjectIn(arrived.bytes.toString()) : undefined;
        proceed(arrived.body !== undefined);
      });
    } else proceed(false);
  };
}

/** False, or a rejection, when Apollo Server is to answer. */
async function tryAnswer(options: QuickOptions, exchange: Exchange): Promise<boolean> {
  const { reader, verifier } = options;
  const { request, arrived } = exchange;
  const { watch } = arrived;
  const { authorization } = request.headers;
  const parameters = readParameters({ method: request.method, url: request.url, body: arrived.body });
  const { viewer, expiresAtMs } = verifier.known(authorization) ?? (await verifier.verify(authorization));
  const { traceId, span } = watch;
  const caller = {
    viewer,
    expiresAtMs,
    address: options.addressOf(request),
    agent: clientAgent(request),
    traceId,
    span,
  };
  const sender = { caller, isGone: () => request.socket.destroyed, watch };
  let operation: ReadOperation;
  try {
    operation = reader.known(parameters, sender) ?? (await reader.read(parameters, sender));
  } catch (error) {
    if (!isOverload(error)) throw error;
    sendOverload(options, exchange, error);
    watch.done({ errors: [error] });
    return true;
  }
  const { read, errors } = operation;
  if (errors.length > 0 || read.operation.operation === 'subscription') return false;
  const execute = () => (arrived.executed ??= options.run(operation, sender.isGone));
  const cache = authorization === undefined && !operation.tellsTrace ? options.responseCache : undefined;
  if (cache && (await answerFromCache(options, exchange, { cache, operation, execute }))) return true;
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
  watch.done({ asked: operation, errors: result.errors });
  return true;
}

const isWhole = (result: ExecutionResult): boolean => result.errors === undefined && Boolean(result.data);
/** Answers nobody's queries whose answers may be kept. False for all others, and when there is no answer to keep. */
async function answerFromCache(
  options: QuickOptions,
  exchange: Exchange,
  asked: { cache: ResponseCache; operation: ReadOperation; execute: () => Promise<ExecutionResult> },
): Promise<boolean> {
  const { cache, operation, execute } = asked;
  const { query, variables, read } = operation;
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
  exchange.arrived.watch.done({ asked: operation });
  return true;
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
