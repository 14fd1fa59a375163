import { randomBytes } from 'node:crypto';

/** A refusal in Stripe's shape. */
export class StripeRefusal extends Error {
  readonly status: number;
  readonly error: Readonly<Record<string, unknown>>;
  constructor(status: number, type: string, code: string, message: string) {
    super(message);
    this.status = status;
    this.error = { type, code, message };
  }
}

export type Params = { readonly [name: string]: string | Params };
export type StripeObject = { id: string; [field: string]: unknown };
export type StripeIntent = StripeObject & {
  status: string;
  amount: number;
  amount_received: number;
  amount_capturable: number;
  currency: string;
  metadata: Record<string, string>;
  last_payment_error: { code: string; message: string } | null;
};
export type StripeDispute = StripeObject & {
  payment_intent: string;
  amount: number;
  status: string;
  balance_transactions: { amount: number }[];
};
export type Emit = (type: string, object: StripeObject) => void;

const invalid = (code: string, message: string) => new StripeRefusal(400, 'invalid_request_error', code, message);
const missing = (id: string) =>
  new StripeRefusal(404, 'invalid_request_error', 'resource_missing', `No such object: ${id}`);
const text = (value: string | Params | undefined): string => (typeof value === 'string' ? value : '');
/** Larger amounts than of eight digits are taken of these. */
const largest: Readonly<Record<string, number>> = { idr: 999_999_999_999, cop: 9_999_999_999, inr: 999_999_999 };
const newId = (prefix: string): string => `${prefix}_${randomBytes(12).toString('hex')}`;
const record = (value: string | Params | undefined): Record<string, string> => ({
  ...(value as Record<string, string>),
});
const now = (): number => Math.floor(Date.now() / 1000);

