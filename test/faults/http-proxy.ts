import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request: it passes, its reply is lost after the target has done it, or it never arrives. */
export type Fate = 'pass' | 'lose the reply' | 'lose the request';

/**
 * An HTTP proxy in front of one service that loses requests or replies, as a failing network does.
 *
 * @param options.fate decides over each request by its body
 */
export async function startHttpProxy(options: {
  targetPort: number;
  fate: (body: string) => Fate;
}): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const fate = options.fate(body.toString());
      if (fate === 'lose the request') {
        incoming.socket.destroy();
        return;
      }
      const { host: _, ...headers } = incoming.headers;
      const forwarded = send(
        { host: '127.0.0.1', port: options.targetPort, method: incoming.method, path: incoming.url, headers },
        (reply) => {
          if (fate === 'lose the reply') {
            reply.resume().on('end', () => incoming.socket.destroy());
            return;
          }
          outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
          reply.pipe(outgoing);
        },
      );
      forwarded.on('error', () => incoming.socket.destroy());
      forwarded.end(body);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}
