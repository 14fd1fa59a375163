import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { type Context, type Server, type SubscribePayload, handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { notedSize } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Answering } from '../../subgraphs/shared/answers/answering.ts';
import { unavailable } from '../../subgraphs/shared/errors/errors.ts';
import { jsonInTurns } from '../../subgraphs/shared/answers/json-text.ts';
import { type Logger, newTraceId } from '../../subgraphs/shared/process/telemetry.ts';
import type { SignedIn } from '../callers/access-tokens.ts';
import { clientAgent, clientOf } from '../callers/caller.ts';
import { overloaded } from '../turns/admission.ts';
import { presentError, refusal } from '../errors.ts';
import type { Operation } from '../supergraph/supergraph.ts';
import type { ConnectionGate } from './connection-gate.ts';
import type { Connections } from './connections.ts';
import type { ReadOperation } from '../operations/read-operation.ts';
import { type StreamOperationDeps, streamOperations } from '../operations/stream-operations.ts';
import type { Outgoing } from './outgoing.ts';
import { parametersOf } from './request-parameters.ts';
import { type Served, serveSocket } from './socket-transport.ts';

export type SocketOptions = StreamOperationDeps & {
  readonly connections: Connections;
  readonly isAllowedOrigin: (origin: string) => boolean;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly answering: Answering;
  readonly outgoing: Outgoing;
  readonly connectionGate: Pick<ConnectionGate, 'prove'>;
  readonly log: Logger;
};

export type Sockets = {
  /** Takes over an upgrade request for `/graphql`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Lets running queries and mutations end, then closes every socket so that its client comes back elsewhere. */
  close(): Promise<void>;
};

const maxMessageBytes = 64 * 1024;
const maxSubscriptionsPerSocket = 100;
const maxSubscriptionsPerAnonymousSocket = 20;
const initTimeoutMs = 3_000;
/** Before too many are refused: whoever connects again at once would cost more than one that waits. */
const refusedAfterMs = 1_000;
const drainTimeoutMs = 5_000;
/** How long a client has to answer a close. */
const closeTimeoutMs = 5_000;

type Extra = Served & {
  readonly socket: WebSocket;
  readonly connection: Duplex;
  readonly address: string;
  readonly agent: string | undefined;
  signedIn?: SignedIn;
};
type SocketContext = Context<Record<string, unknown>, Extra>;

/** What runs on all sockets: queries and mutations under way, and whether new ones are taken. */
type Running = { count: number; draining: boolean };