/** What Stripe keeps: payment intents, checkout sessions and refunds, with Stripe's own rules about them. */
export function stripeBooks(emit: Emit) {
  const intents = new Map<string, StripeIntent>();
  const sessions = new Map<string, StripeObject>();
  const refunds = new Map<string, StripeObject & { amount: number; payment_intent: string; status: string }>();
  const disputes = new Map<string, StripeDispute>();
  const charges = new Map<string, StripeObject>();
  const balance: StripeObject[] = [];
  let refundMode: 'succeed' | 'refuse' | 'pend' = 'succeed';

  const intentOf = (id: string): StripeIntent => {
    const intent = intents.get(id);
    if (!intent) throw missing(id);
    return intent;
  };
  const sessionOf = (id: string): StripeObject => {
    const session = sessions.get(id);
    if (!session) throw missing(id);
    return session;
  };
  const sessionOfIntent = (intentId: string) => [...sessions.values()].find((session) => session['payment_intent'] === intentId); // prettier-ignore

  function createIntent(params: Params): StripeIntent {
    const amount = Number(params['amount']);
    const currency = text(params['currency']);
    if (!Number.isSafeInteger(amount) || amount < 1 || amount > (largest[currency] ?? 99_999_999)) throw invalid('amount_too_large', 'Amount must be no more than 999,999.99.'); // prettier-ignore
    if (!/^[a-z]{3}$/.test(currency)) throw invalid('parameter_invalid', `Invalid currency: ${currency}`);
    const id = newId('pi');
    const intent: StripeIntent = {
      id, object: 'payment_intent', amount, amount_received: 0, amount_capturable: 0, currency, status: 'requires_payment_method',
      capture_method: params['capture_method'] ?? 'automatic', client_secret: `${id}_secret_${randomBytes(8).toString('hex')}`,
      metadata: record(params['metadata']), last_payment_error: null, created: now(),
    }; // prettier-ignore
    intents.set(id, intent);
    return intent;
  }

  function createSession(params: Params): StripeObject {
    const line = (params['line_items'] as Params)['0'] as Params;
    const price = line['price_data'] as Params;
    const data = (params['payment_intent_data'] ?? {}) as Params;
    const intent = createIntent({ ...data, amount: price['unit_amount'] ?? '', currency: price['currency'] ?? '' });
    const id = newId('cs_test');
    const session: StripeObject = {
      id, object: 'checkout.session', mode: params['mode'], status: 'open', payment_status: 'unpaid', payment_intent: intent.id, amount_total: intent.amount,
      currency: intent.currency, metadata: record(params['metadata']), success_url: params['success_url'], url: `https://checkout.stripe.test/c/${id}`,
    }; // prettier-ignore
    sessions.set(id, session);
    return session;
  }

  /** A movement on the merchant's balance, newest first as Stripe lists them. */
  const moved = (type: string, source: Record<string, unknown>, amount: number): StripeObject => {
    const entry = { id: newId('txn'), object: 'balance_transaction', type, created: now(), source, amount };
    balance.unshift(entry);
    return entry;
  };
  const charged = ({ id, amount_received: amount, currency, metadata }: StripeIntent): void => {
    const charge = { id: newId('ch'), object: 'charge', payment_intent: id, amount, amount_captured: amount, currency, metadata, created: now(), payment_method_details: { type: 'card', card: { brand: 'visa', last4: '4242' } } }; // prettier-ignore
    charges.set(charge.id, charge);
    Object.assign(intentOf(id), { latest_charge: charge.id });
    emit('charge.succeeded', charge);
    moved('charge', charge, amount);
  };

  /** Moves the money, or asks for it to be held. */
  function take(intent: StripeIntent): void {
    const manual = intent['capture_method'] === 'manual';
    Object.assign(intent, manual ? { status: 'requires_capture', amount_capturable: intent.amount } : { status: 'succeeded', amount_received: intent.amount }, { last_payment_error: null }); // prettier-ignore
    if (!manual) charged(intent);
    emit(manual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded', intent);
    const session = sessionOfIntent(intent.id);
    if (!session) return;
    Object.assign(session, { status: 'complete', payment_status: manual ? 'unpaid' : 'paid' });
    emit('checkout.session.completed', session);
  }

  function cancelIntent(id: string): StripeIntent {
    const intent = intentOf(id);
    if (['succeeded', 'canceled', 'processing'].includes(intent.status)) {
      throw invalid('payment_intent_unexpected_state', `A PaymentIntent that is ${intent.status} can't be canceled.`);
    }
    Object.assign(intent, { status: 'canceled', amount_capturable: 0 });
    emit('payment_intent.canceled', intent);
    return intent;
  }

  function createRefund(params: Params): StripeObject {
    const intent = intentOf(text(params['payment_intent']));
    const amount = Number(params['amount']);
    const gone = [...refunds.values()].filter((one) => one.payment_intent === intent.id && one.status !== 'failed');
    const disputed = [...disputes.values()].some((one) => one.payment_intent === intent.id && one.status !== 'won');
    if (refundMode === 'refuse' || disputed) throw invalid('charge_disputed', 'The charge has been charged back.');
    if (intent.status !== 'succeeded') throw invalid('charge_missing', 'This PaymentIntent has no successful charge.');
    if (gone.reduce((sum, one) => sum + one.amount, amount) > intent.amount_received) {
      throw invalid('charge_already_refunded', 'Refund amount is greater than the unrefunded amount.');
    }
    const status = refundMode === 'pend' ? 'pending' : 'succeeded';
    const made = { id: newId('re'), object: 'refund', payment_intent: intent.id, amount, currency: intent.currency, status, failure_reason: null, metadata: record(params['metadata']), created: now() }; // prettier-ignore
    refunds.set(made.id, made);
    if (status === 'succeeded') moved('refund', made, -amount);
    emit('refund.created', made);
    return made;
  }

  /** With its charge, which is only named otherwise. */
  const retrieveIntent = (id: string, expand: boolean): StripeIntent => {
    const intent = intentOf(id);
    const charge = charges.get(String(intent['latest_charge']));
    return expand && charge ? { ...intent, latest_charge: charge } : intent;
  };
  const retrieveSession = (id: string, expand: boolean): StripeObject => {
    const session = sessionOf(id);
    return expand ? { ...session, payment_intent: retrieveIntent(String(session['payment_intent']), true) } : session;
  };

  return {
    intents,
    sessions,
    refunds,
    balance,
    createIntent,
    createSession,
    createRefund,
    cancelIntent,
    getIntent: intentOf,
    retrieveIntent,
    retrieveSession,
    getRefund: (id: string): StripeObject => refunds.get(id) ?? (() => { throw missing(id); })(), // prettier-ignore
    captureIntent(id: string, params: Params): StripeIntent {
      const intent = intentOf(id);
      const amount = Number(params['amount_to_capture'] ?? intent.amount_capturable);
      if (intent.status !== 'requires_capture') throw invalid('payment_intent_unexpected_state', `The PaymentIntent is ${intent.status}.`); // prettier-ignore
      if (amount < 1 || amount > intent.amount_capturable)
        throw invalid('amount_too_large', 'More than is capturable.');
      Object.assign(intent, { status: 'succeeded', amount_received: amount, amount_capturable: 0 });
      charged(intent);
      emit('payment_intent.succeeded', intent);
      return intent;
    },
    expireSession(id: string): StripeObject {
      const session = sessionOf(id);
      if (session['status'] !== 'open')
        throw invalid('checkout_session_not_open', 'Only open sessions can be expired.');
      Object.assign(session, { status: 'expired' });
      cancelIntent(String(session['payment_intent']));
      emit('checkout.session.expired', session);
      return session;
    },
    /** Somebody gives money back in the dashboard: with none of our metadata. */
    refundInDashboard: (id: string, amount: number): StripeObject =>
      createRefund({ payment_intent: id, amount: String(amount) }),
    /** The customer's bank disputes a charge: the money is withdrawn until that is decided. */
    dispute(id: string, amount: number, reason = 'fraudulent'): StripeDispute {
      const intent = intentOf(id);
      const made: StripeDispute = {
        id: newId('du'), object: 'dispute', payment_intent: id, charge: newId('ch'), amount, currency: intent.currency, status: 'needs_response', reason, created: now(),
        evidence_details: { due_by: now() + 7 * 86_400, has_evidence: false, past_due: false, submission_count: 0 }, balance_transactions: [],
      }; // prettier-ignore
      disputes.set(made.id, made);
      emit('charge.dispute.created', made);
      const { balance_transactions: _, ...source } = made;
      made.balance_transactions.push({ amount: Number(moved('adjustment', source, -amount)['amount']) });
      emit('charge.dispute.funds_withdrawn', made);
      return made;
    },
    /** The bank has decided; one that was lost may be won on appeal. */
    closeDispute(id: string, as: 'won' | 'lost'): void {
      const made = disputes.get(id);
      if (!made) throw missing(id);
      made.status = as;
      emit('charge.dispute.closed', made);
      if (as === 'lost') return;
      const { balance_transactions: _, ...source } = made;
      made.balance_transactions.push({ amount: Number(moved('adjustment', source, made.amount)['amount']) });
      emit('charge.dispute.funds_reinstated', made);
    },
    setRefunds: (mode: typeof refundMode) => {
      refundMode = mode;
    },
    settleRefund(id: string, as: 'succeeded' | 'failed'): void {
      const made = refunds.get(id);
      if (!made) throw missing(id);
      Object.assign(made, { status: as, failure_reason: as === 'failed' ? 'expired_or_canceled_card' : null });
      emit(as === 'failed' ? 'refund.failed' : 'refund.updated', made);
    },
    /** The customer, with a card, in Elements or on the checkout page. True when the money moved or is held. */
    pay(id: string, card: 'pays' | 'declines' | 'processes'): boolean {
      const intent = intentOf(id.startsWith('cs_') ? String(sessionOf(id)['payment_intent']) : id);
      if (intent.status !== 'requires_payment_method') return false;
      if (card === 'declines') {
        intent.last_payment_error = { code: 'card_declined', message: 'Your card was declined.' };
        emit('payment_intent.payment_failed', intent);
        return false;
      }
      if (card === 'processes') {
        intent.status = 'processing';
        emit('payment_intent.processing', intent);
        return true;
      }
      take(intent);
      return true;
    },
    /** A payment that was processing comes to its end. */
    finish(id: string, as: 'succeeded' | 'failed'): void {
      const intent = intentOf(id);
      if (as === 'succeeded') return take(intent);
      Object.assign(intent, { status: 'requires_payment_method', last_payment_error: { code: 'debit_not_authorized', message: 'The debit was refused.' } }); // prettier-ignore
      emit('payment_intent.payment_failed', intent);
    },
  };
}

export type StripeBooks = ReturnType<typeof stripeBooks>;
