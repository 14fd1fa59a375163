/** The largest amount that goes through JSON unharmed: 2^53 − 1 minor units. */
export const maxAmountMinor = BigInt(Number.MAX_SAFE_INTEGER);

/** An amount in minor units (cents, pence, yen) with its ISO 4217 code. Never a float. */
export type Money = { readonly amount: bigint; readonly currency: string };

/** The API's `Money`: the amount is a JSON number, safe by construction. */
export type MoneyJson = { readonly amount: number; readonly currency: string };

export const money = (amount: bigint, currency: string): Money => ({ amount, currency });

/** `left + right`. Throws a RangeError for different currencies or beyond ±(2^53 − 1). */
export function add(left: Money, right: Money): Money {
  if (left.currency !== right.currency) throw new RangeError(`can't add ${right.currency} to ${left.currency}`);
  return checked(left.amount + right.amount, left.currency);
}

/** `left − right`. Throws like `add`. */
export const subtract = (left: Money, right: Money): Money =>
  add(left, { amount: -right.amount, currency: right.currency });

/** `unit × quantity`. Throws a RangeError beyond ±(2^53 − 1) or for a quantity that is no integer. */
export const multiply = (unit: Money, quantity: number): Money =>
  checked(unit.amount * BigInt(quantity), unit.currency);

/** The sum, zero of `currency` for none. Throws like `add`. */
export const sum = (amounts: readonly Money[], currency: string): Money => amounts.reduce(add, money(0n, currency));

/** For the API. */
export const moneyToJson = (value: Money): MoneyJson => ({ amount: Number(value.amount), currency: value.currency });

/** From the API: a `SafeInt` and a code. Throws a RangeError for anything that is not a safe integer. */
export function moneyFromJson(value: MoneyJson): Money {
  if (!Number.isSafeInteger(value.amount))
    throw new RangeError('an amount is an integer of at most 2^53 − 1 minor units');
  return { amount: BigInt(value.amount), currency: value.currency };
}

function checked(amount: bigint, currency: string): Money {
  if (amount > maxAmountMinor || amount < -maxAmountMinor) throw new RangeError('amount beyond 2^53 − 1 minor units');
  return { amount, currency };
}
