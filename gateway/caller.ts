import type { IncomingMessage } from 'node:http';
import { type Headers, type Viewer, callerHeaders, identitySigner } from '../subgraphs/shared/auth.ts';
import { traceparentOf } from '../subgraphs/shared/telemetry.ts';

/** Who sent an operation, as the gateway knows it. */
export type Caller = {
  readonly viewer: Viewer;
  /** When the access token ends, epoch milliseconds; Infinity for anonymous callers. */
  readonly expiresAtMs: number;
  /** The client's network address, for limits per address. */
  readonly address: string;
  readonly traceId: string;
};

/** The gateway's headers for a call to a subgraph on behalf of the caller. */
export type CallerHeaders = (caller: Caller) => Promise<Headers>;

/** Shows the gateway's own app and token, the caller's signed identity (none for anonymous), the trace, the address. */
export function callerHeadersOf(options: { token: string; identitySecret: string; now: () => Date }): CallerHeaders {
  const sign = identitySigner(options.identitySecret, options.now);
  return async ({ viewer, traceId, address }) => ({
    [callerHeaders.app]: 'gateway',
    [callerHeaders.token]: options.token,
    ...(viewer.kind === 'user' && { [callerHeaders.identity]: await sign(viewer) }),
    [callerHeaders.trace]: traceparentOf(traceId),
    'x-client-address': address,
  });
}

/**
 * The client's address: the socket's own, or what the outermost of our proxies wrote into `x-forwarded-for`. Entries
 * further left come from the client and prove nothing.
 */
export function clientAddress(request: IncomingMessage, trustedProxyHops: number): string {
  const own = request.socket.remoteAddress ?? 'unknown';
  if (trustedProxyHops === 0) return own;
  const header = request.headers['x-forwarded-for'];
  const forwarded = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((part) => part.trim()).filter(Boolean); // prettier-ignore
  return forwarded.at(-trustedProxyHops) ?? forwarded[0] ?? own;
}
