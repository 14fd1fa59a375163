import { once } from 'node:events';
import { type IncomingHttpHeaders, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the gateway does with the next request instead of taking it: answers this status, or hangs up. */
export type SmsMishap = number | 'hang-up';

export type SmsRequest = { readonly headers: IncomingHttpHeaders; readonly body: string };

/** A gateway for SMS on this machine: an HTTP server that keeps what it is sent. */
export type SmsGateway = {
  readonly url: string;
  readonly requests: readonly SmsRequest[];
  next(...mishaps: readonly SmsMishap[]): void;
  close(): Promise<void>;
};

export async function startSmsGateway(): Promise<SmsGateway> {
  const requests: SmsRequest[] = [];
  const mishaps: SmsMishap[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      const mishap = mishaps.shift();
      if (mishap === 'hang-up') request.socket.destroy();
      else response.writeHead(mishap ?? 204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/sms`,
    requests,
    next: (...coming) => void mishaps.push(...coming),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
