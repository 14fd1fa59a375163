import type { IncomingMessage, ServerResponse } from 'node:http';
import { readyTimeoutMs } from '../process/readiness.ts';

/**
 * Answers /health/live, which asks no dependency, and /health/ready; false for every other path. `ready` rejects with
 * the reason, which names who is away; `degraded` gives those without whom the process works on.
 */
export async function answerOperations(
  request: IncomingMessage,
  response: ServerResponse,
  process: { ready: () => Promise<void>; degraded?: () => Promise<readonly string[]> },
): Promise<boolean> {
  const path = request.url?.split('?')[0];
  if (path === '/health/live') {
    respond(response, 200, 'application/json', JSON.stringify({ status: 'live' }));
  } else if (path === '/health/ready') {
    const looking = process.degraded?.() ?? [];
    const reason = await Promise.race([
      process.ready().then(() => null, (error: Error) => error.message),
      new Promise<string>((resolve) => setTimeout(resolve, readyTimeoutMs.process, `no answer within ${readyTimeoutMs.process} ms`).unref()),
    ]); // prettier-ignore
    const degraded = await looking;
    respond(
      response,
      reason === null ? 200 : 503,
      'application/json',
      JSON.stringify({
        ...(reason === null ? { status: 'ready' } : { status: 'not ready', reason }),
        ...(degraded.length > 0 && { degraded }),
      }),
    );
  } else return false;
  return true;
}

export function respond(response: ServerResponse, status: number, contentType: string, body: string | Buffer): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Reads a body of at most `maxBytes`; null when it is larger (the rest is left unread). */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
