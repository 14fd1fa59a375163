import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Stripe } from 'stripe';
import { type StripeConfig, isStripeTestKey as isTestKey } from '../config.ts';
import { checkSignature, toleranceSeconds } from '../domain/signature.ts';
import {
  type Intent, type KnownAttempt, type PaymentProvider, type ProviderRefund, ProviderRefused, type RefundRequest,
} from './provider.ts'; // prettier-ignore
import { stripeLimits, toStripeAmount } from './stripe-amounts.ts';
import { inOurWords } from './stripe-errors.ts';
import { intentFact, readStripeEvent, refundOf, sessionFact } from './stripe-facts.ts';
import { stripeStatement } from './stripe-statement.ts';

/** Two tries end within the time that a mutation waits for its provider. */
const requestTimeoutMs = 4_000;
const maxNetworkRetries = 1;
const maxSockets = 16;
const listedRefunds = 100;
const dayMs = 86_400_000;
/** Bank debits are processing for up to fourteen days. @see https://docs.stripe.com/payments/bank-debits */
const slowestDebitMs = 14 * dayMs;
/** A card's money is held for seven days. @see https://docs.stripe.com/payments/place-a-hold-on-a-payment-method */
const authorizationMs = 7 * dayMs;
const isSession = (intentId: string): boolean => intentId.startsWith('cs_');

/**
 * Stripe, through its SDK. An attempt with a return URL is a Checkout Session, Stripe's own page; one without is a payment
 * intent, whose client secret Stripe's Elements take in the shop's page.
 *
 * @see https://docs.stripe.com/api
 */
export function stripeProvider(config: StripeConfig): PaymentProvider {
  const base = new URL(config.apiBase);
  const agent = base.protocol === 'https:' ? new HttpsAgent({ keepAlive: true, maxSockets }) : new HttpAgent({ keepAlive: true, maxSockets }); // prettier-ignore
  const stripe = new Stripe(config.secretKey, {
    host: base.hostname,
    port: base.port || (base.protocol === 'https:' ? 443 : 80),
    protocol: base.protocol === 'https:' ? 'https' : 'http',
    timeout: requestTimeoutMs,
    maxNetworkRetries,
    httpAgent: agent,
    telemetry: false,
  });
  const fromIntent = (intent: Stripe.PaymentIntent): Intent => ({
    id: intent.id,
    status: intent.status,
    fact: intentFact(intent),
    tradeType: 'elements',
    redirectUrl: null,
    clientParams: {
      intent: intent.id,
      clientSecret: intent.client_secret ?? '',
      ...(config.publishableKey === undefined ? {} : { publishableKey: config.publishableKey }),
    },
  });

  const getIntent = ({ intentId }: KnownAttempt): Promise<Intent> =>
    heard(async () =>
      isSession(intentId)
        ? fromSession(await stripe.checkout.sessions.retrieve(intentId, { expand: ['payment_intent.latest_charge'] }))
        : fromIntent(await stripe.paymentIntents.retrieve(intentId, { expand: ['latest_charge'] })),
    );

  return {
    name: 'stripe',
    limits: stripeLimits,
    patienceMs: { PROCESSING: slowestDebitMs, AUTHORIZED: authorizationMs },
    async createIntent(attempt) {
      const options = { idempotencyKey: attempt.id };
      const { returnUrl } = attempt;
      return heard(async () =>
        returnUrl === null
          ? fromIntent(await stripe.paymentIntents.create(intentParams(attempt), options))
          : fromSession(await stripe.checkout.sessions.create(sessionParams(attempt, returnUrl), options)),
      );
    },
    getIntent,
    async cancelIntent(attempt) {
      const { intentId } = attempt;
      try {
        return await heard(() => cancel(stripe, intentId, fromIntent));
      } catch (error) {
        if (!(error instanceof ProviderRefused)) throw error;
        // It has ended some other way: how, the intent itself says.
        const intent = await getIntent(attempt);
        if (intent.fact?.type !== 'succeeded' && intent.fact?.type !== 'canceled') throw error;
        return intent;
      }
    },
    capture: ({ id, intentId }, amount) =>
      heard(async () => {
        const intent = await stripe.paymentIntents.capture(
          await paymentIntentOf(stripe, intentId),
          { amount_to_capture: toStripeAmount(amount) },
          { idempotencyKey: `${id}:capture:${amount.amount}` },
        );
        return { ...fromIntent(intent), id: intentId };
      }),
    refund: (request) => heard(() => refund(stripe, request)),
    checkSignature: (headers, body, now) =>
      checkSignature(headers['stripe-signature'], body, { secrets: config.webhookSecrets, now }) ??
      verify(stripe, String(headers['stripe-signature']), body, config.webhookSecrets, now),
    readEvent: (body) => readStripeEvent(body, !isTestKey(config.secretKey)),
    probe: () => heard(() => stripe.paymentIntents.list({ limit: 1 })),
    statement: { utcOffsetMinutes: 0, lines: (period) => stripeStatement(stripe, period) },
    close: async () => agent.destroy(),
  };
}

