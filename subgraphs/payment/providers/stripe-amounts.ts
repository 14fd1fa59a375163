import { minorDigits } from '../../shared/values/currencies.ts';
import type { Money } from '../../shared/values/money.ts';
import type { AmountLimits } from './provider.ts';

/**
 * Currencies in which Stripe charges cards. GHS, IQD, LYD and others are not among them.
 *
 * @see https://docs.stripe.com/currencies#presentment-currencies
 */
const presentment: ReadonlySet<string> = new Set(
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE CZK
   DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF
   KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN
   PGK PHP PKR PLN PYG QAR RON RSD RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU
   UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW`.split(/\s+/),
);

/**
 * Digits of Stripe's amounts where they are not those of ISO 4217: ISK and UGX have none and are still told with two, which
 * are 00; MGA, which has two in ISO's list, is told without. HUF and TWD differ for payouts only, which we don't make.
 *
 * @see https://docs.stripe.com/currencies#special-cases and #zero-decimal
 */
const otherDigits: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/**
 * Smallest charges by their currency, in Stripe's amounts. Where none is told, and where the account is in another currency, Stripe
 * converts its minimum at its rate of the day: then only Stripe can say.
 *
 * @see https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const smallest: Readonly<Record<string, number>> = {
  AED: 200, ARS: 50, AUD: 50, BRL: 50, CAD: 50, CHF: 50, COP: 50, CZK: 1_500, DKK: 250, EUR: 50, GBP: 30, HKD: 400, HUF: 17_500,
  IDR: 50, ILS: 50, INR: 50, JPY: 50, KRW: 50, MXN: 1_000, MYR: 200, NOK: 300, NZD: 50, PHP: 50, PLN: 200, RON: 200, SEK: 300,
  SGD: 50, THB: 1_000, USD: 50, ZAR: 50,
}; // prettier-ignore
/**
 * Digits of the largest amounts that every way of paying takes; eight where none is told. Of cards Stripe takes more by its guide,
 * and eight by the reference of its API, so more is not promised.
 */
const largestDigits: Readonly<Record<string, number>> = { IDR: 12, COP: 10, INR: 9 };
const largest = (currency: string): bigint => 10n ** BigInt(largestDigits[currency] ?? 8) - 1n;
/** Of three digits the last one is 0. @see https://docs.stripe.com/currencies#three-decimal */
const threeDigitStep = 10n;

/** Stripe's digits minus ISO's: by so many powers of ten its amounts differ from ours. */
const shiftOf = (currency: string): number => (otherDigits[currency] ?? minorDigits(currency)) - minorDigits(currency);

/** What Stripe takes of a currency, in minor units of ISO 4217; null for one in which it charges nothing. */
export function stripeLimits(currency: string): AmountLimits | null {
  if (!presentment.has(currency)) return null;
  const shift = shiftOf(currency);
  const ours = (amount: bigint): bigint => (shift > 0 ? amount / 10n ** BigInt(shift) : amount * 10n ** BigInt(-shift));
  const stepMinor = minorDigits(currency) === 3 ? threeDigitStep : shift < 0 ? ours(1n) : 1n;
  return { minMinor: ours(BigInt(smallest[currency] ?? 1)), maxMinor: ours(largest(currency)), stepMinor };
}

/** Our amount as Stripe counts it. Throws a RangeError for one that it has no number for: `stripeLimits` says which. */
export function toStripeAmount({ amount, currency }: Money): number {
  const shift = shiftOf(currency);
  if (shift >= 0) return Number(amount * 10n ** BigInt(shift));
  const unit = 10n ** BigInt(-shift);
  if (amount % unit !== 0n) throw new RangeError(`Stripe counts no fractions of ${currency}`);
  return Number(amount / unit);
}

/** Stripe's amount, its currency in either case, as ours. Throws a RangeError for one that is no whole minor unit. */
export function fromStripeAmount(amount: number, currencyInAnyCase: string): Money {
  const currency = currencyInAnyCase.toUpperCase();
  const shift = shiftOf(currency);
  if (shift <= 0) return { amount: BigInt(amount) * 10n ** BigInt(-shift), currency };
  const unit = 10n ** BigInt(shift);
  if (BigInt(amount) % unit !== 0n) throw new RangeError(`Stripe tells a fraction of ${currency}`);
  return { amount: BigInt(amount) / unit, currency };
}
