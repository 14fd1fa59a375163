import type { PaymentDeps } from '../deps.ts';
import { type Period, compareLine, dueAt, endedDays, openDays, periodOf } from '../domain/reconciliation.ts';
import {
  type PaymentProvider, type ProviderStatement, ProviderRefused, ProviderUnreachable, type StatementLine, movementKinds,
} from '../providers/provider.ts'; // prettier-ignore
import {
  type DifferenceItem,
  type ReconciliationRow,
  findOurs,
  findReconciliations,
  findUntold,
  forgetLines,
  itemOf,
  rememberLines,
  saveReconciliation,
} from '../reconciliation-store.ts';

/** Of the differences of a day, so many are listed; all are counted up to ten times that. */
const maxItems = 500;
const maxCounted = 10 * maxItems;
const linesAtOnce = 500;
/** How far our clock and the provider's may differ at midnight. A webhook that comes hours late is no matter. */
const edgeMs = 15 * 60_000;
/** What has just moved may still be on its way here: it counts when it matches, and is not missed yet. */
const settleMs = 10_000;
const againAfterMs = 86_400_000;

type ReconciliationDeps = Pick<PaymentDeps, 'db' | 'log' | 'now' | 'providers'>;

/** A provider whose payments can be reconciled. */
export type Reconcilable = PaymentProvider & { readonly statement: ProviderStatement };

export const reconcilable = (deps: Pick<PaymentDeps, 'providers'>): Reconcilable[] =>
  [...deps.providers.values()].filter((provider): provider is Reconcilable => provider.statement !== undefined);

/**
 * Compares a day of the provider's statement with our ledger and stores the report; may be run again at any time, also
 * before the day is over. A day is the provider's own, and a movement belongs to the day that its statement says; one that
 * we booked on another day, because its webhook came late, is found there all the same. Rejects with ProviderUnreachable.
 */
export async function reconcileDay(
  deps: ReconciliationDeps,
  provider: Reconcilable,
  day: string,
  period: Period,
): Promise<ReconciliationRow> {
  const now = deps.now();
  const settledMs = now.getTime() - settleMs;
  let matched = 0;
  const differences: DifferenceItem[] = [];
  const counts = { MISSING_HERE: 0, MISSING_AT_PROVIDER: 0, AMOUNT_MISMATCH: 0 };
  const differs = (item: DifferenceItem): void => {
    counts[item.kind] += 1;
    if (differences.length < maxItems) differences.push(item);
  };

  const asked = { from: new Date(period.from.getTime() - edgeMs), to: new Date(period.to.getTime() + edgeMs) };
  for await (const lines of chunks(provider.statement.lines(asked))) {
    for (const kind of movementKinds) {
      const ofKind = lines.filter((line) => line.kind === kind);
      const found = await findOurs(deps.db.em(), provider.name, kind, ofKind);
      await rememberLines(deps.db.em(), provider.name, ofKind.map((line) => ({ ...line, ours: found.get(line) })), now); // prettier-ignore
      for (const line of ofKind.filter(({ at }) => at >= period.from && at < period.to)) {
        const ours = found.get(line) ?? null;
        const difference = compareLine(line, ours);
        if (difference === null) matched += 1;
        else if (line.at.getTime() <= settledMs) differs(itemOf(difference, provider.name, line, ours));
      }
    }
  }
  await forgetLines(deps.db.em(), provider.name, period, now);
  const settled = { from: period.from, to: new Date(Math.min(period.to.getTime(), settledMs)) };
  for (const kind of movementKinds) {
    for (const ours of await findUntold(deps.db.em(), provider.name, kind, settled, maxCounted))
      differs(itemOf('MISSING_AT_PROVIDER', provider.name, null, ours));
  }
  const report: ReconciliationRow = {
    day,
    provider: provider.name,
    matched,
    missingHere: counts.MISSING_HERE,
    missingAtProvider: counts.MISSING_AT_PROVIDER,
    amountMismatch: counts.AMOUNT_MISMATCH,
    items: differences,
    checkedAt: now,
  };
  await saveReconciliation(deps.db.em(), report);
  if (differences.length > 0)
    deps.log.warn(
      { day, provider: provider.name, matched, ...counts },
      "the provider's statement and our ledger differ",
    );
  return report;
}

/** Reconciles the days that are due: each once at `hour` (UTC) after its end, and daily while it has differences. */
export async function reconcileDue(deps: ReconciliationDeps, hour: number): Promise<void> {
  const now = deps.now();
  for (const provider of reconcilable(deps)) {
    try {
      await reconcileProvider(deps, provider, hour, now);
    } catch (error) {
      // It is asked again at the next turn; the others have their statements all the same.
      if (!(error instanceof ProviderUnreachable || error instanceof ProviderRefused)) throw error;
      deps.log.warn({ err: error.message, provider: provider.name }, 'no statement');
    }
  }
}

async function reconcileProvider(
  deps: ReconciliationDeps,
  provider: Reconcilable,
  hour: number,
  now: Date,
): Promise<void> {
  const { utcOffsetMinutes, readyAfterMs = 0 } = provider.statement;
  for (const day of endedDays(now, utcOffsetMinutes, openDays)) {
    const period = periodOf(day, utcOffsetMinutes);
    if (!period || dueAt(period, hour) > now || period.to.getTime() + readyAfterMs > now.getTime()) continue;
    const stored = (await findReconciliations(deps.db.em(), day)).find(({ provider: name }) => name === provider.name);
    if (stored && !isDueAgain(stored, dueAt(period, hour), now)) continue;
    await reconcileDay(deps, provider, day, period);
  }
}

function isDueAgain(stored: ReconciliationRow, due: Date, now: Date): boolean {
  if (stored.checkedAt < due) return true;
  return stored.items.length > 0 && now.getTime() - stored.checkedAt.getTime() >= againAfterMs;
}

async function* chunks(lines: AsyncIterable<StatementLine>): AsyncGenerator<StatementLine[]> {
  let chunk: StatementLine[] = [];
  for await (const line of lines) {
    chunk.push(line);
    if (chunk.length < linesAtOnce) continue;
    yield chunk;
    chunk = [];
  }
  yield chunk;
}
