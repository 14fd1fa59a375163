import type { Money } from '../../shared/values/money.ts';

/** How a provider's statement and our ledger may differ over one movement of money. */
export type DifferenceKind = 'MISSING_HERE' | 'MISSING_AT_PROVIDER' | 'AMOUNT_MISMATCH';
/** `[from, to)`. */
export type Period = { readonly from: Date; readonly to: Date };

const dayMs = 86_400_000;
/** Days whose reports are made anew: when asked for, and by the job while they have differences. */
export const openDays = 7;

/** The period of a day `YYYY-MM-DD` by a clock that is `utcOffsetMinutes` ahead of UTC; null for anything that is no day. */
export function periodOf(day: string, utcOffsetMinutes: number): Period | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const midnight = new Date(`${day}T00:00:00.000Z`);
  // 2026-02-30 would be read as a day of March.
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return null;
  const fromMs = midnight.getTime() - utcOffsetMinutes * 60_000;
  return { from: new Date(fromMs), to: new Date(fromMs + dayMs) };
}

/** The last `count` days that have ended at `now` by that clock, newest first. */
export function endedDays(now: Date, utcOffsetMinutes: number, count: number): string[] {
  const localMs = now.getTime() + utcOffsetMinutes * 60_000;
  return Array.from({ length: count }, (_, index) =>
    new Date(localMs - (index + 1) * dayMs).toISOString().slice(0, 10),
  );
}

/** When a day is to be reconciled: at the first full `hour` (UTC) at or after its end. */
export function dueAt(period: Period, hour: number): Date {
  const sameDay = Date.UTC(period.to.getUTCFullYear(), period.to.getUTCMonth(), period.to.getUTCDate(), hour);
  return new Date(sameDay >= period.to.getTime() ? sameDay : sameDay + dayMs);
}

/** What is wrong with a line of a statement; null when our ledger says the same. `done`: the money has moved by our ledger. */
export function compareLine(
  line: { readonly amount: Money },
  ours: { readonly amount: Money; readonly done: boolean } | null,
): Exclude<DifferenceKind, 'MISSING_AT_PROVIDER'> | null {
  if (ours && (ours.amount.amount !== line.amount.amount || ours.amount.currency !== line.amount.currency)) return 'AMOUNT_MISMATCH'; // prettier-ignore
  return ours?.done ? null : 'MISSING_HERE';
}
