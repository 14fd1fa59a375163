import { createHash } from 'node:crypto';
import type { PaymentEvent } from './payment.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';

/**
 * AVAILABLE and HELD are a customer's wallet: what can be spent, and what is set aside for an order in flight. The others are
 * the house's: SALES has what wallets paid for orders, CREDITS what staff gave, TOP_UPS what customers paid in from outside,
 * LOSSES what a bank took back of a top-up that was spent already.
 */
export type AccountKind = 'AVAILABLE' | 'HELD' | 'SALES' | 'CREDITS' | 'TOP_UPS' | 'LOSSES';

/** An account, by what makes it one of a kind. A house account's owner is one of its shards. */
export type Account = { readonly kind: AccountKind; readonly ownerId: string; readonly currency: string };

/** What a transfer does to one account, in minor units of its currency; negative takes away. */
export type Move = { readonly account: Account; readonly amountMinor: bigint };

/** A transfer of the ledger: its moves sum to zero. `reference` is unique for ever: what it stands for happens once. */
export type Transfer = {
  readonly reference: string;
  /** In words, for the wallet's owner. */
  readonly reason: string;
  readonly paymentId: string | null;
  readonly orderId: string | null;
  readonly moves: readonly Move[];
};

/** Rows that each house account is spread over, so that customers who pay at once don't queue for one row. */
export const houseShards = 16;

export const isCustomers = (kind: AccountKind): boolean => kind === 'AVAILABLE' || kind === 'HELD';

/** The account's id: derived, so that it needs no look-up, and two who open the same account open one. */
export const accountId = ({ kind, ownerId, currency }: Account): string =>
  idFromBytes(createHash('sha256').update(`${kind}\n${ownerId}\n${currency}`).digest().subarray(0, 16));

/** A customer's wallet is known by its AVAILABLE account. */
export const walletId = (ownerId: string, currency: string): string =>
  accountId({ kind: 'AVAILABLE', ownerId, currency });

/** Id of the shard of every house account that serves this customer: bytes 0 to 14 are zero. */
export function shardOf(customerId: string): string {
  const shard = Buffer.alloc(16);
  shard[15] = (idToBytes(customerId)[15] ?? 0) % houseShards;
  return idFromBytes(shard);
}

type Wallet = { readonly ownerId: string; readonly currency: string };

/** Moves `amountMinor` from one account of this customer, or of the house, to another. */
export const between = (
  wallet: Wallet,
  path: { readonly from: AccountKind; readonly to: AccountKind },
  amountMinor: bigint,
): readonly Move[] => {
  const account = (kind: AccountKind): Account => ({
    kind,
    ownerId: isCustomers(kind) ? wallet.ownerId : shardOf(wallet.ownerId),
    currency: wallet.currency,
  });
  return [
    { account: account(path.from), amountMinor: -amountMinor },
    { account: account(path.to), amountMinor },
  ];
};

/** Throws a RangeError for a transfer that makes or loses money, or moves an account twice: the caller has a bug. */
export function checkTransfer({ reference, moves }: Transfer): void {
  if (moves.length < 2) throw new RangeError(`transfer ${reference} has no two sides`);
  if (moves.reduce((sum, { amountMinor }) => sum + amountMinor, 0n) !== 0n)
    throw new RangeError(`transfer ${reference} does not sum to zero`);
  if (moves.some(({ amountMinor }) => amountMinor === 0n))
    throw new RangeError(`transfer ${reference} has an empty side`);
  if (new Set(moves.map(({ account }) => account.currency)).size !== 1)
    throw new RangeError(`transfer ${reference} has two currencies`);
  if (new Set(moves.map(({ account }) => accountId(account))).size !== moves.length)
    throw new RangeError(`transfer ${reference} moves an account twice`);
}

type WalletPayment = {
  readonly id: string;
  readonly number: string;
  readonly orderId: string;
  readonly customerId: string;
  readonly currency: string;
  readonly state: string;
  readonly amountMinor: bigint;
};

