import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type ServerOptions, createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { parse } from 'graphql';
import { WebSocketServer } from 'ws';

/** A subgraph of another team, with a field that is never null and one that may be. */
export const shippingTypeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@inaccessible", "@listSize"])
  type Order @key(fields: "id") { id: ID! shipment: Shipment! weight: Int margin: Int @inaccessible parcels: [String!] @listSize(assumedSize: 100000) }
  type Shipment { state: String! }
  type Query { carriers: [String!] }
  type Subscription { shipped: String }
`);

type Answer = (body: { query: string; variables?: Record<string, unknown> }, response: ServerResponse) => void;

/** What it answers to each request; whole answers where nothing else is said. */
export const good: Answer = ({ query, variables = {} }, response) => {
  const { representations = [] } = variables as { representations?: { id: string }[] };
  const entity = { __typename: 'Order', shipment: { state: 'SENT' }, weight: 7, parcels: ['p'] };
  const data = query.includes('_entities')
    ? { _entities: representations.map(() => entity) }
    : query.includes('carriers') ? { carriers: ['mule'] } : { __typename: 'Query' }; // prettier-ignore
  send(response, { data });
};

export const send = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** A message of its subscription. */
export const shipped = (order: string): { type: string; payload: unknown } => ({
  type: 'next',
  payload: { data: { shipped: order } },
});

/** Serves it at `/api/graph`, with what was asked and told last. */
export async function startShipping(tls?: ServerOptions) {
  const shipping = {
    answer: good,
    /** What it sends to a subscription once it is open. */
    event: shipped('o1'),
    headers: undefined as IncomingMessage['headers'] | undefined,
    paths: new Set<string>(),
    url: '',
    close: async (): Promise<void> => undefined,
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    shipping.paths.add(request.url ?? '');
    if (request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    shipping.headers = request.headers;
    shipping.answer((await json(request)) as Parameters<Answer>[0], response);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => void answer(request, response);
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  const open = new Set<Socket>();
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => open.add(socket));
  const sockets = new WebSocketServer({ server, path: '/api/graph', handleProtocols: () => 'graphql-transport-ws' });
  sockets.on('connection', (socket) =>
    socket.on('message', (text: Buffer) => {
      const { type, id } = JSON.parse(text.toString()) as { type: string; id?: string };
      if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (type === 'subscribe') socket.send(JSON.stringify({ id, ...shipping.event }));
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  shipping.url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/api/graph`;
  shipping.close = async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return shipping;
}
