import type { Headers } from '../../shared/auth/caller-headers.ts';
import { decimalText } from '../../shared/values/currencies.ts';
import type { Money } from '../../shared/values/money.ts';
import type { RawResponse } from '../../shared/calls/link.ts';
import type { ProviderFact } from '../domain/payment.ts';
import type { SignatureCode } from '../domain/signature.ts';

/** A provider's intent to collect money, in our words. */
export type Intent = {
  readonly id: string;
  /** The provider's own word for its state. */
  readonly status: string;
  /** What it says about the attempt; null while the customer has not decided. */
  readonly fact: ProviderFact | null;
  /** The provider's kind of checkout, at most 16 characters. */
  readonly tradeType: string;
  /** The page where the customer pays; null where the shop's own page does it with `clientParams`. */
  readonly redirectUrl: string | null;
  readonly clientParams: Readonly<Record<string, string | number>>;
};

export type ProviderRefund = {
  readonly id: string;
  readonly result: 'succeeded' | 'failed' | 'pending';
  /** The provider's code and words for why it failed. */
  readonly code?: string;
  readonly failure?: string;
};

/**
 * A customer's bank takes money back, or wants to. One that was LOST can still be WON, on appeal. The amount is the bank's: it
 * may be more than was paid, or in another currency.
 */
export type ProviderDispute = {
  readonly id: string;
  readonly state: 'OPEN' | 'WON' | 'LOST';
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly reason: string | null;
  readonly evidenceDueBy: Date | null;
  readonly openedAt: Date | null;
};

/** An authentic message of a provider, in our words. `about` is null for one that is not used. */
export type ProviderEvent = {
  readonly id: string;
  readonly type: string;
  /** When the provider made it, where it says so. */
  readonly createdAt?: Date | undefined;
  readonly about:
    | {
        readonly kind: 'attempt';
        /** Null where the attempt's id alone says which one it is. */
        readonly intentId: string | null;
        readonly attemptId: string | null;
        readonly fact: ProviderFact;
      }
    | {
        readonly kind: 'refund';
        readonly refundKey: string | null;
        readonly refund: ProviderRefund;
        /** Of a refund that was not asked for here: of which payment, and how much. */
        readonly intentId?: string | null;
        readonly amountMinor?: bigint | undefined;
        readonly currency?: string | undefined;
        /** Instead of `amountMinor`: all that has gone back of the payment by now. */
        readonly totalMinor?: bigint | undefined;
      }
    | {
        readonly kind: 'instrument';
        readonly intentId: string | null;
        readonly attemptId: string | null;
        readonly instrument: string;
      }
    | {
        readonly kind: 'dispute';
        readonly intentId: string | null;
        readonly attemptId: string | null;
        readonly dispute: ProviderDispute;
      }
    | null;
};

/** An attempt whose intent the provider knows. `amount` is what it was made for. */
export type KnownAttempt = {
  readonly id: string;
  readonly intentId: string;
  readonly orderId: string;
  readonly amount: Money;
};

/** One try of a refund. `providerRefundId` is null until the provider has named it. */
export type RefundRequest = {
  readonly key: string;
  readonly providerRefundId: string | null;
  readonly attempt: KnownAttempt;
  readonly amount: Money;
  readonly reason: string;
};

/** What moved by a line of a statement: a payment, a refund, what a dispute took, and what it gave back when it was won. */
export const movementKinds = ['charge', 'refund', 'dispute', 'reversal'] as const;
export type MovementKind = (typeof movementKinds)[number];

/** A line of a provider's statement: money that came in or went back. */
export type StatementLine = {
  readonly kind: MovementKind;
  /** As in our attempt's `providerTransactionId`, our refund's `providerRefundId`, or our dispute's `providerDisputeId`. */
  readonly providerTransactionId: string;
  /** What the provider was given as our name of it: an attempt's id, or a refund's key. Null where it does not say. */
  readonly ourReference: string | null;
  readonly amount: Money;
  readonly at: Date;
};

/** A provider's books, told apart from its webhooks. */
export type ProviderStatement = {
  /** Its days begin at midnight of this offset, e.g. 480 for China. */
  readonly utcOffsetMinutes: number;
  /** How long after the end of a day its lines are there, all at once. Undefined: each is there when it has moved. */
  readonly readyAfterMs?: number;
  /**
   * The lines whose `at` is within `[from, to)`, in any order; those that the provider has not closed yet may be missing.
   * Rejects with ProviderUnreachable when it does not answer.
   */
  lines(period: { from: Date; to: Date }): AsyncIterable<StatementLine>;
};

