import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, type Socket, createServer as createTcpServer } from 'node:net';
import { afterEach, expect } from '@jest/globals';
import { deadlineIn } from '../../../../subgraphs/shared/time/deadline.ts';
import type { HttpAnswer } from '../../../../subgraphs/shared/http/answer.ts';
import type { HttpClient } from '../../../../subgraphs/shared/http/connection.ts';
import { type HttpClientName, loadHttpClient } from '../../../../subgraphs/shared/http/http-clients.ts';
import { type Transport, TransportError, type TransportRequest, headerLines, openTransport } from '../../../../subgraphs/shared/http/transport.ts'; // prettier-ignore

let tested: { readonly name: HttpClientName; readonly client: HttpClient } | undefined;
/** Has all tests of this file run with the client. */
export async function testHttpClient(name: HttpClientName): Promise<void> {
  tested = { name, client: await loadHttpClient(name) };
}
/** The client that is tested. */
export function underTest(): { readonly name: HttpClientName; readonly client: HttpClient } {
  if (!tested) throw new Error('testHttpClient says which');
  return tested;
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
/** Done after the test, in reverse order. */
export const afterTest = (close: () => Promise<void> | void): void => void closing.push(close);

/** A server that stands until the end of the test. */
export type World = {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
  /** How many connections there have been, and the most at a time. */
  readonly counts: { opened: number; most: number };
  readonly transport: Transport;
};

/** Starts the server; `transport` leads to it. */
export async function listening(server: Server, options: { host?: string; scheme?: string } = {}): Promise<World> {
  const { host = '127.0.0.1', scheme = 'http' } = options;
  const sockets = new Set<Socket>();
  const counts = { opened: 0, most: 0 };
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    counts.opened += 1;
    counts.most = Math.max(counts.most, sockets.size);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  afterTest(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  const transport = transportTo(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`);
  return { port, sockets, counts, transport };
}
export function transportTo(url: string): Transport {
  const transport = openTransport(url, { client: underTest().client });
  afterTest(() => transport.close());
  return transport;
}

type Answer = (message: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** As a listener for requests, to whom it is nothing special that a client goes away. */
export const answering =
  (answer: Answer) =>
  (message: IncomingMessage, response: ServerResponse): void => {
    (async () => answer(message, response))().catch((error: unknown) => {
      if (!message.destroyed) throw error;
    });
  };
/** A server that answers with this. */
export const serve = (answer: Answer): Promise<World> =>
  listening(createHttpServer({ keepAliveTimeout: 60_000 }, answering(answer)));

/** A server that answers each request (of one packet) with these bytes, and does with the connection what it likes. */
export const serveBytes = (answer: (socket: Socket, turn: number, request: string) => void): Promise<World> => {
  let turn = 0;
  return listening(
    createTcpServer({ noDelay: true }, (socket) => socket.on('data', (bytes: Buffer) => answer(socket, (turn += 1), bytes.toString('latin1')))), // prettier-ignore
  );
};

const noHeaders = headerLines([]);
/** A request like this, that has ten seconds unless it says otherwise. */
export const request = (given: Partial<TransportRequest> = {}): TransportRequest => ({
  method: 'POST',
  path: '/',
  headers: noHeaders,
  body: '',
  deadline: deadlineIn(10_000),
  ...given,
});
/** Why there is no answer. */
export async function failureOf(answer: Promise<HttpAnswer>): Promise<TransportError> {
  const outcome = await answer.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(TransportError);
  return outcome as TransportError;
}
export async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
/** Answers with the request's own body. */
export async function echo(message: IncomingMessage, response: ServerResponse): Promise<void> {
  response.end(await bodyOf(message));
}
/** One that several wait for. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}
