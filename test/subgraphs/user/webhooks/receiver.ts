import { type IncomingHttpHeaders, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message as it came. */
export type Received = {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
};

/** Another system's server. `answer` says what it does with a message; 204 unless given. */
export type Receiver = {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  answer: (message: Received, response: ServerResponse) => void;
  close(): Promise<void>;
};

export const taken = (_: Received, response: ServerResponse): void => void response.writeHead(204).end();
export const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_: Received, response: ServerResponse): void =>
    void response.writeHead(code, headers).end(`status ${code}`);
/** Says nothing, until the sender gives up. */
export const silence = (): void => undefined;

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const receiver: { answer: Receiver['answer'] } = { answer: taken };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const message = { id: String(request.headers['webhook-id']), headers: request.headers, body: Buffer.concat(parts).toString(), path: request.url ?? '' }; // prettier-ignore
      received.push(message);
      receiver.answer(message, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  });
}
