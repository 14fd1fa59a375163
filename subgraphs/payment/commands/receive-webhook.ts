import { isUtf8 } from 'node:buffer';
import type { Headers } from '../../shared/auth/caller-headers.ts';
import { type Row, run, select } from '../../shared/database/database.ts';
import { isDuplicateKey } from '../../shared/errors/errors.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { type Unit, transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import type { PaymentProvider, ProviderEvent } from '../providers/provider.ts';
import type { WebhookOutcome } from '../records.ts';
import type { Cause } from '../store.ts';
import { type Applied, applyFact } from './apply-fact.ts';
import { applyDispute } from './apply-dispute.ts';
import { applyOwnRefund } from './apply-own-refund.ts';
import { applyRefund } from './apply-refund.ts';

export type Received = {
  readonly status: 200 | 400;
  readonly code: WebhookOutcome | 'BODY_UNREADABLE';
  /** When the provider made the event, where it says so. */
  readonly toldAt?: Date | undefined;
};

/** An authentic delivery. `mayKeepRepetition` bounds what repetitions of an event may fill. */
type Delivery = {
  readonly headers: Headers;
  readonly body: Buffer;
  readonly signature: string;
  readonly mayKeepRepetition: () => boolean;
};

const forgedBodyLength = 2_048;
/** Outcomes after which the provider's repetition of an event has nothing left to do. */
const final: ReadonlySet<unknown> = new Set<WebhookOutcome>([
  'APPLIED',
  'STALE',
  'LATE_AUTO_REFUNDED',
  'REJECTED_AMOUNT',
]);
/** Outcomes that stand whatever a replay finds, unless it changes something. */
const done: ReadonlySet<unknown> = new Set<WebhookOutcome>(['APPLIED', 'STALE', 'LATE_AUTO_REFUNDED']);

/**
 * Stores an authentic delivery and applies it, in one transaction: whoever gets 200 need not send it again. Rejects when the
 * database can't take it now, so that the provider tries again.
 */
export async function receiveWebhook(
  deps: PaymentDeps,
  provider: PaymentProvider,
  delivery: Delivery,
): Promise<Received> {
  const event = isUtf8(delivery.body) ? provider.readEvent(delivery.body) : null;
  if (event === null) {
    await storeRejected(deps, provider.name, { ...delivery, outcome: 'ERROR', error: 'the body can not be read' });
    return { status: 400, code: 'BODY_UNREADABLE' };
  }
  try {
    return { status: 200, code: await storeAndApply(deps, provider, event, delivery), toldAt: event.createdAt };
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return { status: 200, code: await applyAgain(deps, provider, event, delivery), toldAt: event.createdAt };
  }
}

function storeAndApply(
  deps: PaymentDeps,
  provider: PaymentProvider,
  event: ProviderEvent,
  delivery: Delivery,
): Promise<WebhookOutcome> {
  return transact(deps, async (unit) => {
    const id = idToBytes(deps.newId());
    // The row comes first: a second delivery of the event waits here until this one is over.
    await run(
      unit.sql,
      `insert into webhook_inbox (id, provider, provider_event_id, authentic_event_id, type, outcome, attempts, signature, body, received_at, tries)
       values (?, ?, ?, ?, ?, 'ERROR', 1, ?, ?, ?, 0)`,
      [
        id,
        provider.name,
        event.id,
        event.id,
        event.type,
        delivery.signature,
        delivery.body.toString('utf8'),
        deps.now(),
      ],
    );
    const applied = await applyEvent(unit, deps, provider, event);
    await storeOutcome(unit, deps, id, applied);
    return applied.outcome;
  });
}

/** An event that came before: counted, applied if it could not be then, else kept as a repetition. */
async function applyAgain(
  deps: PaymentDeps,
  provider: PaymentProvider,
  event: ProviderEvent,
  { signature, mayKeepRepetition }: Delivery,
): Promise<WebhookOutcome> {
  return transact(deps, async (unit) => {
    const [row] = await select(
      unit.sql,
      'select id, outcome, payment_id from webhook_inbox where provider = ? and authentic_event_id = ? for update',
      [provider.name, event.id],
    );
    if (!row) throw new Error('a delivery that was stored is gone');
    await run(unit.sql, 'update webhook_inbox set attempts = attempts + 1 where id = ?', [row['id'] as Buffer]);
    if (final.has(row['outcome'])) {
      // The first delivery holds the event's id and its body.
      if (mayKeepRepetition()) {
        await run(
          unit.sql,
          `insert into webhook_inbox (id, provider, provider_event_id, authentic_event_id, type, outcome, attempts, payment_id, signature, body, received_at, processed_at, tries)
           values (?, ?, ?, null, ?, 'DUPLICATE', 1, ?, ?, '', ?, ?, 0)`,
          [
            idToBytes(deps.newId()), provider.name, event.id, event.type, row['payment_id'] as Buffer | null, signature, deps.now(), deps.now(),
          ],
        ); // prettier-ignore
      }
      return 'DUPLICATE';
    }
    const applied = await applyEvent(unit, deps, provider, event);
    await storeOutcome(unit, deps, row['id'] as Buffer, applied);
    return applied.outcome;
  });
}

