import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { notedSize } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Answering } from '../../subgraphs/shared/answers/answering.ts';
import { jsonInTurns } from '../../subgraphs/shared/answers/json-text.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import { overloaded } from '../turns/admission.ts';
import { presentError } from '../errors.ts';
import type { OperationWatch } from '../operations/operation-watch.ts';
import type { Outgoing } from './outgoing.ts';

/** What is known already of a request that goes on to Apollo Server. */
export type Arrived = {
  readonly watch: OperationWatch;
  /** The body's bytes, when it was read here. */
  bytes?: Buffer | undefined;
  /** The body, when it is a JSON object. */
  body?: Record<string, unknown> | undefined;
  /** The operation ran already, and must not run again. */
  executed?: Promise<ExecutionResult>;
};

export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly arrived: Arrived;
  readonly mediaType: string;
  /** Names and values in turn of the headers that plain answers to a page of this origin have in common. */
  readonly commonFor: (origin: string | undefined) => readonly string[];
};

type SendOptions = {
  /** Headers of every answer of the API to a page of this origin. */
  readonly headersFor: (origin: string | undefined) => Readonly<Record<string, string>>;
  readonly log: Logger;
};

const lineEnd = '\n';
export const textOf = (result: object): string => JSON.stringify(result) + lineEnd;

/** OVERLOADED in place of a large result for which there is no room; what there is room for is held until it is sent. */
export function held(
  outgoing: Outgoing,
  result: ExecutionResult,
  { client, response }: { client: string; response: ServerResponse },
): ExecutionResult {
  const bytes = notedSize(result);
  if (bytes === 0) return result;
  const release = outgoing.hold(client, bytes);
  if (!release) return { errors: [overloaded()] };
  if (response.destroyed) release();
  else response.once('close', release);
  return result;
}

export function sendOverload(options: SendOptions, exchange: Exchange, overload: GraphQLError): void {
  const errors = [presentError(overload, { log: options.log, traceId: exchange.arrived.watch.traceId })];
  const { status, headers } = overload.extensions['http'] as { status: number; headers: Map<string, string> };
  send(options, exchange, { status, headers: Object.fromEntries(headers), text: textOf({ errors }) });
}

/** What `send` does for nearly all answers: the headers that they have in common are listed once. */
export function sendPlain({ request, response, arrived, mediaType, commonFor }: Exchange, json: string): void {
  // Counted before the line end is added: a text put together is copied when somebody looks at it.
  const bytes = Buffer.byteLength(json) + lineEnd.length;
  const own = ['x-trace-id', arrived.watch.traceId, 'content-type', mediaType, 'content-length', bytes];
  response.writeHead(200, [...commonFor(request.headers.origin), ...own] as OutgoingHttpHeader[]);
  // The same bytes where all is ASCII, without a look at each character.
  response.end(json + lineEnd, bytes === json.length + lineEnd.length ? 'latin1' : 'utf8');
}

/** What `sendPlain` does, but that the text is made and sent in parts, with turns of others in between. */
export async function sendLarge(exchange: Exchange, result: ExecutionResult, { turns }: Answering): Promise<void> {
  const { request, response, arrived, mediaType, commonFor } = exchange;
  const parts = (await jsonInTurns(result, turns)).map((text) => Buffer.from(text));
  parts.push(Buffer.from(lineEnd));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const own = ['x-trace-id', arrived.watch.traceId, 'content-type', mediaType, 'content-length', bytes];
  response.writeHead(200, [...commonFor(request.headers.origin), ...own] as OutgoingHttpHeader[]);
  for (const part of parts) response.write(part);
  response.end();
}

export function send(
  { headersFor }: SendOptions,
  { request, response, arrived, mediaType }: Exchange,
  { status, headers, text }: { status: number; headers: Record<string, string>; text: string },
): void {
  response.writeHead(status, {
    ...headersFor(request.headers.origin),
    'x-trace-id': arrived.watch.traceId,
    'cache-control': 'no-store',
    ...headers,
    'content-type': mediaType,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
