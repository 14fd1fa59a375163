import { type InferEntity, defineEntity, p } from '@mikro-orm/core';
import { at, id, minor, text } from '../shared/database/columns.ts';
import { ledgerEntities } from './ledger/records.ts';
import type { AttemptState, PaymentEvent, PaymentState } from './domain/payment.ts';
import type { RefundState } from './domain/refund.ts';
import type { MovementKind } from './providers/provider.ts';

const fixed = (length: number) => p.string().columnType(`char(${length})`);

/** How a payment is made; the API's enum. */
export type PaymentMethod = 'NONE' | 'WALLET' | 'SIMULATED_CARD' | 'STRIPE' | 'WECHAT_PAY' | 'ALIPAY' | 'BANK_TRANSFER';
/** Who brought a change about. */
export type Source = 'api' | 'webhook' | 'poll' | 'event' | 'job';
/** By whom a refund was made: here, at the provider, or by a customer's bank. */
export type RefundOrigin = 'PLATFORM' | 'PROVIDER' | 'DISPUTE';
export const webhookOutcomes = [
  'APPLIED', 'DUPLICATE', 'STALE', 'REJECTED_SIGNATURE', 'REJECTED_AMOUNT', 'UNKNOWN_PAYMENT', 'LATE_AUTO_REFUNDED', 'ERROR',
] as const; // prettier-ignore
export type WebhookOutcome = (typeof webhookOutcomes)[number];

export const PaymentRecord = defineEntity({
  name: 'PaymentRecord',
  tableName: 'payment',
  properties: {
    id: id().primary(),
    number: text<string>(32).unique('payment_number'),
    orderId: id(),
    customerId: id(),
    method: text<PaymentMethod>(16),
    state: text<PaymentState>(20),
    currency: fixed(3),
    amountMinor: minor(),
    capturedMinor: minor(),
    refundingMinor: minor(),
    refundedMinor: minor(),
    /** The order while no other payment of it may be made: unique with `slot`. */
    liveOrderId: id().nullable(),
    /** 0: the only payment of an order, or a mixed payment's external part. 1: a mixed payment's wallet part. */
    slot: p.integer().default(0),
    /** Its provider holds the money until staff capture it. */
    manualCapture: p.boolean().default(false),
    /** What staff have decided to capture and the provider has not yet confirmed. */
    capturingMinor: minor().defaultRaw('0'),
    returnUrl: text<string>(2048).nullable(),
    /** Who pays, as the provider knows them, where it takes the money from one person alone. */
    payer: text<string>(255).nullable(),
    traceId: fixed(32),
    expiresAt: at().nullable(),
    paidAt: at().nullable(),
    createdAt: at(),
    updatedAt: at(),
    version: p.integer(),
  },
  uniques: [{ name: 'payment_live_slot', properties: ['liveOrderId', 'slot'] }],
  indexes: [
    { name: 'payment_order', properties: ['orderId', 'id'] },
    { name: 'payment_customer', properties: ['customerId', 'id'] },
    { name: 'payment_state', properties: ['state', 'id'] },
    { name: 'payment_due', properties: ['state', 'expiresAt'] },
  ],
  checks: [
    { name: 'payment_amount', expression: '`amount_minor` > 0' },
    { name: 'payment_captured', expression: '`captured_minor` between 0 and `amount_minor`' },
    { name: 'payment_refunding', expression: '`refunding_minor` between 0 and `captured_minor`' },
    { name: 'payment_refunded', expression: '`refunded_minor` between 0 and `refunding_minor`' },
  ],
});
export type PaymentRow = InferEntity<typeof PaymentRecord>;

