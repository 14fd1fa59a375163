import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Counter } from 'prom-client';
import { addressGroup } from '../subgraphs/shared/client-address.ts';
import type { Metrics } from '../subgraphs/shared/telemetry.ts';

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

/** Descriptors for our own connections, to databases, Redis and services, and for files. */
const reservedDescriptors = 512;
/** Of a process that may not have many, a half at least is for clients. */
const leastShareOfClients = 0.5;
const refusedMetric = 'gateway_connections_refused_total';

/**
 * Bounds the connections of a server from their first byte. Where an address, or all together, have as many as they may, the
 * oldest that has not sent the head of a request yet makes room for a new one; if there is none, the new one is refused.
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
  const byAddress = new Map<string, { count: number; readonly silent: Set<Socket> }>();
  const refused = new Counter({
    name: refusedMetric,
    help: 'Connections ended or refused because there were too many, by whose',
    registers: [],
    labelNames: ['of'],
  });
  metrics.registry.registerMetric(refused);
  const groups = new WeakMap<Duplex, string>();

  function prove(connection: Duplex): void {
    if (!silent.delete(connection as Socket)) return;
    byAddress.get(groups.get(connection) ?? '')?.silent.delete(connection as Socket);
  }
  /** True when another has made room. */
  function makeRoom(candidates: ReadonlySet<Socket>, of: string): boolean {
    refused.inc({ of });
    const [oldest] = candidates;
    if (!oldest) return false;
    forget(oldest);
    oldest.resetAndDestroy();
    return true;
  }
  function forget(socket: Socket): void {
    if (!open.delete(socket)) return;
    silent.delete(socket);
    const group = groups.get(socket) ?? '';
    const own = byAddress.get(group);
    if (!own) return;
    own.silent.delete(socket);
    own.count -= 1;
    if (own.count === 0) byAddress.delete(group);
  }
  server.on('connection', (socket: Socket) => {
    const group = addressGroup(socket.remoteAddress ?? '');
    const own = byAddress.get(group) ?? { count: 0, silent: new Set<Socket>() };
    const hasRoom =
      (own.count < limits.perAddress || makeRoom(own.silent, 'address')) &&
      (open.size < ofAll || makeRoom(silent, 'all'));
    if (!hasRoom) {
      socket.resetAndDestroy();
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
  server.prependListener('request', ({ socket }) => {
    if (silent.size > 0) prove(socket);
  });
  return { prove, close: () => metrics.registry.removeSingleMetric(refusedMetric) };
}

/** How many connections of clients a process may have that may open so many files. */
export const connectionsWithin = (maxDescriptors: number): number =>
  Math.max(maxDescriptors - reservedDescriptors, Math.floor(maxDescriptors * leastShareOfClients));

/** How many files this process may have open; without a bound where the system doesn't say. */
function readMaxDescriptors(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity; // not Linux
  }
}
