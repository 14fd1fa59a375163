import type { Stripe } from 'stripe';
import { z } from 'zod';
import type { ProviderFact } from '../domain/payment.ts';
import type { PaymentProvider, ProviderDispute, ProviderRefund } from './provider.ts';
import { fromStripeAmount } from './stripe-amounts.ts';

const metadata = z.record(z.string(), z.string()).nullish();
const withLastDigits = z.object({ last4: z.string().max(8).nullish() }).nullish();
/** Of a charge what it was paid with. @see https://docs.stripe.com/api/charges/object `payment_method_details` */
const paidWith = z
  .object({
    type: z.string().max(40),
    card: z.object({ brand: z.string().max(40).nullish(), last4: z.string().max(8).nullish() }).nullish(),
    sepa_debit: withLastDigits,
    us_bank_account: withLastDigits,
  })
  .nullish();
const chargeShape = z.object({
  payment_intent: z.string().max(128).nullish(),
  payment_method_details: paidWith,
  metadata,
});
const intentShape = z.object({
  id: z.string().min(1).max(128),
  status: z.string().max(40),
  amount: z.number().int(),
  amount_received: z.number().int(),
  amount_capturable: z.number().int(),
  currency: z.string(),
  latest_charge: z
    .union([z.string(), z.object({ created: z.number().int(), payment_method_details: paidWith })])
    .nullish(),
  metadata,
  last_payment_error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
});
const sessionShape = z.object({
  id: z.string().min(1).max(128),
  status: z.string().nullable(),
  payment_status: z.string(),
  amount_total: z.number().int().nullable(),
  currency: z.string().nullable(),
  payment_intent: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
  metadata,
});
const refundShape = z.object({
  id: z.string().min(1).max(128),
  status: z.string().nullable(),
  failure_reason: z.string().nullish(),
  payment_intent: z.string().max(128).nullish(),
  amount: z.number().int().optional(),
  currency: z.string().optional(),
  metadata,
});
const disputeShape = z.object({
  id: z.string().min(1).max(128),
  payment_intent: z.string().max(128).nullish(),
  amount: z.number().int().positive(),
  currency: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  created: z.number().int().optional(),
  evidence_details: z.object({ due_by: z.number().int().nullish() }).nullish(),
  /** What was withdrawn, and what was given back. */
  balance_transactions: z.array(z.object({ amount: z.number().int() })).nullish(),
});
const eventShape = z.object({
  id: z.string().min(1).max(128),
  type: z.string().min(1).max(64),
  livemode: z.boolean().optional(),
  created: z.number().int().min(0).max(100_000_000_000).optional(),
  data: z.object({ object: z.unknown() }),
});

type IntentFacts = z.infer<typeof intentShape>;
type SessionFacts = z.infer<typeof sessionShape>;

/** The charge is expanded where we ask for an intent, and only named in an event. */
const paidAt = (charge: { created: number } | string | null | undefined): Date | undefined =>
  typeof charge === 'object' && charge !== null ? new Date(charge.created * 1000) : undefined;

const brands: Readonly<Record<string, string>> = {
  amex: 'American Express', cartes_bancaires: 'Cartes Bancaires', diners: 'Diners Club', discover: 'Discover', eftpos_au: 'eftpos', jcb: 'JCB',
  link: 'Link', mastercard: 'Mastercard', unionpay: 'UnionPay', visa: 'Visa',
}; // prettier-ignore

/** `Visa •••• 4242`, `SEPA debit •••• 3000`, `Klarna`. */
function instrumentOf(details: z.infer<typeof paidWith>): string | undefined {
  if (!details) return undefined;
  const { type, card } = details;
  const words = type
    .replaceAll('_', ' ')
    .replace(/^sepa\b/, 'SEPA')
    .replace(/^us\b/, 'US');
  const name = card ? (brands[card.brand ?? ''] ?? 'Card') : words.charAt(0).toUpperCase() + words.slice(1);
  const lastDigits = (card ?? details.sepa_debit ?? details.us_bank_account)?.last4;
  return lastDigits ? `${name} •••• ${lastDigits}` : name;
}

const expanded = (intent: Stripe.PaymentIntent | IntentFacts): z.infer<typeof paidWith> =>
  typeof intent.latest_charge === 'object' ? intent.latest_charge?.payment_method_details : null;

function minorOf(amount: number, currencyInAnyCase: string): { amountMinor: bigint; currency: string } {
  const money = fromStripeAmount(amount, currencyInAnyCase);
  return { amountMinor: money.amount, currency: money.currency };
}

/** What a payment intent says about its attempt; null while the customer has not decided. */
export function intentFact(intent: Stripe.PaymentIntent | IntentFacts): ProviderFact | null {
  switch (intent.status) {
    case 'succeeded':
      return {
        type: 'succeeded',
        ...minorOf(intent.amount_received, intent.currency),
        at: paidAt(intent.latest_charge),
        providerPaymentId: intent.id,
        instrument: instrumentOf(expanded(intent)),
      };
    case 'requires_capture':
      return {
        type: 'authorized',
        ...minorOf(intent.amount_capturable, intent.currency),
        instrument: instrumentOf(expanded(intent)),
      };
    case 'canceled':
      return { type: 'canceled' };
    case 'processing':
      return { type: 'processing' };
    default: {
      const failure = intent.last_payment_error;
      const code = failure?.code ?? 'payment_failed';
      return failure ? { type: 'failed', code, message: failure.message ?? 'The payment failed.' } : null;
    }
  }
}

