import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { type Headers, callerHeaders } from '../../subgraphs/shared/auth/caller-headers.ts';
import type { Viewer } from '../../subgraphs/shared/auth/viewer.ts';
import { identitySigner } from '../../subgraphs/shared/auth/identity.ts';
import { type HeaderLines, headerLines } from '../../subgraphs/shared/http/transport.ts';
import { traceparentOf } from '../../subgraphs/shared/process/telemetry.ts';
import type { TracedSpan } from '../../subgraphs/shared/tracing/span.ts';
import { addressGroup } from '../../subgraphs/shared/values/address-group.ts';
import type { AddedSubgraph } from '../supergraph/added-subgraphs.ts';

/** Who sent an operation, as the gateway knows it. */
export type Caller = {
  readonly viewer: Viewer;
  /** When the access token ends, epoch milliseconds; Infinity for anonymous callers. */
  readonly expiresAtMs: number;
  /** The client's network address, for limits per address. */
  readonly address: string;
  /** What the client calls itself, see `clientAgent`. */
  readonly agent?: string | undefined;
  readonly traceId: string;
  /** The operation, where traces are on. */
  readonly span?: TracedSpan | undefined;
};

/** Whose operations take turns with everybody else's. */
export const clientOf = ({ viewer, address }: Caller): string =>
  viewer.kind === 'user' ? `user ${viewer.userId}` : `address ${addressGroup(address)}`;

/** What the gateway says to subgraphs on behalf of a caller, in one operation: as an object and as lines of HTTP. */
export type CallerSaid = {
  readonly headers: Headers;
  readonly lines: HeaderLines;
  /** The same with another `traceparent`: that of one fetch. */
  readonly tracedBy?: (traceparent: string) => CallerSaid;
};

/** A promise only where an identity has to be signed first. */
export type CallerHeaders = (caller: Caller) => CallerSaid | Promise<CallerSaid>;

const rememberedCallers = 10_000;

/** What is said to a subgraph: the same function for all that are told the same. */
export type HeadersFor = (subgraph: string) => CallerHeaders;

/**
 * The platform's own subgraphs share a token and a secret. Each added one has its own of both, so that it can't speak to
 * others as the gateway; its identities are for it alone, and it isn't told the client's address. Only the user subgraph
 * is told what the client calls itself.
 */
export function headersFor(options: {
  own: CallerHeaders;
  user: CallerHeaders;
  added: readonly AddedSubgraph[];
  now: () => Date;
}): HeadersFor {
  const added = new Map(
    options.added.map(({ name, token, identitySecret }) => [
      name,
      callerHeadersOf({ token, identitySecret, now: options.now, audience: name }),
    ]),
  );
  return (subgraph) => (subgraph === 'user' ? options.user : (added.get(subgraph) ?? options.own));
}

/**
 * Shows the gateway's own app and token, the caller's signed identity (none for anonymous), the trace, the address.
 *
 * @param options.audience an added subgraph, for which the identities are; it isn't told the address
 * @param options.tellsAgent whether what the client calls itself is said too
 */
export function callerHeadersOf(options: {
  token: string;
  identitySecret: string;
  now: () => Date;
  audience?: string;
  tellsAgent?: boolean;
}): CallerHeaders {
  const { audience, tellsAgent = false } = options;
  const sign = identitySigner(options.identitySecret, options.now, audience);
  /** By the signed identity, or the address of who has none: all but the trace. */
  const known = new LRUCache<string, Common>({ max: rememberedCallers });

  function said({ traceId, address, ...caller }: Caller, identity: string | undefined): CallerSaid {
    const agent = tellsAgent ? caller.agent : undefined;
    const key = identity ?? address;
    let common = known.get(key);
    if (common?.address !== address || common.agent !== agent) {
      const headers = {
        [callerHeaders.app]: 'gateway',
        [callerHeaders.token]: options.token,
        ...(identity !== undefined && { [callerHeaders.identity]: identity }),
        ...(audience === undefined && { [callerHeaders.clientAddress]: address }),
        ...(agent !== undefined && { [callerHeaders.clientAgent]: agent }),
      };
      common = { headers, lines: headerLines(Object.entries(headers)), address, agent };
      known.set(key, common);
    }
    return new Said(common, traceparentOf(traceId));
  }
  return (caller) => {
    const { viewer } = caller;
    if (viewer.kind !== 'user') return said(caller, undefined);
    const identity = sign(viewer);
    return typeof identity === 'string' ? said(caller, identity) : identity.then((signed) => said(caller, signed));
  };
}

type Common = Pick<CallerSaid, 'headers' | 'lines'> & { readonly address: string; readonly agent: string | undefined };

/** Only one of its two forms is asked for. */
class Said implements CallerSaid {
  readonly #common: Common;
  readonly #trace: string;
  constructor(common: Common, trace: string) {
    this.#common = common;
    this.#trace = trace;
  }
  tracedBy(traceparent: string): CallerSaid {
    return new Said(this.#common, traceparent);
  }
  get headers(): Headers {
    return { ...this.#common.headers, [callerHeaders.trace]: this.#trace };
  }
  get lines(): HeaderLines {
    const { text, isAscii } = this.#common.lines;
    return { text: `${text}${callerHeaders.trace}: ${this.#trace}\r\n`, isAscii };
  }
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

const maxAgentLength = 200;

/** What a client calls itself in `User-Agent`: printable ASCII, up to 200 characters; undefined for nothing. */
export function clientAgent(request: IncomingMessage): string | undefined {
  const given = request.headers['user-agent']?.slice(0, maxAgentLength);
  return given?.replaceAll(/[^\x20-\x7e]/g, '').trim() || undefined;
}