export const AttemptRecord = defineEntity({
  name: 'AttemptRecord',
  tableName: 'attempt',
  properties: {
    id: id().primary(),
    number: text<string>(32).unique('attempt_number'),
    paymentId: id(),
    /** The payment while the provider's intent may exist and can be paid: unique. */
    live: id().nullable().unique('attempt_live'),
    provider: text<string>(16),
    state: text<AttemptState>(16),
    tradeType: text<string>(16).nullable(),
    providerIntentId: text<string>(128).nullable(),
    /** The provider's name for the payment behind a checkout. */
    providerPaymentId: text<string>(128).nullable(),
    providerState: text<string>(40).nullable(),
    /** What the customer pays with, as people know it: a card's brand and last four digits. */
    instrument: text<string>(64).nullable(),
    redirectUrl: text<string>(2048).nullable(),
    clientParams: p.json<Record<string, string | number>>().nullable(),
    failureCode: text<string>(64).nullable(),
    failureMessage: text<string>(500).nullable(),
    createdAt: at(),
    finishedAt: at().nullable(),
    /** When to ask the provider next; null when there is nothing to ask. */
    nextCheckAt: at().nullable().index('attempt_due'),
    checks: p.integer(),
  },
  uniques: [{ name: 'attempt_intent', properties: ['provider', 'providerIntentId'] }],
  indexes: [
    { name: 'attempt_payment', properties: ['paymentId', 'id'] },
    { name: 'attempt_payment_id', properties: ['provider', 'providerPaymentId'] },
    { name: 'attempt_finished', properties: ['provider', 'finishedAt'] },
  ],
});
export type AttemptRow = InferEntity<typeof AttemptRecord>;

export const RefundRecord = defineEntity({
  name: 'RefundRecord',
  tableName: 'refund',
  properties: {
    id: id().primary(),
    number: text<string>(32).unique('refund_number'),
    paymentId: id(),
    attemptId: id(),
    orderId: id(),
    customerId: id(),
    currency: fixed(3),
    amountMinor: minor(),
    state: text<RefundState>(16),
    reason: text<string>(255),
    automatic: p.boolean(),
    /** Gives back a second capture, which the payment's own amounts don't count. */
    surplus: p.boolean(),
    requestedBy: id().nullable(),
    providerRefundId: text<string>(128).nullable(),
    failure: text<string>(500).nullable(),
    createdAt: at(),
    settledAt: at().nullable().index('refund_settled'),
    nextTryAt: at().nullable().index('refund_due'),
    tries: p.integer(),
    /** How often the provider refused it: each try after a refusal has a key of its own there. */
    refusals: p.integer().default(0),
    /** When the provider was asked, until it has answered. */
    triedAt: at().nullable(),
    origin: text<RefundOrigin>(16).default('PLATFORM'),
    /** Who of the staff has settled it by hand. */
    confirmedBy: id().nullable(),
    /** What the order has asked for and this gives back, or a part of it. */
    requestId: id().nullable(),
  },
  indexes: [
    { name: 'refund_payment', properties: ['paymentId', 'id'] },
    { name: 'refund_order', properties: ['orderId', 'id'] },
    { name: 'refund_state', properties: ['state', 'id'] },
    { name: 'refund_provider_id', properties: ['providerRefundId'] },
  ],
  checks: [{ name: 'refund_amount', expression: '`amount_minor` > 0' }],
});
export type RefundRow = InferEntity<typeof RefundRecord>;

/** Money that an order has asked to be given back. It is owed until refunds have given it back, or nothing is left. */
export const RefundRequestRecord = defineEntity({
  name: 'RefundRequestRecord',
  tableName: 'refund_request',
  properties: {
    /** The order's own for an order that was closed. */
    id: id().primary(),
    orderId: id(),
    /** Null for all that is left of the order. */
    amountMinor: minor().nullable(),
    reason: text<string>(255),
    requestedBy: id().nullable(),
    createdAt: at(),
  },
  indexes: [{ name: 'refund_request_order', properties: ['orderId', 'id'] }],
});
export type RefundRequestRow = InferEntity<typeof RefundRequestRecord>;

