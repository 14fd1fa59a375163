/**
 * How many digits the minor unit of each currency has: ISO 4217, list one (published 2024-06-25, and XCG of 2025-03-31). Never
 * `Intl`'s: its table follows usage, says 0 for HUF or COP, and differs between browsers. Server and pages share this table.
 * Funds codes (CLF, UYW, …) are listed there as well. What has no minor unit is no currency here: metals, XDR, XTS, XXX.
 *
 * @see https://www.six-group.com/en/products-services/financial-information/data-standards.html
 */
const codesByDigits: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC
    CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
    KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN
    PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS
    UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};
/** Left the list lately. Books still hold them, and money in them can still be owed. */
const withdrawn = 'ANG BGN CUC';

const split = (codes: string): string[] => codes.trim().split(/\s+/);

const digitsByCode: ReadonlyMap<string, number> = new Map([
  ...Object.entries(codesByDigits).flatMap(([digits, codes]) =>
    split(codes).map((code): [string, number] => [code, Number(digits)]),
  ),
  ...split(withdrawn).map((code): [string, number] => [code, 2]),
]);

/** Every currency that money can be in, by its code of three capitals. */
export const currencyCodes: readonly string[] = [...digitsByCode.keys()].toSorted();

/** True for a currency of ISO 4217 that has a minor unit, spelled in capitals. */
export const isCurrency = (code: string): boolean => digitsByCode.has(code);

/** Digits of a currency's minor unit: 2 for EUR and HUF, 0 for JPY, 3 for KWD. 2 for a code that is no currency. */
export const minorDigits = (currency: string): number => digitsByCode.get(currency) ?? 2;

/** Minor units as a decimal number in text, exactly: `decimalText(199900, 'HUF')` is `1999.00`. */
export function decimalText(amountMinor: number | bigint, currency: string): string {
  const digits = minorDigits(currency);
  const minor = BigInt(amountMinor);
  const text = String(minor < 0n ? -minor : minor).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  return `${minor < 0n ? '-' : ''}${whole}${digits === 0 ? '' : `.${text.slice(-digits)}`}`;
}

/**
 * What a person typed, in minor units: `minorFromDecimal('1000', 'HUF')` is 100000. Null for what is no positive decimal
 * number, has more digits than the currency, or is beyond 2^53 − 1 minor units.
 */
export function minorFromDecimal(typed: string, currency: string): number | null {
  const [, whole, fraction = ''] = /^(\d{1,16})(?:\.(\d{0,16}))?$/.exec(typed.trim()) ?? [];
  const digits = minorDigits(currency);
  if (whole === undefined || fraction.length > digits) return null;
  const minor = BigInt(whole + fraction.padEnd(digits, '0'));
  return minor > 0n && minor <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(minor) : null;
}
