import { isUtf8 } from 'node:buffer';
import type { Headers } from '../../shared/auth/caller-headers.ts';
import { isDuplicateKey } from '../../shared/errors/errors.ts';
import { firstOf } from '../../shared/values/text.ts';
import { type Unit, transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import type { PaymentProvider, ProviderEvent } from '../providers/provider.ts';
import type { WebhookOutcome, WebhookRow } from '../records.ts';
import {
  type DeliveryResult,
  type NewDelivery,
  countDelivery,
  insertDelivery,
  insertOrUpdateError,
  lockFirstDelivery,
  updateOutcome,
} from '../webhook-store.ts';
import { findMeantAttempt, storeInstrument } from '../attempt-store.ts';
import { type Applied, type Foreseen, applyFact, foresee, maxInstrumentLength } from './apply-fact.ts';
import { applyDispute } from './apply-dispute.ts';
import { applyOwnRefund } from './apply-own-refund.ts';
import { applyRefund } from './apply-refund.ts';
import type { Cause } from './save-payment.ts';

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
    const code = await applyAgain(deps, provider, event, delivery);
    // It was no delivery that was there twice.
    if (code === null) throw error;
    return { status: 200, code, toldAt: event.createdAt };
  }
}

function storeAndApply(
  deps: PaymentDeps,
  provider: PaymentProvider,
  event: ProviderEvent,
  delivery: Delivery,
): Promise<WebhookOutcome> {
  return transact(deps, async (unit) => {
    const row = firstDelivery(deps, provider, event, delivery);
    // What it will do is read before, so that all that it writes goes together.
    const foreseen =
      event.about?.kind === 'attempt' ? await foresee(unit, { provider: provider.name, ...event.about }) : null;
    const expected = foreseen?.applied ?? notYet;
    // The row comes before anything is locked or changed: a second delivery of the event waits here until this one is over.
    await insertDelivery(unit.sql, row, resultOf(deps, expected));
    const applied = await applyEvent(unit, deps, provider, event, foreseen);
    if (!isSame(applied, expected)) await updateOutcome(unit.sql, row.id, resultOf(deps, applied));
    return applied.outcome;
  });
}

const notYet: Result = { outcome: 'ERROR', paymentId: null };
type Result = Omit<Applied, 'outcome'> & { readonly outcome: WebhookOutcome };

const isSame = (one: Result, other: Result): boolean =>
  one.outcome === other.outcome && one.paymentId === other.paymentId && one.error === other.error;

const firstRetrySeconds = 5;

const firstDelivery = (
  deps: PaymentDeps,
  provider: PaymentProvider,
  event: ProviderEvent,
  { body, signature }: Pick<Delivery, 'body' | 'signature'>,
): NewDelivery => ({
  id: deps.newId(),
  provider: provider.name,
  eventId: event.id,
  isFirst: true,
  type: event.type,
  signature,
  // What is of no payment here may tell of a person whom no erasure would find by it.
  body: event.about === null ? '' : body.toString('utf8'),
  receivedAt: deps.now(),
});

const resultOf = (deps: PaymentDeps, { outcome, paymentId, error }: Result): DeliveryResult => ({
  outcome,
  paymentId,
  error: error ?? null,
  processedAt: deps.now(),
  retryInSeconds: outcome === 'UNKNOWN_PAYMENT' ? firstRetrySeconds : null,
});

/** An event that came before: counted, applied if it could not be then, else kept as a repetition. Null for one that did not. */
async function applyAgain(
  deps: PaymentDeps,
  provider: PaymentProvider,
  event: ProviderEvent,
  { signature, mayKeepRepetition }: Delivery,
): Promise<WebhookOutcome | null> {
  return transact(deps, async (unit) => {
    const first = await lockFirstDelivery(unit.sql, provider.name, event.id);
    if (!first) return null;
    await countDelivery(unit.sql, first.id);
    if (final.has(first.outcome)) {
      // The first delivery holds the event's id and its body.
      if (mayKeepRepetition()) {
        const repetition = {
          ...firstDelivery(deps, provider, event, { body: Buffer.alloc(0), signature }),
          isFirst: false,
        };
        const result = { outcome: 'DUPLICATE', paymentId: first.paymentId ?? null, error: null } as const;
        await insertDelivery(unit.sql, repetition, { ...result, processedAt: deps.now(), retryInSeconds: null });
      }
      return 'DUPLICATE';
    }
    const applied = await applyEvent(unit, deps, provider, event, null);
    await updateOutcome(unit.sql, first.id, resultOf(deps, applied));
    return applied.outcome;
  });
}

async function applyEvent(
  unit: Unit,
  deps: PaymentDeps,
  provider: PaymentProvider,
  event: ProviderEvent,
  foreseen: Foreseen | null,
): Promise<Applied> {
  const cause: Cause = { source: 'webhook', providerEventId: event.id, at: deps.now() };
  const { about } = event;
  const { name } = provider;
  if (about === null) return { outcome: 'STALE', paymentId: null, error: 'a type of event that is not used' };
  if (about.kind === 'attempt') return applyFact(unit, deps, { provider: name, ...about }, cause, foreseen);
  if (about.kind === 'instrument') return applyInstrument(unit, { provider: name, ...about });
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

/** What an attempt is paid with concerns nothing else. */
async function applyInstrument(
  { sql }: Unit,
  about: { provider: string; intentId: string | null; attemptId: string | null; instrument: string },
): Promise<Applied> {
  const meant = await findMeantAttempt(sql, about);
  if (!meant) return { outcome: 'UNKNOWN_PAYMENT', paymentId: null, error: 'no such attempt' };
  await storeInstrument(sql, meant.id, firstOf(about.instrument, maxInstrumentLength));
  return { outcome: 'APPLIED', paymentId: meant.paymentId };
}

/** Keeps a delivery that is not applied: forged, or not to be read. It never takes the place of a real event's id. */
export async function storeRejected(
  deps: PaymentDeps,
  provider: string,
  given: { body: Buffer; signature: string; outcome: 'REJECTED_SIGNATURE' | 'ERROR'; error: string },
): Promise<void> {
  const { id: eventId, type } = claimedEvent(given.body);
  const { outcome, error } = given;
  const at = deps.now();
  const row: NewDelivery = {
    id: deps.newId(),
    provider,
    eventId,
    isFirst: false,
    type,
    signature: given.signature.slice(0, 512),
    body: given.body.subarray(0, forgedBodyLength).toString('utf8'),
    receivedAt: at,
  };
  await insertDelivery(deps.db.em(), row, { outcome, paymentId: null, error, processedAt: at, retryInSeconds: null });
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
  const row = firstDelivery(deps, provider, event, delivery);
  await insertOrUpdateError(deps.db.em(), row, resultOf(deps, { ...notYet, error: error.message.slice(0, 1000) }));
}

/** Applies a stored authentic delivery once more. One that was done with keeps its outcome when nothing comes of it. */
export async function reapplyDelivery(
  unit: Unit,
  deps: PaymentDeps,
  provider: PaymentProvider,
  delivery: WebhookRow,
): Promise<void> {
  const event = provider.readEvent(Buffer.from(delivery.body, 'utf8'));
  if (event === null) throw new Error(`delivery ${delivery.id} can not be read any more`);
  const applied = await applyEvent(unit, deps, provider, event, null);
  const changed = applied.outcome === 'APPLIED' || applied.outcome === 'LATE_AUTO_REFUNDED';
  if (changed || !done.has(delivery.outcome)) await updateOutcome(unit.sql, delivery.id, resultOf(deps, applied));
}