type NewAttempt = Parameters<PaymentProvider['createIntent']>[0];

const metadataOf = ({ id, paymentId, orderId }: NewAttempt) => ({ attemptId: id, paymentId, orderId });

const intentParams = (attempt: NewAttempt): Stripe.PaymentIntentCreateParams => ({
  amount: toStripeAmount(attempt.amount),
  currency: attempt.amount.currency.toLowerCase(),
  metadata: metadataOf(attempt),
  automatic_payment_methods: { enabled: true },
  capture_method: attempt.capture === 'manual' ? 'manual' : 'automatic_async',
});

const sessionParams = (attempt: NewAttempt, returnUrl: string): Stripe.Checkout.SessionCreateParams => ({
  mode: 'payment',
  success_url: returnUrl,
  cancel_url: returnUrl,
  client_reference_id: attempt.orderId,
  metadata: metadataOf(attempt),
  payment_intent_data: {
    metadata: { ...metadataOf(attempt), checkout: 'true' },
    capture_method: attempt.capture === 'manual' ? 'manual' : 'automatic_async',
  },
  // The amount is ours to say: another currency would be another payment.
  adaptive_pricing: { enabled: false },
  line_items: [
    {
      quantity: 1,
      price_data: {
        currency: attempt.amount.currency.toLowerCase(),
        unit_amount: toStripeAmount(attempt.amount),
        product_data: { name: `Order ${attempt.orderId}` },
      },
    },
  ],
});

function fromSession(session: Stripe.Checkout.Session): Intent {
  const intent = typeof session.payment_intent === 'object' ? session.payment_intent : null;
  const [own, behind] = [sessionFact(session), intent && intentFact(intent)];
  return {
    id: session.id,
    status: session.status ?? 'open',
    // Of a paid one the intent says when that was.
    fact: own?.type === 'succeeded' && behind?.type === 'succeeded' ? behind : (own ?? behind),
    tradeType: 'checkout',
    redirectUrl: session.url,
    clientParams: { session: session.id },
  };
}

/** The payment intent that an attempt's id names, or that is behind its checkout session. */
async function paymentIntentOf(stripe: Stripe, intentId: string): Promise<string> {
  if (!isSession(intentId)) return intentId;
  const intent = (await stripe.checkout.sessions.retrieve(intentId)).payment_intent;
  const id = typeof intent === 'string' ? intent : intent?.id;
  if (id === undefined) throw new ProviderRefused('charge_missing', 'The checkout session was never paid.');
  return id;
}

/** An open session is expired; behind one that the customer has been through, money may be held, which is let go. */
async function cancel(
  stripe: Stripe,
  intentId: string,
  fromIntent: (intent: Stripe.PaymentIntent) => Intent,
): Promise<Intent> {
  if (!isSession(intentId)) return fromIntent(await stripe.paymentIntents.cancel(intentId));
  const session = await stripe.checkout.sessions.retrieve(intentId);
  if (session.status !== 'complete') return fromSession(await stripe.checkout.sessions.expire(intentId));
  const intent = await stripe.paymentIntents.cancel(await paymentIntentOf(stripe, intentId));
  return { ...fromIntent(intent), id: intentId };
}

/** Asks about a refund that has an id there; else looks whether this try was made, as a key is kept for a day only; else makes it. */
async function refund(stripe: Stripe, request: RefundRequest): Promise<ProviderRefund> {
  const { key, providerRefundId, attempt, amount } = request;
  if (providerRefundId !== null) return refundOf(await stripe.refunds.retrieve(providerRefundId));
  const intentId = await paymentIntentOf(stripe, attempt.intentId);
  const made = await stripe.refunds.list({ payment_intent: intentId, limit: listedRefunds });
  const found = made.data.find(({ metadata }) => metadata?.['refundId'] === key);
  if (found) return refundOf(found);
  const params = { payment_intent: intentId, amount: toStripeAmount(amount), metadata: { refundId: key, reason: request.reason } }; // prettier-ignore
  return refundOf(await stripe.refunds.create(params, { idempotencyKey: key }));
}

/** The SDK has the last word about a signature whose form and time are good. */
function verify(stripe: Stripe, header: string, body: Buffer, secrets: readonly string[], now: Date) {
  const good = secrets.some((secret) => {
    try {
      stripe.webhooks.constructEvent(body, header, secret, toleranceSeconds, undefined, now.getTime());
      return true;
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
      if (error instanceof SyntaxError) return true; // signed, but no JSON: `readEvent` refuses that
      throw error;
    }
  });
  return good ? null : 'SIGNATURE_MISMATCH';
}

/** An answer of Stripe's; its errors in our words. */
async function heard<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw inOurWords(error);
  }
}