/** The protocol graphql-transport-ws over the supergraph: who may connect, what may run, what the client sees. */
function openProtocol(options: SocketOptions, running: Running): Server<Extra> {
  const { log, verifier, connections } = options;
  /** Operations by the payload that asked for them: graphql-ws hands that to every hook. */
  const operations = new WeakMap<SubscribePayload, Operation>();
  const stream = streamOperations(options);

  async function onConnect({ connectionParams, extra }: SocketContext): Promise<boolean> {
    try {
      const { authorization = connectionParams?.['Authorization'] } = connectionParams ?? {};
      if (authorization !== undefined && typeof authorization !== 'string') return false;
      const signedIn = await verifier.verify(authorization);
      extra.signedIn = signedIn;
      if (!connections.signIn(extra.socket, signedIn, extra.address)) return false;
      options.connectionGate.prove(extra.connection);
      return true;
    } catch (error) {
      const { extensions } = presentError(error, { log, traceId: newTraceId() });
      if (extensions?.['code'] !== 'UNAUTHENTICATED') extra.socket.close(1013, 'Try again later');
      else extra.socket.close(4403, error instanceof GraphQLError ? error.message : 'Forbidden');
      return false;
    }
  }

  async function onSubscribe(
    { extra, subscriptions }: SocketContext,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { signedIn } = extra;
    if (!signedIn || running.draining) return [unavailable('The server restarts; connect again.')];
    const most = signedIn.viewer.kind === 'user' ? maxSubscriptionsPerSocket : maxSubscriptionsPerAnonymousSocket;
    if (extra.running > most)
      return [refusal('TOO_MANY_SUBSCRIPTIONS', `This socket may have ${most} operations at a time.`)];
    const traceparent = payload.extensions?.['traceparent'];
    const watch = stream.watch(typeof traceparent === 'string' ? traceparent : undefined);
    const { traceId, span } = watch;
    const caller = { ...signedIn, address: extra.address, agent: extra.agent, traceId, span };
    const isGone = () => extra.socket.readyState !== extra.socket.OPEN || !(id in subscriptions);
    // graphql-ws has checked their types.
    const read = await stream.read(parametersOf(payload), { caller, isGone, watch });
    if ('document' in read) operations.set(payload, read.contextValue);
    return read;
  }

  async function execute(operation: ReadOperation): Promise<ExecutionResult> {
    running.count += 1;
    const result = await stream.execute(operation);
    running.count -= 1;
    return result;
  }
  const report = (payload: SubscribePayload) => ({
    log,
    traceId: operations.get(payload)?.caller.traceId ?? newTraceId(),
  });

  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect,
    onSubscribe,
    execute: (args) => execute(args.contextValue as ReadOperation),
    subscribe: async (args) => {
      try {
        return stream.subscribe(args.contextValue as ReadOperation);
      } catch (error) {
        return { errors: [error as GraphQLError] };
      }
    },
    async onNext({ extra }, id, payload, _args, result) {
      const shown = result.errors
        ? { ...result, errors: result.errors.map((error) => presentError(error, report(payload))) }
        : { ...result };
      const bytes = notedSize(result);
      const caller = operations.get(payload)?.caller;
      if (bytes === 0 || !caller) return shown;
      const release = options.outgoing.hold(clientOf(caller), bytes);
      if (!release) return { errors: [presentError(overloaded(), report(payload))] };
      // graphql-ws would write it in one turn of the event loop.
      const text = (await jsonInTurns(shown, options.answering.turns)).join('');
      if (extra.socket.readyState === extra.socket.OPEN) extra.largePayloads.set(id, { text, release });
      else release();
      return { data: null };
    },
    onError: (_context, _id, payload, errors) =>
      errors.map((error) => presentError(error.originalError ?? error, report(payload))),
  });
}

/** Serves queries, mutations and subscriptions over the subprotocol graphql-transport-ws. */
export function openSockets(options: SocketOptions): Sockets {
  const { log, connections } = options;
  const running: Running = { count: 0, draining: false };
  const protocol = openProtocol(options, running);
  // Apart, because the types of ws don't know `closeTimeout` (https://github.com/websockets/ws/pull/2308).
  const socketServerOptions = {
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    closeTimeout: closeTimeoutMs,
    handleProtocols: chooseProtocol,
  };
  const server = new WebSocketServer(socketServerOptions);
  server.on('connection', (socket: WebSocket, request: IncomingMessage) => {
    const address = options.addressOf(request);
    connections.add(socket, address);
    const agent = clientAgent(request);
    const extra = { socket, connection: request.socket, address, agent, running: 0, largePayloads: new Map() };
    serveSocket(protocol, { socket, extra, log });
  });

  return {
    upgrade(request, socket, head) {
      socket.on('error', (error) => log.debug({ err: error.message }, 'upgrade cut off'));
      const { origin } = request.headers;
      if (running.draining || connections.isFull()) refuseUpgrade(socket, '503 Service Unavailable');
      else if (!connections.mayAdd(options.addressOf(request)))
        setTimeout(() => refuseUpgrade(socket, '429 Too Many Requests'), refusedAfterMs).unref();
      else if (origin !== undefined && !options.isAllowedOrigin(origin)) refuseUpgrade(socket, '403 Forbidden');
      else server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request));
    },
    async close() {
      running.draining = true;
      const deadline = performance.now() + drainTimeoutMs;
      while (running.count > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
      await connections.close();
      server.close();
    },
  };
}

/** One that is not spoken here is chosen too, where ours is not offered: a client that gets none of its own hears no reason (1006). */
const chooseProtocol = (offered: Set<string>): string | false => handleProtocols(offered) || ([...offered][0] ?? false);

/** Answers an upgrade with a status and ends the connection, which nobody else does for a client that keeps its own end. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