/** What a checkout session says about its attempt: only a paid one counts. */
export function sessionFact(session: Stripe.Checkout.Session | SessionFacts): ProviderFact | null {
  if (session.payment_status === 'paid') {
    const behind = session.payment_intent;
    const providerPaymentId = typeof behind === 'string' ? behind : behind?.id;
    return { type: 'succeeded', ...minorOf(session.amount_total ?? 0, session.currency ?? ''), providerPaymentId };
  }
  return session.status === 'expired' ? { type: 'canceled' } : null;
}

/** A refund in our words. */
export function refundOf(refund: Stripe.Refund | z.infer<typeof refundShape>): ProviderRefund {
  const { id, status, failure_reason: failure } = refund;
  if (status === 'succeeded') return { id, result: 'succeeded' };
  if (status !== 'failed' && status !== 'canceled') return { id, result: 'pending' };
  return { id, result: 'failed', code: failure ?? status, failure: failure ?? status };
}

/**
 * An appeal follows what was lost, so until it is won the money is gone. One that was prevented never became a dispute at the
 * bank; whether the money went back the movements on the balance say.
 *
 * @see https://docs.stripe.com/api/disputes/object `status`
 */
function disputeStateOf({
  status,
  balance_transactions: moved,
}: z.infer<typeof disputeShape>): ProviderDispute['state'] {
  if (status === 'won') return 'WON';
  if (status === 'lost' || status.startsWith('appeal_')) return 'LOST';
  if (status !== 'prevented') return 'OPEN';
  return (moved ?? []).reduce((sum, { amount }) => sum + amount, 0) < 0 ? 'LOST' : 'WON';
}

/** A dispute in our words. */
const disputeOf = (dispute: z.infer<typeof disputeShape>): ProviderDispute => ({
  id: dispute.id,
  state: disputeStateOf(dispute),
  amountMinor: fromStripeAmount(dispute.amount, dispute.currency).amount,
  currency: dispute.currency.toUpperCase(),
  reason: dispute.reason ?? null,
  evidenceDueBy: dispute.evidence_details?.due_by ? new Date(dispute.evidence_details.due_by * 1000) : null,
  openedAt: dispute.created === undefined ? null : new Date(dispute.created * 1000),
});

/** A success is told of as it happens, so the event's own time is that of the payment. */
const toldAt = (fact: ProviderFact | null, created: number | undefined): ProviderFact | null =>
  fact?.type === 'succeeded' && fact.at === undefined && created !== undefined
    ? { ...fact, at: new Date(created * 1000) }
    : fact;

/**
 * Reads an event whose signature was checked; null when it is none of Stripe's. Test money is no money where the key is a
 * live one, and the other way round: an endpoint may be sent both.
 *
 * @see https://docs.stripe.com/connect/webhooks
 */
export function readStripeEvent(body: Buffer, live: boolean): ReturnType<PaymentProvider['readEvent']> {
  try {
    const { id, type, livemode, created, data } = eventShape.parse(JSON.parse(body.toString('utf8')));
    if (livemode !== undefined && livemode !== live) return { id, type, about: null };
    if (type.startsWith('payment_intent.')) {
      const intent = intentShape.parse(data.object);
      const fact = toldAt(intentFact(intent), created);
      if (fact === null) return { id, type, about: null };
      // The attempt of a checkout is known by its session: the intent behind that is named by the metadata alone.
      const intentId = intent.metadata?.['checkout'] === 'true' ? null : intent.id;
      return {
        id,
        type,
        about: { kind: 'attempt', intentId, attemptId: intent.metadata?.['attemptId'] ?? null, fact },
      };
    }
    if (type.startsWith('checkout.session.')) {
      const session = sessionShape.parse(data.object);
      const fact = toldAt(sessionFact(session), created);
      const attemptId = session.metadata?.['attemptId'] ?? null;
      return { id, type, about: fact && { kind: 'attempt', intentId: session.id, attemptId, fact } };
    }
    if (type.startsWith('refund.')) {
      const refund = refundShape.parse(data.object);
      const refundKey = refund.metadata?.['refundId'] ?? null;
      const { payment_intent: intentId = null, amount, currency = '' } = refund;
      const told = amount === undefined ? undefined : fromStripeAmount(amount, currency);
      const about = { kind: 'refund', refundKey, refund: refundOf(refund), intentId } as const;
      return { id, type, about: { ...about, amountMinor: told?.amount, currency: told?.currency } };
    }
    // An event of an intent only names its charge, and what that was paid with stands there.
    if (type === 'charge.succeeded') {
      const charge = chargeShape.parse(data.object);
      const instrument = instrumentOf(charge.payment_method_details);
      const { payment_intent: intentId = null } = charge;
      const attemptId = charge.metadata?.['attemptId'] ?? null;
      return {
        id,
        type,
        about: instrument === undefined ? null : { kind: 'instrument', intentId, attemptId, instrument },
      };
    }
    if (type.startsWith('charge.dispute.')) {
      const dispute = disputeShape.parse(data.object);
      // An inquiry takes no money: the bank only asks.
      if (dispute.status.startsWith('warning_')) return { id, type, about: null };
      const { payment_intent: intentId = null } = dispute;
      return { id, type, about: { kind: 'dispute', intentId, attemptId: null, dispute: disputeOf(dispute) } };
    }
    return { id, type, about: null };
  } catch {
    return null; // not JSON, or not an event of Stripe
  }
}
