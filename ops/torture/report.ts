import type { TortureReport } from './torture.ts';

const maxListed = 200;

function percentile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** What a run was like, as tables, and what it broke, as a list. */
export function printReport({ faults, tally, counts, violations }: TortureReport): void {
  const byKind = Map.groupBy(faults, ({ kind }) => kind);
  console.table(Object.fromEntries([...byKind].map(([kind, own]) => [kind, { times: own.length }])));
  const sorted = tally.answersMs.toSorted((a, b) => a - b);
  console.table({
    faults: faults.length,
    ...counts,
    answers: sorted.length,
    'p50 ms': percentile(sorted, 0.5),
    'p99 ms': percentile(sorted, 0.99),
    'lost on purpose': tally.lost,
    'repeated and compared': tally.repeated,
    violations: violations.length,
  });
  console.table(
    Object.fromEntries(
      [...tally.errors].map(([code, times]) => [code, { times, example: tally.examples.get(code)?.slice(0, 120) }]),
    ),
  );
  for (const line of violations.slice(0, maxListed)) console.log(`VIOLATION ${line}`);
  if (violations.length > maxListed) console.log(`and ${violations.length - maxListed} more`);
}
