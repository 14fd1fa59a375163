import type { Redis } from '../process/redis.ts';
import type { DomainEvent } from '../tables/outbox.ts';
import { isId } from '../values/ids.ts';
import type { Entry } from './handle-events.ts';

const batchSize = 64;

/** Who reads: a consumer of a group. */
export type Reader = { readonly group: string; readonly consumer: string };
/** `recover`: what this consumer was given and has not acknowledged; else what nobody was given. */
export type Position = { readonly stream: string; readonly recover: boolean };

/** Creates the group if need be and takes over what earlier readers left unacknowledged. */
export async function takeOver(redis: Redis, stream: string, { group, consumer }: Reader): Promise<void> {
  await redis.xGroupCreate(stream, group, '0', { MKSTREAM: true }).catch((error: Error) => {
    if (!error.message.includes('BUSYGROUP')) throw error;
  });
  let cursor = '0-0';
  do {
    const claimed = await redis.xAutoClaim(stream, group, consumer, 0, cursor, {
      COUNT: batchSize,
      JUSTID: false,
    } as never);
    cursor = claimed.nextId;
  } while (cursor !== '0-0');
}

type Message = { readonly id: string; readonly message: Readonly<Record<string, string>> | null };

/** The next entries of several streams, at most 64 of each. Waits up to `blockMs` for new ones, where it recovers none. */
export async function readEntries(
  redis: Redis,
  { group, consumer }: Reader,
  positions: readonly Position[],
  blockMs: number,
): Promise<ReadonlyMap<string, readonly Entry[]>> {
  const streams = positions.map(({ stream, recover }) => ({ key: stream, id: recover ? '0' : '>' }));
  const isRecovering = positions.some(({ recover }) => recover);
  const reply = await redis.xReadGroup(
    group,
    consumer,
    streams,
    isRecovering ? { COUNT: batchSize } : { COUNT: batchSize, BLOCK: blockMs },
  );
  return new Map(
    (reply ?? []).map(({ name, messages }) => [
      name,
      messages.map(({ id, message }: Message) => ({ id, event: readEvent(message?.['event']) })),
    ]),
  );
}

/** The event of a stream's entry; null for one that no relay of ours has written, which must not hold the partition up. */
function readEvent(text: string | undefined): DomainEvent | null {
  try {
    const event = JSON.parse(text ?? '') as Partial<DomainEvent> | null;
    return isId(event?.id) && isId(event.aggregateId) && typeof event.type === 'string' ? (event as DomainEvent) : null;
  } catch {
    return null; // not JSON
  }
}
