import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Counter } from 'prom-client';
import { addressGroup } from '../../subgraphs/shared/values/address-group.ts';
import { resetConnection } from '../../subgraphs/shared/http/server.ts';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { connectionsWithin, readMaxDescriptors } from './descriptors.ts';

export type ConnectionLimits = {
  /** Connections of one address, of IPv6 of one /64; Infinity where all come from our own proxies. */
  readonly perAddress: number;
  /** Connections of all clients; fewer where the process may not have as many descriptors. */
  readonly ofAll: number;
};

export type ConnectionGate = {
  /** The connection has shown that its client speaks: it isn't ended to make room for others. */
  prove(connection: Duplex): void;
  close(): void;
};

const refusedMetric = 'gateway_connections_refused_total';
/** Whose connections were too many: those of one address, or of all clients. */
const owners = ['address', 'all'] as const;

/** From this share of what an address, or all together, may have it is noted which connections have nothing to do. */
const crowdedFrom = 0.5;

/** The connections of one address. */
type Own = { count: number; readonly silent: Set<Socket>; readonly idle: Set<Socket> };

/**
 * Bounds the connections of a server from their first byte. Where an address, or all together, have as many as they may, the
 * oldest that has not sent the head of a request yet makes room for a new one; if there is none, the one that has had nothing
 * to do for longest, which its client keeps for a request that may never come: of the browsers behind one address each keeps
 * a few. If there is none either, the new one is refused.
 */
export function limitConnections(
  server: Server,
  options: { readonly limits: ConnectionLimits; readonly metrics: Metrics; readonly maxDescriptors?: number },
): ConnectionGate {
  const { limits, metrics, maxDescriptors = readMaxDescriptors() } = options;
  const ofAll = Math.min(limits.ofAll, connectionsWithin(maxDescriptors));
  const open = new Set<Socket>();
  /** Those that have shown nothing yet, the oldest first. */
  const silent = new Set<Socket>();
  /** Those whose requests are all answered, the one that has waited longest first; some of them only, unless it is crowded. */
  const idle = new Set<Socket>();
  const byAddress = new Map<string, Own>();
  /** Requests under way, of connections that were looked at. */
  const active = new WeakMap<Socket, number>();
  const refused = new Counter({
    name: refusedMetric,
    help: 'Connections ended or refused because there were too many, by whose',
    registers: [],
    labelNames: ['of'],
  });
  metrics.registry.registerMetric(refused);
  // From the first scrape on, so that the first of them is seen to happen.
  for (const of of owners) refused.inc({ of }, 0);
  const groups = new WeakMap<Duplex, string>();

  const ownOf = (connection: Duplex): Own | undefined => byAddress.get(groups.get(connection) ?? '');
  function prove(connection: Duplex): void {
    if (!silent.delete(connection as Socket)) return;
    ownOf(connection)?.silent.delete(connection as Socket);
  }
  /** True when another has made room. */
  function makeRoom(among: Pick<Own, 'silent' | 'idle'>, of: (typeof owners)[number]): boolean {
    refused.inc({ of });
    const [mute] = among.silent;
    const [resting] = among.idle;
    const oldest = mute ?? resting;
    if (!oldest) return false;
    forget(oldest);
    if (mute) resetConnection(oldest);
    else oldest.destroy();
    return true;
  }
  const isCrowded = (own: Own): boolean =>
    own.count >= limits.perAddress * crowdedFrom || open.size >= ofAll * crowdedFrom;
  function leaveIdle(socket: Socket): void {
    if (idle.delete(socket)) ownOf(socket)?.idle.delete(socket);
  }
  /** Notes when the connection has nothing to do any more. */
  function follow(socket: Socket, response: ServerResponse, own: Own): void {
    active.set(socket, (active.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (active.get(socket) ?? 1) - 1;
      active.set(socket, left);
      if (left > 0 || !open.has(socket)) return;
      idle.add(socket);
      own.idle.add(socket);
    });
  }
  function forget(socket: Socket): void {
    if (!open.delete(socket)) return;
    silent.delete(socket);
    idle.delete(socket);
    const group = groups.get(socket) ?? '';
    const own = byAddress.get(group);
    if (!own) return;
    own.silent.delete(socket);
    own.idle.delete(socket);
    own.count -= 1;
    if (own.count === 0) byAddress.delete(group);
  }
  server.on('connection', (socket: Socket) => {
    const group = addressGroup(socket.remoteAddress ?? '');
    const own = byAddress.get(group) ?? { count: 0, silent: new Set<Socket>(), idle: new Set<Socket>() };
    const hasRoom =
      (own.count < limits.perAddress || makeRoom(own, 'address')) &&
      (open.size < ofAll || makeRoom({ silent, idle }, 'all'));
    if (!hasRoom) {
      resetConnection(socket);
      return;
    }
    byAddress.set(group, own);
    own.count += 1;
    own.silent.add(socket);
    silent.add(socket);
    open.add(socket);
    groups.set(socket, group);
    socket.once('close', () => forget(socket));
  });
  server.prependListener('request', ({ socket }, response: ServerResponse) => {
    if (silent.size > 0) prove(socket);
    if (idle.size > 0) leaveIdle(socket);
    const own = ownOf(socket);
    if (own && isCrowded(own)) follow(socket, response, own);
  });
  server.prependListener('upgrade', (_request, socket) => leaveIdle(socket as Socket));
  return { prove, close: () => metrics.registry.removeSingleMetric(refusedMetric) };
}