/** What a provider takes of a currency, in minor units of ISO 4217. Parts that go back or are captured are multiples of `stepMinor` too. */
export type AmountLimits = { readonly minMinor: bigint; readonly maxMinor: bigint; readonly stepMinor: bigint };

/** Another company's payment service, spoken to over its own API. Every method rejects with ProviderUnreachable or ProviderRefused. */
export type PaymentProvider = {
  /** As in `/webhooks/:provider`. */
  readonly name: string;
  /** True: people do what it does. Staff say that money came (`capture`) or went back; it has no webhooks. */
  readonly offline?: boolean;
  /** It can take money from one person within a mini program, by the identity (WX_MINI) of this issuer. Undefined: it can't. */
  readonly payerIssuer?: string;
  /** What it takes of a currency of ISO 4217; null for one that it does not take. Undefined: whatever it is asked for. */
  readonly limits?: (currency: string) => AmountLimits | null;
  /**
   * How long an order waits past its deadline for a payment that has come so far there (decision 75). Without one it is
   * closed at its deadline, and what comes later goes back.
   */
  readonly patienceMs?: Partial<Record<AwaitedState, number>>;
  /** Creates the attempt's intent, or finds it: the attempt's id is its idempotency key. */
  createIntent(attempt: {
    id: string;
    number: string;
    amount: Money;
    orderId: string;
    paymentId: string;
    returnUrl: string | null;
    /** Who pays, as the provider knows them: nobody else can. Null: whoever comes. Only asked of a provider with `payerIssuer`. */
    payer: string | null;
    /** `manual`: the money is held until `capture`. Only asked of a provider that has that. */
    capture: 'automatic' | 'manual';
  }): Promise<Intent>;
  getIntent(attempt: KnownAttempt): Promise<Intent>;
  /** Calls an intent off; answers with how it ended, which is `succeeded` when the customer was faster. */
  cancelIntent(attempt: KnownAttempt): Promise<Intent>;
  /**
   * Takes held money, at most once; what is over is let go. Taking the same again is a success. Undefined: it can't hold any.
   */
  capture?(attempt: KnownAttempt, amount: Money): Promise<Intent>;
  /** Refunds, or finds the refund and says what became of it: `key` is its idempotency key. */
  refund(refund: RefundRequest): Promise<ProviderRefund>;
  /** Why the signature of a webhook is not good; null when it is. */
  checkSignature(headers: Headers, body: Buffer, now: Date): SignatureCode | null;
  /** Reads a webhook's body; null when it can't be read. */
  readEvent(body: Buffer): ProviderEvent | null;
  /** What a webhook is answered with, for our status. Undefined: `{ "code": … }`. */
  webhookAnswer?(status: number): RawResponse;
  /** Asks for something that changes nothing and may not be there. Undefined: it has no one to ask. */
  probe?(): Promise<unknown>;
  /** Undefined: it has none, and its payments are not reconciled. */
  readonly statement?: ProviderStatement | undefined;
  close(): Promise<void>;
};

/** States of a payment in which its customer has done all that they can. OPEN: where money takes days and people tell of it. */
export type AwaitedState = 'OPEN' | 'PROCESSING' | 'AUTHORIZED';

type Limited = Pick<PaymentProvider, 'limits'>;

/** True when a payment in this currency can be made there. */
export const takesCurrency = ({ limits }: Limited, currency: string): boolean => limits?.(currency) !== null;

/** Why a payment of this amount, in a currency that it takes, can't be made there; null when it can. */
export function amountRefusal(provider: Limited, { amount, currency }: Money): string | null {
  const limits = provider.limits?.(currency);
  if (!limits) return null;
  const shown = (minor: bigint): string =>
    decimalText(minor, currency).replaceAll(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
  if (amount < limits.minMinor) return `It takes at least ${shown(limits.minMinor)} ${currency}.`;
  if (amount > limits.maxMinor) return `It takes at most ${shown(limits.maxMinor)} ${currency}.`;
  return stepRefusal(provider, { amount, currency });
}

/** Why a part of a payment, given back or captured, can't be so much there; null when it can. */
export function stepRefusal({ limits }: Limited, { amount, currency }: Money): string | null {
  const step = limits?.(currency)?.stepMinor ?? 1n;
  return amount % step === 0n ? null : `Amounts in ${currency} are multiples of ${decimalText(step, currency)} there.`;
}

/** The provider did not answer in time or not with sense: whether it acted is not known. Ask again. */
export class ProviderUnreachable extends Error {
  override readonly name = 'ProviderUnreachable';
}

/** The provider says no, and would again. */
export class ProviderRefused extends Error {
  override readonly name = 'ProviderRefused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