/**
 * What an event of a payment by wallet moves, null for nothing; `payment` is as it was before it. So the ledger can't say
 * otherwise than the payment's journal. `refundId` names the refund that the event is about.
 */
export function walletTransfer(payment: WalletPayment, event: PaymentEvent, refundId: string | null): Transfer | null {
  const wallet = { ownerId: payment.customerId, currency: payment.currency };
  const transfer = (what: string, from: AccountKind, to: AccountKind, amountMinor: bigint): Transfer => ({
    reference: `${what}:${what === 'refund' ? refundId : payment.id}`,
    reason: `Payment ${payment.number}`,
    paymentId: payment.id,
    orderId: payment.orderId,
    moves: between(wallet, { from, to }, amountMinor),
  });
  const isHeld = payment.state === 'AUTHORIZED';
  switch (event.type) {
    case 'PaymentAuthorized':
      return transfer('hold', 'AVAILABLE', 'HELD', event.amountMinor);
    case 'PaymentSettled':
      return isHeld
        ? transfer('capture', 'HELD', 'SALES', event.amountMinor)
        : transfer('charge', 'AVAILABLE', 'SALES', event.amountMinor);
    case 'PaymentCancelled':
    case 'PaymentExpired':
      return isHeld ? transfer('release', 'HELD', 'AVAILABLE', payment.amountMinor) : null;
    case 'RefundSucceeded':
      if (refundId === null) throw new Error(`a refund of ${payment.number} without its id`);
      return transfer('refund', 'SALES', 'AVAILABLE', event.amountMinor);
    default:
      return null;
  }
}

/** Reference of the transfer that credits a top-up order: there is one such transfer, or none yet. */
export const topUpReference = (orderId: string): string => `topup:${orderId}`;

/**
 * What a refund that staff ask for moves of a top-up that was credited: the money leaves the wallet before it leaves us, and
 * comes back there when the provider will not have it. Null for everything else.
 */
export function topUpTransfer(
  payment: WalletPayment & { readonly version: number },
  event: PaymentEvent,
  refundId: string | null,
): Transfer | null {
  if (refundId === null || (event.type !== 'RefundRequested' && event.type !== 'RefundFailed')) return null;
  const [from, to]: [AccountKind, AccountKind] =
    event.type === 'RefundRequested' ? ['AVAILABLE', 'TOP_UPS'] : ['TOP_UPS', 'AVAILABLE'];
  const wallet = { ownerId: payment.customerId, currency: payment.currency };
  return {
    reference: `topup-refund:${refundId}:${payment.version}`,
    reason: `Payment ${payment.number}`,
    paymentId: payment.id,
    orderId: payment.orderId,
    moves: between(wallet, { from, to }, event.amountMinor),
  };
}

/**
 * What money that a provider or a bank took back of a top-up moves: as much as is in the wallet, the rest is the house's
 * loss. Given back, it goes where it was taken from: `taken` says what that was.
 */
export function takenTopUpTransfer(
  payment: WalletPayment & { readonly version: number },
  event: PaymentEvent,
  refundId: string,
  taken: { readonly walletMinor: bigint; readonly lossMinor: bigint },
): Transfer | null {
  if (event.type !== 'RefundRequested' && event.type !== 'RefundFailed') return null;
  const wallet = { ownerId: payment.customerId, currency: payment.currency };
  const sign = event.type === 'RefundRequested' ? 1n : -1n;
  const move = (kind: AccountKind, amountMinor: bigint): Move => ({
    account: { kind, ownerId: isCustomers(kind) ? wallet.ownerId : shardOf(wallet.ownerId), currency: wallet.currency },
    amountMinor: sign * amountMinor,
  });
  return {
    reference: `topup-refund:${refundId}:${payment.version}`,
    reason: `Payment ${payment.number}`,
    paymentId: payment.id,
    orderId: payment.orderId,
    moves: [
      move('AVAILABLE', -taken.walletMinor),
      move('LOSSES', -taken.lossMinor),
      move('TOP_UPS', taken.walletMinor + taken.lossMinor),
    ].filter(({ amountMinor }) => amountMinor !== 0n),
  };
}
