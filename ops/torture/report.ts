import { kindOf } from './kind-of.ts';
import type { TortureReport } from './torture.ts';

const maxExamples = 5;
const maxKinds = 100;
const maxMessages = 25;

function percentile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** What a run was like, as tables, and what it broke, by kind with examples of each. */
export function printReport({ faults, tally, counts, said, violations }: TortureReport): void {
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
    'without an answer': tally.unanswered,
    violations: violations.length,
  });
  console.table(
    Object.fromEntries(
      [...tally.errors].map(([code, times]) => [code, { times, example: tally.examples.get(code)?.slice(0, 120) }]),
    ),
  );
  console.table(Object.fromEntries([...tally.refusals].map(([refusal, times]) => [refusal, { times }])));
  const messages = [...said].toSorted(([, one], [, other]) => other - one).slice(0, maxMessages);
  console.table(Object.fromEntries(messages.map(([message, times]) => [message.slice(0, 120), { times }])));
  const kinds = [...Map.groupBy(violations, kindOf)].toSorted(([, one], [, other]) => other.length - one.length);
  for (const [kind, lines] of kinds.slice(0, maxKinds)) {
    console.log(`VIOLATION ${lines.length} times: ${kind}`);
    for (const line of lines.slice(0, maxExamples)) console.log(`  ${line}`);
  }
  if (kinds.length > maxKinds) console.log(`and ${kinds.length - maxKinds} more kinds`);
}
