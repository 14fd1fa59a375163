import { writerOf } from '../../../subgraphs/shared/database/reader.ts';
import { newNumber } from '../../../subgraphs/shared/values/ids.ts';
import { type PaymentEvent, type PaymentFacts, evolve, holdsOrder } from '../../../subgraphs/payment/domain/payment.ts';
import {
  AttemptRecord,
  PaymentEventRecord,
  PaymentRecord,
  RefundRecord,
  RefundRequestRecord,
  WebhookRecord,
} from '../../../subgraphs/payment/records.ts';
import type { StoredOrder } from '../../../subgraphs/order/stored-order.ts';
import type { Batch } from './batch.ts';
import type { Chance } from './chance.ts';

const paymentRow = writerOf(PaymentRecord);
const attemptRow = writerOf(AttemptRecord);
const eventRow = writerOf(PaymentEventRecord);
const refundRow = writerOf(RefundRecord);
const requestRow = writerOf(RefundRequestRecord);
const webhookRow = writerOf(WebhookRecord);

/** Deliveries of providers that are older would be deleted soon. */
const keptWebhookMs = 80 * 86_400_000;
const provider = 'stripe';

type Back = { readonly id: string; readonly requestId: string; readonly amountMinor: bigint; readonly whole: boolean; readonly reason: string; readonly requestedBy: string | null; readonly at: Date }; // prettier-ignore

/** The payment of one order by card at a provider whose side is not played, changed by the payment service's rules. */
export class PaymentLife {
  readonly id: string;
  readonly #chance: Chance;
  readonly #order: StoredOrder;
  readonly #at: Date;
  readonly #events: { event: PaymentEvent; from: PaymentFacts | null; to: PaymentFacts; at: Date }[] = [];
  readonly #backs: Back[] = [];
  #facts: PaymentFacts;
  #paidAt: Date | null = null;
  #lastAt: Date;

  constructor(chance: Chance, order: StoredOrder, at: Date) {
    this.#chance = chance;
    this.#order = order;
    this.#at = at;
    this.#lastAt = at;
    this.id = chance.idAt(at);
    const amountMinor = order.totalMinor;
    this.#facts = { state: 'OPEN', currency: order.currency, amountMinor, capturedMinor: 0n, refundingMinor: 0n, refundedMinor: 0n, capturingMinor: 0n, version: 0 }; // prettier-ignore
    this.#apply({ type: 'PaymentCreated', amountMinor }, at);
  }

  #apply(event: PaymentEvent, at: Date): void {
    const from = this.#events.length === 0 ? null : this.#facts;
    this.#facts = evolve(this.#facts, event);
    this.#events.push({ event, from, to: this.#facts, at });
    this.#lastAt = at;
  }

  settle(at: Date): void {
    this.#apply({ type: 'PaymentSettled', amountMinor: this.#order.totalMinor }, at);
    this.#paidAt = at;
  }

  /** Nobody paid: it is over with its order. */
  expire(at: Date): void {
    this.#apply({ type: 'PaymentExpired' }, at);
  }

  giveBack(back: Back): void {
    this.#apply({ type: 'RefundRequested', amountMinor: back.amountMinor }, back.at);
    this.#apply({ type: 'RefundSucceeded', amountMinor: back.amountMinor }, back.at);
    this.#backs.push(back);
  }

  write(batch: Batch, now: Date): void {
    const { orderId, customerId, currency } = { ...this.#order, orderId: this.#order.id };
    const chance = this.#chance;
    const { id, state, ...amounts } = { ...this.#facts, id: this.id };
    const paid = this.#paidAt !== null;
    batch.add('payment', 'payment', paymentRow({
      ...amounts, id, state, number: newNumber('PA', this.#at, chance.bytes(8)), orderId, customerId, method: 'STRIPE', manualCapture: false,
      liveOrderId: holdsOrder(state) ? orderId : null, slot: 0, returnUrl: null, payer: null, traceId: this.#order.traceId, expiresAt: this.#order.expiresAt,
      paidAt: this.#paidAt, createdAt: this.#at, updatedAt: this.#lastAt,
    })); // prettier-ignore
    const attemptId = chance.idAt(this.#at);
    batch.add('payment', 'attempt', attemptRow({
      id: attemptId, number: newNumber('AT', this.#at, chance.bytes(8)), paymentId: id, live: null, provider, state: paid ? 'SUCCEEDED' : 'EXPIRED', tradeType: 'card',
      providerIntentId: `pi_${chance.bytes(12).toString('hex')}`, providerPaymentId: null, providerState: paid ? 'succeeded' : 'canceled', instrument: 'visa 4242',
      redirectUrl: null, clientParams: null, failureCode: null, failureMessage: null, createdAt: this.#at, finishedAt: this.#lastAt, nextCheckAt: null, checks: 0,
    })); // prettier-ignore
    for (const [index, { event, from, to, at }] of this.#events.entries())
      batch.add('payment', 'payment_event', eventRow({
        paymentId: id, seq: index + 1, type: event.type, fromState: from?.state ?? null, toState: to.state, amountMinor: 'amountMinor' in event ? event.amountMinor : null,
        source: 'webhook', providerEventId: null, data: null, at,
      })); // prettier-ignore
    for (const back of this.#backs) {
      const { requestId, amountMinor, whole, reason, requestedBy, at } = back;
      batch.add('payment', 'refund_request', requestRow({ id: requestId, orderId, amountMinor: whole ? null : amountMinor, reason, requestedBy, createdAt: at })); // prettier-ignore
      batch.add('payment', 'refund', refundRow({
        id: back.id, number: newNumber('RF', at, chance.bytes(8)), paymentId: id, attemptId, orderId, customerId, currency, amountMinor, state: 'SUCCEEDED', reason,
        automatic: requestedBy === null, surplus: false, requestedBy, providerRefundId: `re_${chance.bytes(12).toString('hex')}`, failure: null, createdAt: at, settledAt: at,
        nextTryAt: null, tries: 1, refusals: 0, triedAt: null, origin: 'PLATFORM', confirmedBy: null, requestId,
      })); // prettier-ignore
    }
    if (paid && now.getTime() - this.#at.getTime() < keptWebhookMs) this.#writeWebhook(batch);
  }

  #writeWebhook(batch: Batch): void {
    const at = this.#paidAt as Date;
    const eventId = `evt_${this.#chance.bytes(12).toString('hex')}`;
    batch.add('payment', 'webhook_inbox', webhookRow({
      id: this.#chance.idAt(at), provider, providerEventId: eventId, authenticEventId: eventId, type: 'payment_intent.succeeded', outcome: 'APPLIED', attempts: 1,
      paymentId: this.id, signature: null, body: '{}', error: null, receivedAt: at, processedAt: at, nextTryAt: null, tries: 1,
    })); // prettier-ignore
  }
}
