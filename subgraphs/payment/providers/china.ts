import { decimalText } from '../../shared/values/currencies.ts';
import { idFromBytes } from '../../shared/values/ids.ts';

// What the mainland APIs of Alipay and WeChat Pay have in common.

/** They know one currency, and tell some of their times in China's. */
export const chinaCurrency = 'CNY';
export const chinaOffsetMinutes = 480;
const chinaOffsetMs = chinaOffsetMinutes * 60_000;
/** How long after an attempt was made it can be paid. */
const attemptLifetimeMs = 2 * 3_600_000;

/** Yuan with two decimals, e.g. `12.34` for 1234 minor units. */
export const toYuan = (amountMinor: bigint): string => decimalText(amountMinor, chinaCurrency);

/** Minor units of yuan with up to two decimals; null for any other text. */
export function fromYuan(text: string): bigint | null {
  const [, yuan, fen = ''] = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  return yuan === undefined ? null : BigInt(yuan + fen.padEnd(2, '0'));
}

/** A time as `2026-11-21 21:46:00`, China's. */
export const toChinaTime = (at: Date): string =>
  new Date(at.getTime() + chinaOffsetMs).toISOString().slice(0, 19).replace('T', ' ');

/** Null for a text that is no such time. */
export function fromChinaTime(text: string): Date | null {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?$/.test(text)) return null;
  const at = new Date(`${text.replace(' ', 'T')}+08:00`);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** Our name of a trade there, of 32 letters and digits: the attempt's id. */
export const tradeNumberOf = (attemptId: string): string => attemptId.replaceAll('-', '');

/** The attempt of a trade there; null for a trade that was not made here. */
export const attemptIdOf = (tradeNumber: string): string | null =>
  /^[0-9a-f]{32}$/.test(tradeNumber) ? idFromBytes(Buffer.from(tradeNumber, 'hex')) : null;

/** Until when an attempt can be paid: by the time in its id (UUIDv7), so that every request for it says the same. */
export const attemptEnd = (attemptId: string): Date =>
  new Date(Number.parseInt(tradeNumberOf(attemptId).slice(0, 12), 16) + attemptLifetimeMs);
