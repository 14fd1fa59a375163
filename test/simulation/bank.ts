import type { ProviderFact } from '../../subgraphs/payment/domain/payment.ts';
import {
  type Intent,
  type PaymentProvider,
  type ProviderEvent,
  ProviderRefused,
  type ProviderRefund,
  ProviderUnreachable,
} from '../../subgraphs/payment/providers/provider.ts';
import type { Process, Scheduler } from './schedule.ts';

type BankIntent = {
  readonly id: string;
  readonly attemptId: string;
  readonly orderId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  status: 'open' | 'declined' | 'succeeded' | 'canceled';
  paidAt: Date | undefined;
};
type BankRefund = {
  readonly key: string;
  readonly intentId: string;
  readonly amountMinor: bigint;
  status: 'pending' | 'succeeded';
};

/** Another company with books of its own: what it took and gave back is what the platform is measured by. */
export class Bank {
  readonly intents = new Map<string, BankIntent>();
  readonly refunds = new Map<string, BankRefund>();
  readonly #scheduler: Scheduler;
  #events = 0;
  /** Called with the body of each event that is to be delivered. */
  onEvent: (body: string) => void = () => undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** What the order was charged, how often, and what went back. */
  moneyOf(orderId: string): { charges: number; takenMinor: bigint; refundedMinor: bigint } {
    let [charges, takenMinor, refundedMinor] = [0, 0n, 0n];
    for (const intent of this.intents.values()) {
      if (intent.orderId !== orderId || intent.status !== 'succeeded') continue;
      charges += 1;
      takenMinor += intent.amountMinor;
      for (const refund of this.refunds.values())
        if (refund.intentId === intent.id && refund.status === 'succeeded') refundedMinor += refund.amountMinor;
    }
    return { charges, takenMinor, refundedMinor };
  }

  /** The customer's card at the bank's own page. Tells whether it was charged. */
  confirm(intentId: string, card: 'pays' | 'is declined'): boolean {
    const intent = this.intents.get(intentId);
    if (!intent || intent.status === 'canceled' || intent.status === 'succeeded') return intent?.status === 'succeeded';
    intent.status = card === 'pays' ? 'succeeded' : 'declined';
    if (card === 'pays') intent.paidAt = new Date(this.#scheduler.nowMs);
    this.#tellIntent(intent);
    return card === 'pays';
  }

  /** What a process of the platform has of it; each call is a step whose answer may be lost. */
  connect(process: Process): PaymentProvider {
    const call = async <T>(name: string, work: () => T): Promise<T> => {
      try {
        return await this.#scheduler.step(process, `bank ${name}`, work, () => undefined);
      } catch (error) {
        if (error instanceof ProviderRefused) throw error;
        throw new ProviderUnreachable(`bank: ${(error as Error).message}`, { cause: error });
      }
    };
    return {
      name: 'simulated',
      createIntent: (attempt) => call('create', () => this.#show(this.#create(attempt))),
      getIntent: ({ intentId }) => call('get', () => this.#show(this.#find(intentId))),
      cancelIntent: ({ intentId }) => call('cancel', () => this.#show(this.#cancel(intentId))),
      refund: ({ key, attempt, amount }) => call('refund', () => this.#refund(key, attempt.intentId, amount.amount)),
      checkSignature: () => null,
      readEvent: (body) => readEvent(body.toString('utf8')),
      close: () => Promise.resolve(),
    };
  }

  #create(attempt: { id: string; orderId: string; amount: { amount: bigint; currency: string } }): BankIntent {
    const id = `pi_${attempt.id}`;
    const known = this.intents.get(id);
    if (known) return known;
    const { amount: amountMinor, currency } = attempt.amount;
    const intent: BankIntent = {
      id,
      attemptId: attempt.id,
      orderId: attempt.orderId,
      amountMinor,
      currency,
      status: 'open',
      paidAt: undefined,
    };
    this.intents.set(id, intent);
    return intent;
  }

  #find(id: string): BankIntent {
    const intent = this.intents.get(id);
    if (!intent) throw new ProviderRefused('not_found', 'no such intent');
    return intent;
  }

  #cancel(id: string): BankIntent {
    const intent = this.#find(id);
    if (intent.status === 'succeeded' || intent.status === 'canceled') return intent;
    intent.status = 'canceled';
    this.#tellIntent(intent);
    return intent;
  }

  #refund(key: string, intentId: string, amountMinor: bigint): ProviderRefund {
    const known = this.refunds.get(key);
    if (known) return { id: `re_${key}`, result: known.status };
    const intent = this.#find(intentId);
    let left = intent.status === 'succeeded' ? intent.amountMinor : 0n;
    for (const refund of this.refunds.values()) if (refund.intentId === intentId) left -= refund.amountMinor;
    if (amountMinor > left) throw new ProviderRefused('charge_already_refunded', 'more than is left');
    const refund: BankRefund = { key, intentId, amountMinor, status: this.#scheduler.random.chance(0.3) ? 'pending' : 'succeeded' }; // prettier-ignore
    this.refunds.set(key, refund);
    if (refund.status === 'pending') {
      refund.status = 'succeeded';
      this.#tell('refund.updated', {
        kind: 'refund',
        refundKey: key,
        refund: { id: `re_${key}`, result: 'succeeded' },
      });
      return { id: `re_${key}`, result: 'pending' };
    }
    return { id: `re_${key}`, result: refund.status };
  }

  #show(intent: BankIntent): Intent {
    return {
      id: intent.id,
      status: intent.status,
      fact: factOf(intent),
      tradeType: 'card',
      redirectUrl: null,
      clientParams: {},
    };
  }

  #tellIntent(intent: BankIntent): void {
    const fact = factOf(intent);
    if (fact)
      this.#tell(`intent.${intent.status}`, {
        kind: 'attempt',
        intentId: intent.id,
        attemptId: intent.attemptId,
        fact,
      });
  }

  #tell(type: string, about: ProviderEvent['about']): void {
    const id = `evt_${(this.#events += 1)}`;
    const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? { minor: String(value) } : value);
    this.onEvent(JSON.stringify({ id, type, about }, plain));
  }
}

function factOf({ status, amountMinor, currency, paidAt: at }: BankIntent): ProviderFact | null {
  switch (status) {
    case 'open':
      return null;
    case 'declined':
      return { type: 'failed', code: 'card_declined', message: 'The card was declined.' };
    case 'succeeded':
      return { type: 'succeeded', amountMinor, currency, at };
    case 'canceled':
      return { type: 'canceled' };
  }
}

const readEvent = (body: string): ProviderEvent =>
  JSON.parse(body, (key, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'minor' in value) return BigInt(String(value.minor));
    return key === 'at' ? new Date(String(value)) : value;
  }) as ProviderEvent;
