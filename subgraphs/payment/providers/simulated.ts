import { Pool } from 'undici';
import { z } from 'zod';
import type { SimulatedConfig } from '../config.ts';
import type { ProviderFact } from '../domain/payment.ts';
import { checkSignature } from '../domain/signature.ts';
import { saysNothing } from './answers.ts';
import {
  type Intent,
  type PaymentProvider,
  type ProviderDispute,
  type ProviderRefund,
  ProviderRefused,
  ProviderUnreachable,
  type StatementLine,
  movementKinds,
} from './provider.ts';

const requestTimeoutMs = 5_000;
const poolConnections = 16;
const keepAliveMs = 30_000;
const dayMs = 86_400_000;
/** Its slow method, like a bank's debit. */
const processingMs = 7 * dayMs;
/** As long as a card's money is held there, unless it was told otherwise. */
const authorizationMs = 7 * dayMs;

const intentShape = z.object({
  id: z.string().min(1).max(128),
  amount: z.number().int(),
  amount_received: z.number().int(),
  capture_method: z.enum(['automatic', 'manual']),
  currency: z.string(),
  /** When the customer paid; absent while they have not. */
  paid_at: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .nullish(),
  card_last4: z.string().max(4).nullish(),
  status: z.string().max(40),
  client_secret: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  last_payment_error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
const refundShape = z.object({
  id: z.string().min(1).max(128),
  status: z.enum(['succeeded', 'failed', 'pending']),
  failure_reason: z.string().nullish(),
  payment_intent: z.string().max(128).nullish(),
  amount: z.number().int().optional(),
  currency: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
});
const statementShape = z.object({
  data: z.array(
    z.object({
      id: z.string().min(1).max(128),
      type: z.enum(movementKinds),
      payment_intent: z.string().min(1).max(128),
      amount: z.number().int(),
      currency: z.string(),
      metadata: z.record(z.string(), z.string()),
      created_at: z.iso.datetime().transform((text) => new Date(text)),
    }),
  ),
  has_more: z.boolean(),
});
const eventShape = z.object({
  id: z.string().min(1).max(128),
  created: z.number().int().min(0).max(100_000_000_000).optional(),
  type: z.string().min(1).max(64),
  data: z.object({ object: z.unknown() }),
});
/** Events that tell of a refund; all others that are used tell of an intent. */
const refundEvents: ReadonlySet<string> = new Set([
  'charge.refunded',
  'refund.created',
  'refund.updated',
  'refund.failed',
]);
const disputeShape = z.object({
  id: z.string().min(1).max(128),
  payment_intent: z.string().min(1).max(128),
  amount: z.number().int().positive(),
  currency: z.string(),
  status: z.enum(['needs_response', 'won', 'lost']),
  reason: z.string().max(64),
  evidence_due_by: z.iso.datetime().transform((text) => new Date(text)),
  created: z.number().int(),
});
const disputeStates = { needs_response: 'OPEN', won: 'WON', lost: 'LOST' } as const;
type SimulatedIntent = z.infer<typeof intentShape>;

/**
 * What an intent says about its attempt. A declined intent waits for another card, so its failure is only told by the
 * webhook and by `last_payment_error`.
 */
function factOf(intent: SimulatedIntent): ProviderFact | null {
  const { currency } = intent;
  const instrument = intent.card_last4 ? `Test card •••• ${intent.card_last4}` : undefined;
  if (intent.status === 'succeeded') {
    const amount = intent.capture_method === 'manual' ? intent.amount_received : intent.amount;
    return { type: 'succeeded', amountMinor: BigInt(amount), currency, at: intent.paid_at ?? undefined, instrument };
  }
  if (intent.status === 'requires_capture')
    return { type: 'authorized', amountMinor: BigInt(intent.amount), currency, instrument };
  if (intent.status === 'processing') return { type: 'processing' };
  if (intent.status === 'canceled') return { type: 'canceled' };
  const failure = intent.last_payment_error;
  return failure ? { type: 'failed', code: failure.code, message: failure.message } : null;
}

function refusalOf(status: number, answer: unknown): ProviderRefused | ProviderUnreachable {
  const { error } = (answer ?? {}) as { error?: { code?: string; message?: string } };
  if (saysNothing(status)) return new ProviderUnreachable(`simulated provider: status ${status}`);
  return new ProviderRefused(error?.code ?? `status_${status}`, error?.message ?? `The provider answered ${status}.`);
}

/** The simulated provider, over HTTP like any other company's. `publicUrl` is where browsers find it and the payment page. */
export function simulatedProvider(config: SimulatedConfig, options: { publicUrl: string }): PaymentProvider {
  const pool = new Pool(new URL(config.url).origin, {
    connections: poolConnections,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
  });

  async function call(method: 'GET' | 'POST', path: string, body?: unknown, idempotencyKey?: string): Promise<unknown> {
    let status: number;
    let answer: unknown;
    try {
      const response = await pool.request({
        method,
        path,
        headers: {
          authorization: `Bearer ${config.apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      status = response.statusCode;
      answer = await response.body.json();
    } catch (error) {
      throw new ProviderUnreachable(
        `simulated provider: ${(error as { code?: string }).code ?? (error as Error).name}`,
        { cause: error },
      );
    }
    if (status < 300) return answer;
    throw refusalOf(status, answer);
  }

  const intentFrom = (answer: unknown, orderId: string): Intent => {
    const intent = understood(intentShape, answer);
    const confirmUrl = `${options.publicUrl}/simulated/v1/payment_intents/${intent.id}/confirm`;
    return {
      id: intent.id,
      status: intent.status,
      fact: factOf(intent),
      tradeType: 'card',
      redirectUrl: `${options.publicUrl}/pay/${orderId}`,
      clientParams: { intent: intent.id, clientSecret: intent.client_secret ?? '', confirmUrl },
    };
  };

  return {
    name: 'simulated',
    patienceMs: { PROCESSING: processingMs, AUTHORIZED: authorizationMs },
    async createIntent({ id, amount, orderId, paymentId, returnUrl, capture }) {
      const body = {
        amount: Number(amount.amount),
        currency: amount.currency,
        metadata: { attemptId: id, paymentId, orderId },
        ...(returnUrl === null ? {} : { return_url: returnUrl }),
        ...(capture === 'manual' ? { capture_method: capture } : {}),
      };
      return intentFrom(await call('POST', '/v1/payment_intents', body, id), orderId);
    },
    async getIntent({ intentId, orderId }) {
      return intentFrom(await call('GET', `/v1/payment_intents/${encodeURIComponent(intentId)}`), orderId);
    },
    async cancelIntent(attempt) {
      const { intentId, orderId } = attempt;
      try {
        return intentFrom(
          await call('POST', `/v1/payment_intents/${encodeURIComponent(intentId)}/cancel`, {}),
          orderId,
        );
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw error;
        // It has ended some other way: how, the intent itself says.
        const intent = await this.getIntent(attempt);
        if (intent.status !== 'succeeded' && intent.status !== 'canceled') throw error;
        return intent;
      }
    },
    async capture({ intentId, orderId }, { amount }) {
      const path = `/v1/payment_intents/${encodeURIComponent(intentId)}/capture`;
      return intentFrom(await call('POST', path, { amount_to_capture: Number(amount) }), orderId);
    },
    async refund({ key, providerRefundId, attempt, amount, reason }) {
      if (providerRefundId !== null) {
        return refundFrom(
          understood(refundShape, await call('GET', `/v1/refunds/${encodeURIComponent(providerRefundId)}`)),
        );
      }
      const body = {
        payment_intent: attempt.intentId,
        amount: Number(amount.amount),
        reason,
        metadata: { refundId: key },
      };
      return refundFrom(understood(refundShape, await call('POST', '/v1/refunds', body, key)));
    },
    checkSignature: (headers, body, now) =>
      checkSignature(headers['simulated-signature'], body, { secrets: config.webhookSecrets, now }),
    readEvent,
    probe: () => call('GET', '/health/live'),
    statement: { utcOffsetMinutes: 0, lines: (period) => statementLines(call, period) },
    close: () => pool.close(),
  };
}

const refundFrom = ({ id, status, failure_reason: failure }: z.infer<typeof refundShape>): ProviderRefund => ({
  id,
  result: status,
  ...(failure ? { code: failure, failure } : {}),
});

const disputeFrom = (dispute: z.infer<typeof disputeShape>): ProviderDispute => ({
  id: dispute.id,
  state: disputeStates[dispute.status],
  amountMinor: BigInt(dispute.amount),
  currency: dispute.currency,
  reason: dispute.reason,
  evidenceDueBy: dispute.evidence_due_by,
  openedAt: new Date(dispute.created * 1000),
});

async function* statementLines(
  call: (method: 'GET', path: string) => Promise<unknown>,
  { from, to }: { from: Date; to: Date },
): AsyncGenerator<StatementLine> {
  let after: string | undefined;
  do {
    const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString(), ...(after && { after }) });
    const page = understood(statementShape, await call('GET', `/v1/statement?${query.toString()}`));
    for (const { id, type, payment_intent: intent, amount, currency, metadata, created_at: at } of page.data) {
      const names = { charge: intent, refund: id, dispute: metadata['dispute'], reversal: metadata['dispute'] };
      const providerTransactionId = names[type] ?? id;
      const reference = type === 'charge' ? metadata['attemptId'] : metadata['refundId'];
      const money = { amount: BigInt(amount), currency };
      yield { kind: type, providerTransactionId, ourReference: reference ?? null, amount: money, at };
    }
    after = page.has_more ? page.data.at(-1)?.id : undefined;
  } while (after !== undefined);
}

function understood<T>(shape: z.ZodType<T>, answer: unknown): T {
  const result = shape.safeParse(answer);
  if (!result.success) throw new ProviderUnreachable('simulated provider: an answer that can not be understood');
  return result.data;
}

function readEvent(body: Buffer): ReturnType<PaymentProvider['readEvent']> {
  try {
    const { id, type, created, data } = eventShape.parse(JSON.parse(body.toString('utf8')));
    const told = { id, type, createdAt: created === undefined ? undefined : new Date(created * 1000) };
    if (refundEvents.has(type)) {
      const refund = refundShape.parse(data.object);
      const key = refund.metadata['refundId'] ?? null;
      const { payment_intent: intentId = null, amount, currency } = refund;
      const amountMinor = amount === undefined ? undefined : BigInt(amount);
      const about = { kind: 'refund', refundKey: key, refund: refundFrom(refund), intentId } as const;
      return { ...told, about: { ...about, amountMinor, currency } };
    }
    if (type.startsWith('charge.dispute.')) {
      const dispute = disputeShape.parse(data.object);
      return {
        ...told,
        about: { kind: 'dispute', intentId: dispute.payment_intent, attemptId: null, dispute: disputeFrom(dispute) },
      };
    }
    const wanted = [
      'payment_intent.succeeded',
      'payment_intent.payment_failed',
      'payment_intent.canceled',
      'payment_intent.processing',
      'payment_intent.amount_capturable_updated',
    ];
    if (!wanted.includes(type)) return { ...told, about: null };
    const intent = intentShape.parse(data.object);
    const fact = factOf(intent);
    if (fact === null) return null;
    return {
      ...told,
      about: { kind: 'attempt', intentId: intent.id, attemptId: intent.metadata['attemptId'] ?? null, fact },
    };
  } catch {
    return null; // not JSON, or not an event of this provider
  }
}