export const DisputeRecord = defineEntity({
  name: 'DisputeRecord',
  tableName: 'dispute',
  properties: {
    id: id().primary(),
    provider: text<string>(16),
    providerDisputeId: text<string>(128),
    paymentId: id(),
    /** What stands for the money in the payment's books; null where nothing was left of it. */
    refundId: id().nullable(),
    currency: fixed(3),
    amountMinor: minor(),
    state: text<'OPEN' | 'WON' | 'LOST'>(8),
    reason: text<string>(64).nullable(),
    evidenceDueBy: at().nullable(),
    openedAt: at(),
    closedAt: at().nullable(),
  },
  uniques: [{ name: 'dispute_provider', properties: ['provider', 'providerDisputeId'] }],
  indexes: [{ name: 'dispute_payment', properties: ['paymentId'] }],
  checks: [{ name: 'dispute_amount', expression: '`amount_minor` > 0' }],
});
export type DisputeRow = InferEntity<typeof DisputeRecord>;

export const PaymentEventRecord = defineEntity({
  name: 'PaymentEventRecord',
  tableName: 'payment_event',
  properties: {
    paymentId: id().primary(),
    seq: p.integer().unsigned(false).primary(),
    type: text<PaymentEvent['type']>(32),
    fromState: text<PaymentState>(20).nullable(),
    toState: text<PaymentState>(20),
    amountMinor: minor().nullable(),
    source: text<Source>(16),
    providerEventId: text<string>(128).nullable(),
    data: p.json<Readonly<Record<string, unknown>>>().nullable(),
    at: at(),
  },
});
export type PaymentEventRow = InferEntity<typeof PaymentEventRecord>;

export const WebhookRecord = defineEntity({
  name: 'WebhookRecord',
  tableName: 'webhook_inbox',
  properties: {
    id: id().primary(),
    provider: text<string>(16),
    providerEventId: text<string>(128),
    /** The event's id for authentic deliveries only, so that a forged one can't take a real one's place: unique. */
    authenticEventId: text<string>(128).nullable(),
    type: text<string>(64),
    outcome: text<WebhookOutcome>(24),
    attempts: p.integer(),
    paymentId: id().nullable(),
    signature: text<string>(512).nullable(),
    body: p.text().columnType('mediumtext'),
    error: text<string>(1000).nullable(),
    receivedAt: at().index('webhook_age'),
    processedAt: at().nullable(),
    nextTryAt: at().nullable().index('webhook_due'),
    tries: p.integer(),
  },
  uniques: [{ name: 'webhook_authentic', properties: ['provider', 'authenticEventId'] }],
  indexes: [{ name: 'webhook_outcome', properties: ['outcome', 'id'] }],
});
export type WebhookRow = InferEntity<typeof WebhookRecord>;

/** A line of a provider's statement, kept as long as a movement of ours may be looked for in it. */
export const StatementLineRecord = defineEntity({
  name: 'StatementLineRecord',
  tableName: 'statement_line',
  properties: {
    provider: text<string>(16).primary(),
    kind: text<MovementKind>(8).primary(),
    providerTransactionId: text<string>(128).primary(),
    /** The attempt, refund or dispute that it tells of, once that is known. */
    ourId: id().nullable().index('statement_line_ours'),
    at: at().index('statement_line_at'),
    seenAt: at(),
  },
});

/** One provider's day compared with ours. */
export const ReconciliationRecord = defineEntity({
  name: 'ReconciliationRecord',
  tableName: 'reconciliation',
  properties: {
    day: fixed(10).primary(),
    provider: text<string>(16).primary(),
    matched: p.integer(),
    missingHere: p.integer(),
    missingAtProvider: p.integer(),
    amountMismatch: p.integer(),
    items: p.json<unknown[]>(),
    checkedAt: at(),
  },
});

export const entities = [
  PaymentRecord,
  AttemptRecord,
  RefundRecord,
  RefundRequestRecord,
  DisputeRecord,
  PaymentEventRecord,
  WebhookRecord,
  StatementLineRecord,
  ReconciliationRecord,
  ...ledgerEntities,
];
