import { median, round as rounded } from '../measure.ts';
import type { Load } from './load.ts';

/** One measurement: what clients saw, and what it cost the gateway's process. */
export type Figures = Load & {
  /** A request. */
  readonly cpuMs: number;
  readonly residentMiB: number;
};

/** Measurements of each case, by round; a round is absent where it failed. */
export type FiguresByCase = Map<string, (Figures | undefined)[]>;

/** What is asked of which variant. */
export const caseOf = (request: string, variant: string): string => `${request} ${variant}`;

type Row = Readonly<Record<string, number | string>>;

/**
 * A row for each case that was measured: medians, and medians of the ratios of CPU to our gateway's and the floor's of
 * the same round. The ratios are the figures to trust: both sides had the same neighbours.
 */
export function tableOf(
  figures: FiguresByCase,
  { requests, variants }: { requests: readonly string[]; variants: readonly string[] },
): Readonly<Record<string, Row>> {
  const rows: Record<string, Row> = {};
  for (const request of requests) {
    for (const variant of variants) {
      const series = figures.get(caseOf(request, variant)) ?? [];
      const measured = series.filter((one) => one !== undefined);
      if (measured.length === 0) continue;
      const of = (pick: (one: Figures) => number, digits: number): number =>
        rounded(median(measured.map(pick)), digits);
      const ratio = (base: string): number | string => {
        const others = figures.get(caseOf(request, base)) ?? [];
        const ratios = series.flatMap((one, round) => (one && others[round] ? [one.cpuMs / others[round].cpuMs] : []));
        return ratios.length > 0 ? rounded(median(ratios), 2) : '';
      };
      rows[caseOf(request, variant)] = {
        'CPU ms': of((one) => one.cpuMs, 3),
        '÷ gateway': ratio('gateway'),
        '÷ floor': ratio('floor'),
        'per second': of((one) => one.count / one.seconds, 0),
        'p50 ms': of((one) => one.p50Ms, 2),
        'p99 ms': of((one) => one.p99Ms, 2),
        'RSS MiB': of((one) => one.residentMiB, 0),
      };
    }
  }
  return rows;
}
