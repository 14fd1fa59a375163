import { type InferEntity, defineEntity, p } from '@mikro-orm/core';
import { at, bytes, minor, text } from '../../shared/database/columns.ts';

const fixed = (length: number) => p.string().columnType(`char(${length})`);
const name = () => text<string>(40);

export type IntentStatus =
  'requires_payment_method' | 'requires_action' | 'requires_capture' | 'processing' | 'succeeded' | 'canceled';

export const IntentRecord = defineEntity({
  name: 'IntentRecord',
  tableName: 'intent',
  properties: {
    id: name().primary(),
    idempotencyKey: text<string>(128).nullable().unique('intent_idempotency'),
    paramsHash: bytes(32),
    amount: minor(),
    currency: fixed(3),
    status: text<IntentStatus>(32),
    clientSecret: text<string>(96),
    metadata: p.json<Record<string, string>>(),
    returnUrl: text<string>(2048).nullable(),
    cardLast4: fixed(4).nullable(),
    failureCode: text<string>(64).nullable(),
    failureMessage: text<string>(255).nullable(),
    /** What went back, or is disputed. */
    refunded: minor(),
    createdAt: at(),
    captureMethod: text<'automatic' | 'manual'>(9).default('automatic'),
    amountReceived: minor().defaultRaw('0'),
    /** When held money is let go. */
    captureBefore: at().nullable().index('intent_held'),
    paidAt: at().nullable(),
  },
  checks: [
    { name: 'intent_amount', expression: '`amount` > 0' },
    { name: 'intent_refunded', expression: '`refunded` between 0 and `amount`' },
  ],
});
export type IntentRow = InferEntity<typeof IntentRecord>;

export const ChargeRecord = defineEntity({
  name: 'ChargeRecord',
  tableName: 'charge',
  properties: {
    id: name().primary(),
    intentId: name().unique('charge_intent'),
    amount: minor(),
    currency: fixed(3),
    metadata: p.json<Record<string, string>>(),
    createdAt: at(),
  },
  indexes: [{ name: 'charge_age', properties: ['createdAt', 'id'] }],
});
export type ChargeRow = InferEntity<typeof ChargeRecord>;

export const ProviderRefundRecord = defineEntity({
  name: 'ProviderRefundRecord',
  tableName: 'refund',
  properties: {
    id: name().primary(),
    idempotencyKey: text<string>(128).nullable().unique('refund_idempotency'),
    paramsHash: bytes(32),
    intentId: name(),
    amount: minor(),
    currency: fixed(3),
    reason: text<string>(255).nullable(),
    metadata: p.json<Record<string, string>>(),
    createdAt: at(),
    status: text<'succeeded' | 'pending' | 'failed'>(16).default('succeeded'),
    failureReason: text<string>(64).nullable(),
  },
  indexes: [{ name: 'refund_age', properties: ['createdAt', 'id'] }],
});
export type ProviderRefundRow = InferEntity<typeof ProviderRefundRecord>;

/** An event that the merchant is owed. */
export const OwedWebhookRecord = defineEntity({
  name: 'OwedWebhookRecord',
  tableName: 'webhook',
  properties: {
    id: name().primary(),
    intentId: name().index('webhook_intent'),
    type: text<string>(64),
    body: p.text().columnType('text'),
    copies: p.integer(),
    createdAt: at(),
    /** Null when it has been delivered, or is to be dropped. */
    dueAt: at().nullable().index('webhook_due'),
    attempts: p.integer(),
    deliveredAt: at().nullable(),
    lastStatus: name().nullable(),
  },
});
export type OwedWebhookRow = InferEntity<typeof OwedWebhookRecord>;

/** How the provider misbehaves about an intent, or about all (`*`). */
export const BehaviourRecord = defineEntity({
  name: 'BehaviourRecord',
  tableName: 'behaviour',
  properties: {
    intentId: name().primary(),
    duplicates: p.integer(),
    delayMs: p.integer(),
    reorder: p.boolean(),
    dropped: p.boolean(),
    refunds: text<'succeed' | 'refuse' | 'pend'>(8).default('succeed'),
    slow: p.boolean().default(false),
  },
});
export type BehaviourRow = InferEntity<typeof BehaviourRecord>;

export const ProviderDisputeRecord = defineEntity({
  name: 'ProviderDisputeRecord',
  tableName: 'dispute',
  properties: {
    id: name().primary(),
    intentId: name().index('dispute_intent'),
    amount: minor(),
    currency: fixed(3),
    status: text<'needs_response' | 'won' | 'lost'>(16),
    reason: text<string>(64),
    dueBy: at(),
    createdAt: at(),
    wonAt: at().nullable(),
  },
});
export type ProviderDisputeRow = InferEntity<typeof ProviderDisputeRecord>;

export const simulatedEntities = [
  IntentRecord,
  ChargeRecord,
  ProviderRefundRecord,
  OwedWebhookRecord,
  BehaviourRecord,
  ProviderDisputeRecord,
];