async function applyEvent(
  unit: Unit,
  deps: PaymentDeps,
  provider: PaymentProvider,
  event: ProviderEvent,
): Promise<Applied> {
  const cause: Cause = { source: 'webhook', providerEventId: event.id, at: deps.now() };
  const { about } = event;
  const { name } = provider;
  if (about === null) return { outcome: 'STALE', paymentId: null, error: 'a type of event that is not used' };
  if (about.kind === 'attempt') return applyFact(unit, deps, { provider: name, ...about }, cause);
  if (about.kind === 'dispute') return applyDispute(unit, deps, { provider: name, ...about }, cause);
  if (about.refundKey !== null) {
    const applied = await applyRefund(
      unit,
      deps,
      { provider: name, key: about.refundKey, result: about.refund },
      cause,
    );
    const isOurs = applied.outcome !== 'UNKNOWN_PAYMENT' || applied.paymentId !== null;
    if (isOurs) return applied;
  }
  // Another system that uses the same account may name its refunds likewise.
  return applyOwnRefund(unit, deps, { provider: name, ...about }, cause);
}

const firstRetrySeconds = 5;

async function storeOutcome(unit: Unit, deps: PaymentDeps, id: Buffer, applied: Applied): Promise<void> {
  const retry = applied.outcome === 'UNKNOWN_PAYMENT';
  await run(
    unit.sql,
    `update webhook_inbox set outcome = ?, payment_id = ?, error = ?, processed_at = ?, next_try_at = if(?, utc_timestamp(3) + interval ${firstRetrySeconds} second, null) where id = ?`,
    [
      applied.outcome,
      applied.paymentId === null ? null : idToBytes(applied.paymentId),
      applied.error ?? null,
      deps.now(),
      retry,
      id,
    ],
  );
}

/** Keeps a delivery that is not applied: forged, or not to be read. It never takes the place of a real event's id. */
export async function storeRejected(
  deps: PaymentDeps,
  provider: string,
  given: { body: Buffer; signature: string; outcome: 'REJECTED_SIGNATURE' | 'ERROR'; error: string },
): Promise<void> {
  const { id, type } = claimedEvent(given.body);
  await run(
    deps.db.em(),
    `insert into webhook_inbox (id, provider, provider_event_id, authentic_event_id, type, outcome, attempts, signature, body, error, received_at, processed_at, tries)
     values (?, ?, ?, null, ?, ?, 1, ?, ?, ?, ?, ?, 0)`,
    [
      idToBytes(deps.newId()), provider, id, type, given.outcome, given.signature.slice(0, 512), given.body.subarray(0, forgedBodyLength).toString('utf8'),
      given.error, deps.now(), deps.now(),
    ],
  ); // prettier-ignore
}

/** What a body that nobody vouches for says it is. */
function claimedEvent(body: Buffer): { id: string; type: string } {
  try {
    const { id, type } = JSON.parse(body.toString('utf8')) as { id?: unknown; type?: unknown };
    return {
      id: typeof id === 'string' ? id.slice(0, 128) : '',
      type: typeof type === 'string' ? type.slice(0, 64) : '',
    };
  } catch {
    return { id: '', type: '' }; // not JSON
  }
}

/** Keeps an authentic event that can't be applied for another reason than a database that is away: staff may replay it. */
export async function storeError(
  deps: PaymentDeps,
  provider: PaymentProvider,
  delivery: { body: Buffer; signature: string },
  error: Error,
): Promise<void> {
  const event = isUtf8(delivery.body) ? provider.readEvent(delivery.body) : null;
  if (event === null) return;
  await run(
    deps.db.em(),
    `insert into webhook_inbox (id, provider, provider_event_id, authentic_event_id, type, outcome, attempts, signature, body, error, received_at, processed_at, tries)
     values (?, ?, ?, ?, ?, 'ERROR', 1, ?, ?, ?, ?, ?, 0)
     on duplicate key update attempts = attempts + 1, error = values(error), processed_at = values(processed_at)`,
    [
      idToBytes(deps.newId()), provider.name, event.id, event.id, event.type, delivery.signature, delivery.body.toString('utf8'),
      error.message.slice(0, 1000), deps.now(), deps.now(),
    ],
  ); // prettier-ignore
}

/** Applies a stored authentic delivery once more. One that was done with keeps its outcome when nothing comes of it. */
export async function reapplyDelivery(
  unit: Unit,
  deps: PaymentDeps,
  provider: PaymentProvider,
  row: Row,
): Promise<void> {
  const event = provider.readEvent(Buffer.from(row['body'] as string, 'utf8'));
  if (event === null) throw new Error(`delivery ${idFromBytes(row['id'] as Buffer)} can not be read any more`);
  const applied = await applyEvent(unit, deps, provider, event);
  const changed = applied.outcome === 'APPLIED' || applied.outcome === 'LATE_AUTO_REFUNDED';
  if (changed || !done.has(row['outcome'])) await storeOutcome(unit, deps, row['id'] as Buffer, applied);
}
