import { readFileSync } from 'node:fs';

/** Descriptors for our own connections, to databases, Redis and services, and for files. */
const reserved = 512;
/** Of a process that may not have many, a half at least is for clients. */
const leastShareOfClients = 0.5;
/** Streams of events from services take one each, where the services are other processes: as many as sockets of clients at most. */
const mostStreams = 20_000;
const shareOfStreams = 1 / 4;

/** How many connections of clients a process may have that may open so many files. */
export const connectionsWithin = (maxDescriptors: number): number =>
  Math.max(maxDescriptors - reserved - streamsWithin(maxDescriptors), Math.floor(maxDescriptors * leastShareOfClients));

/** How many streams of events it may have. */
export const streamsWithin = (maxDescriptors: number): number =>
  Math.min(mostStreams, Math.floor(maxDescriptors * shareOfStreams));

/** How many files this process may have open; without a bound where the system doesn't say. */
export function readMaxDescriptors(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity; // not Linux
  }
}
