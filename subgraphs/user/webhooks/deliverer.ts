import type { Database } from '../../shared/database/database.ts';
import { noteFailure } from '../../shared/process/dependency.ts';
import { inTime } from '../../shared/time/in-time.ts';
import { type Time, realTime } from '../../shared/time/time.ts';
import type { UserDeps } from '../dependencies.ts';
import { notificationChannel } from '../notifications/channels.ts';
import { type Delivery, claimDue } from './delivery-store.ts';
import { type Endpoint, findDueEndpoints, findReady } from './endpoint-store.ts';
import type { WebhookMetrics } from './metrics.ts';
import { type DeliveryPolicy, deliveryPolicy } from './policy.ts';
import { type Ended, type Recorded, recordAttempt } from './record-attempt.ts';
import type { Sender } from './send-webhook.ts';
import { type Slots, createSlots } from './slots.ts';

export type DelivererDeps = Pick<UserDeps, 'log' | 'now' | 'newId' | 'outward' | 'live' | 'codes'> & {
  readonly db: Database;
  readonly sender: Sender;
  readonly metrics: WebhookMetrics;
  readonly policy?: DeliveryPolicy;
  readonly time?: Time;
  /** An endpoint's work is done for now; some may have become due meanwhile. */
  readonly onIdle?: () => void;
};

/** Sends what is due, to each endpoint apart from the others. */
export type Deliverer = {
  /** Begins with the endpoints that have deliveries due, and has those at work look again; does not wait for them. */
  deliverDue(): Promise<void>;
  /** Begins nothing more, and waits some seconds for what is under way; what then has no answer is due again by itself. */
  stop(): Promise<void>;
};

type Phase = 'running' | 'stopping' | 'abandoned';
/** What the work for one endpoint shares with the others. */
type Shared = Required<Omit<DelivererDeps, 'onIdle'>> & { readonly slots: Slots; readonly phase: () => Phase };

const stopGraceMs = 3_000;

/**
 * Deliveries of one endpoint go out side by side, up to a limit, and those of one order one after the other. An endpoint that
 * fails rests, and then gets one at a time until one succeeds. A delivery is claimed for some seconds, so it goes out again when
 * its process dies: at least once, with the same `webhook-id`.
 */
export function createDeliverer(deps: DelivererDeps): Deliverer {
  const { db, log, now, policy = deliveryPolicy, time = realTime } = deps;
  const atWork = new Map<string, { readonly done: Promise<void>; readonly bell: Bell }>();
  let phase: Phase = 'running';
  const slots = createSlots(policy.concurrency);
  const shared: Shared = { ...deps, policy, time, slots, phase: () => phase };

  async function work(endpointId: string, bell: Bell): Promise<void> {
    try {
      await workFor(shared, endpointId, bell);
    } catch (error) {
      noteFailure(log, error, 'the webhooks of an endpoint wait', { endpointId });
      return;
    } finally {
      atWork.delete(endpointId);
    }
    if (phase === 'running') deps.onIdle?.();
  }

  return {
    async deliverDue() {
      for (const endpointId of await findDueEndpoints(db.em(), now())) {
        if (phase !== 'running') return;
        const busy = atWork.get(endpointId);
        if (busy) {
          busy.bell.ring();
          continue;
        }
        const bell = createBell();
        atWork.set(endpointId, { done: work(endpointId, bell), bell });
      }
    },
    async stop() {
      phase = 'stopping';
      await inTime(Promise.all([...atWork.values()].map(({ done }) => done)), stopGraceMs, time).catch(() => undefined);
      phase = 'abandoned';
    },
  };
}

/** Says that something has become due since `quiet` was called. */
type Bell = { ring(): void; rung(): Promise<void>; quiet(): void };

function createBell(): Bell {
  let bell = Promise.withResolvers<void>();
  return {
    ring: () => bell.resolve(),
    rung: () => bell.promise,
    quiet: () => void (bell = Promise.withResolvers<void>()),
  };
}

/** Works until nothing of the endpoint is due, or it rests. */
async function workFor(deps: Shared, endpointId: string, bell: Bell): Promise<void> {
  const { sender, policy, time, slots, phase } = deps;
  const underWay = new Set<Promise<void>>();
  const ended: Ended[] = [];
  function begin(endpoint: Endpoint, delivery: Delivery): void {
    const attempt = sender
      .send(endpoint, delivery)
      .then((answer) => void ended.push({ endpoint, delivery, answer }))
      .finally(() => {
        underWay.delete(attempt);
        slots.give(1);
      });
    underWay.add(attempt);
  }
  await slots.take(endpointId);
  let granted = 1;
  while (phase() !== 'abandoned') {
    bell.quiet();
    granted += slots.takeFree(policy.concurrencyPerEndpoint - underWay.size - granted);
    const room = { granted: phase() === 'running' ? granted : 0, underWay: underWay.size };
    try {
      const { endpoint, deliveries } = await recordAndClaim(deps, endpointId, ended.splice(0), room);
      granted -= deliveries.length;
      if (endpoint) for (const delivery of deliveries) begin(endpoint, delivery);
    } finally {
      slots.give(granted);
      granted = 0;
    }
    if (underWay.size === 0 && ended.length === 0) return;
    // One that is slow to answer holds up nobody else's order.
    if (ended.length === 0) await Promise.race([...underWay, bell.rung()]);
    // Answers that come one upon the other are recorded together.
    await time.sleep(policy.gatherMs);
  }
}

/** Records how attempts ended and claims what is to go out next, in one transaction. */
async function recordAndClaim(
  { db, now, newId, outward, live, codes, policy, time, log, metrics }: Shared,
  endpointId: string,
  ended: readonly Ended[],
  room: { readonly granted: number; readonly underWay: number },
): Promise<{ endpoint: Endpoint | null; deliveries: readonly Delivery[] }> {
  const at = now();
  const recording = { now, newId, outward, policy, random: time.random };
  const { recorded, ...claimed } = await db.transaction(async (tx) => {
    const all: Recorded[] = [];
    for (const one of ended) all.push(await recordAttempt(tx, recording, one, at));
    const endpoint = room.granted > 0 ? await findReady(tx, endpointId, at) : null;
    if (!endpoint) return { recorded: all, endpoint, deliveries: [] };
    const limit = Math.min(room.granted, endpoint.failures > 0 ? 1 - room.underWay : room.granted);
    const until = new Date(at.getTime() + policy.leaseMs);
    const deliveries = limit > 0 ? await claimDue(tx, { endpointId, at, until, limit }) : [];
    return { recorded: all, endpoint, deliveries };
  });
  for (const { delivery, state, disabled } of recorded) {
    metrics.attempts.inc({ outcome: state });
    if (state === 'SENT') metrics.lag.observe(Math.max(0, at.getTime() - delivery.createdAt.getTime()) / 1_000);
    if (disabled === null) continue;
    metrics.disabled.inc();
    log.warn({ endpointId, reason: disabled.reason }, 'a webhook endpoint was disabled');
    for (const userId of disabled.toldIds) live.publish(notificationChannel(userId), '');
    codes.wake();
  }
  return claimed;
}
