import { addDays, datesBetween, daysBetween, isLocalDate } from '../../shared/values/local-date.ts';
import type { Line } from './stock.ts';

/** What an order needs of one product: units of its stock, or for a stay so many rooms for each night of it. */
export type StockLine = Line & {
  /** First night. */
  readonly stayFrom?: string | null;
  /** Day of departure: the night before it is the last one. */
  readonly stayTo?: string | null;
};

/** Rooms of one night. */
export type NightUnits = { readonly productId: string; readonly night: string; readonly quantity: number };

/** Nights in a row, `to` not included, of which an order has the same number of rooms each. */
export type NightRun = {
  readonly productId: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
};

/** One night of a product, as the API shows it; `held` rooms wait for their payment. */
export type AvailabilityDay = {
  readonly date: string;
  readonly capacity: number;
  readonly held: number;
  readonly sold: number;
  readonly available: number;
};

/** Nights of all stays of an order together. */
export const maxNightsPerOrder = 366;
/** Days that one question for availability covers: a quarter. */
export const maxAvailabilityDays = 92;

const hasStay = (line: StockLine): boolean => typeof line.stayFrom === 'string' || typeof line.stayTo === 'string';

/** The lines that take units of a stock. */
export const goodsOf = (lines: readonly StockLine[]): StockLine[] => lines.filter((line) => !hasStay(line));

/** True when every stay has both its dates, in the calendar and in order, and all of them together are not too long. */
export function staysAreFine(lines: readonly StockLine[]): boolean {
  let nights = 0;
  for (const { stayFrom, stayTo } of lines.filter(hasStay)) {
    if (!isLocalDate(stayFrom) || !isLocalDate(stayTo) || stayFrom >= stayTo) return false;
    nights += daysBetween(stayFrom, stayTo);
  }
  return nights <= maxNightsPerOrder;
}

/** Rooms by product and night, in that order, which is the order in which nights are locked. */
export function nightsOf(lines: readonly StockLine[]): NightUnits[] {
  const nights = new Map<string, NightUnits>();
  for (const { productId, quantity, stayFrom, stayTo } of lines) {
    if (typeof stayFrom !== 'string' || typeof stayTo !== 'string') continue;
    for (const night of datesBetween(stayFrom, stayTo)) {
      const key = `${productId} ${night}`;
      nights.set(key, { productId, night, quantity: quantity + (nights.get(key)?.quantity ?? 0) });
    }
  }
  return [...nights].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, units]) => units);
}

/** Sorted nights as runs, each of which is one statement. */
export function runsOf(nights: readonly NightUnits[]): NightRun[] {
  const runs: NightRun[] = [];
  for (const { productId, night, quantity } of nights) {
    const last = runs.at(-1);
    if (last?.productId === productId && last.to === night && last.quantity === quantity)
      runs[runs.length - 1] = { ...last, to: addDays(night, 1) };
    else runs.push({ productId, from: night, to: addDays(night, 1), quantity });
  }
  return runs;
}
