import type { Database } from '../shared/database/database.ts';
import type { Live } from '../shared/process/live.ts';
import type { Time } from '../shared/time/time.ts';
import type { ShippingMethod } from './domain/pricing/shipping.ts';
import { type Place, type RatesByCategory, type TaxRate, ratesAt } from './domain/pricing/tax.ts';
import { listCurrentRates, listMethods } from './price-rule-store.ts';
import { existsAutomatic } from './promotion-store.ts';

/** What orders are priced by beside their products. */
export type PriceRules = {
  /** The active ones. */
  readonly methods: readonly ShippingMethod[];
  readonly rates: readonly TaxRate[];
  /** Some promotion applies by itself, now or later. */
  readonly hasAutomatic: boolean;
};

/**
 * The rules, kept by each process for `maxAgeMs`: placing an order reads none of them in the database. A change is told to all
 * processes at once; the age is the net under a notice that was lost.
 */
export type PriceBook = {
  read(): Promise<PriceRules>;
  /** Tells every process that the rules have changed. After the commit. */
  changed(): void;
  close(): void;
};

const maxAgeMs = 5_000;
const channel = 'order:price-rules';

export function openPriceBook(deps: { db: Database; live: Live; time: Time; now: () => Date }): PriceBook {
  const { db, live, time, now } = deps;
  let kept: { readonly rules: Promise<PriceRules>; readonly untilMs: number } | null = null;
  const forget = (): void => {
    kept = null;
  };
  const stopListening = live.listen(channel, forget);

  async function load(): Promise<PriceRules> {
    const sql = db.em();
    const [methods, rates, hasAutomatic] = await Promise.all([
      listMethods(sql),
      listCurrentRates(sql, now()),
      existsAutomatic(sql, now()),
    ]);
    return { methods: methods.filter(({ active }) => active), rates, hasAutomatic };
  }

  return {
    read() {
      const atMs = time.monotonicMs();
      if (kept !== null && atMs < kept.untilMs) return kept.rules;
      const reading = { rules: load(), untilMs: atMs + maxAgeMs };
      kept = reading;
      // What could not be read is asked for again; who waits for it hears of the error.
      reading.rules.catch(() => {
        if (kept === reading) forget();
      });
      return reading.rules;
    },
    changed() {
      forget();
      live.publish(channel, '');
    },
    close: stopListening,
  };
}

/** Where taxes come from: the platform's own table, or a service of a team's choice. How they are rounded is ours (domain/pricing/tax.ts). */
export type TaxProvider = {
  /** The rates that are due at a place at a moment, by tax category. */
  ratesAt(place: Place, at: Date): Promise<RatesByCategory>;
};

/** The taxes of the table `tax_rate`. */
export const tableTaxes = (book: PriceBook): TaxProvider => ({
  ratesAt: async (place, at) => ratesAt((await book.read()).rates, place, at),
});
