import { requireStaff } from '../shared/auth/viewer.ts';
import { badUserInput, unavailable } from '../shared/errors/errors.ts';
import { type Reconcilable, reconcilable, reconcileDay } from './commands/reconcile-day.ts';
import type { PaymentContext } from './context.ts';
import type { PaymentDeps } from './deps.ts';
import { type Period, openDays, periodOf } from './domain/reconciliation.ts';
import { ProviderRefused, ProviderUnreachable } from './providers/provider.ts';
import { type DifferenceItem, type ReconciliationRow, findReconciliations } from './reconciliation-store.ts';

/** A day of all providers, as the API shows it. */
export type ReconciliationReport = {
  readonly day: string;
  readonly matched: number;
  readonly missingHere: number;
  readonly missingAtProvider: number;
  readonly amountMismatch: number;
  readonly items: readonly DifferenceItem[];
  readonly checkedAt: Date;
};

/** A report that is no older than this is good enough to be shown again. */
const freshMs = 10_000;
const dayMs = 86_400_000;

/**
 * The report of a day. A day of the last week, or today as far as it has come, is compared anew when it is asked for, so
 * that what was mended is seen; older ones are as they were stored. Null for a day that has not begun or was never compared.
 */
export async function reconciliationOf(
  { viewer, deps }: PaymentContext,
  day: string,
): Promise<ReconciliationReport | null> {
  requireStaff(viewer);
  if (!periodOf(day, 0)) throw badUserInput('day: is a day as YYYY-MM-DD.');
  const stored = new Map((await findReconciliations(deps.db.em(), day)).map((row) => [row.provider, row]));
  for (const provider of reconcilable(deps)) {
    const row = await compareIfOpen(deps, provider, day, stored.get(provider.name));
    if (row) stored.set(provider.name, row);
  }
  const rows = [...stored.values()];
  const [first] = rows;
  if (!first) return null;
  const sum = (count: (row: ReconciliationRow) => number) => rows.reduce((total, row) => total + count(row), 0);
  return {
    day,
    matched: sum((row) => row.matched),
    missingHere: sum((row) => row.missingHere),
    missingAtProvider: sum((row) => row.missingAtProvider),
    amountMismatch: sum((row) => row.amountMismatch),
    items: rows.flatMap((row) => row.items),
    checkedAt: rows.reduce((oldest, row) => (row.checkedAt < oldest ? row.checkedAt : oldest), first.checkedAt),
  };
}

async function compareIfOpen(
  deps: PaymentDeps,
  provider: Reconcilable,
  day: string,
  stored: ReconciliationRow | undefined,
): Promise<ReconciliationRow | null> {
  const period = periodOf(day, provider.statement.utcOffsetMinutes) as Period;
  const nowMs = deps.now().getTime();
  const { readyAfterMs } = provider.statement;
  const firstMs = readyAfterMs === undefined ? period.from.getTime() : period.to.getTime() + readyAfterMs;
  const open = firstMs <= nowMs && period.to.getTime() > nowMs - openDays * dayMs;
  const fresh = stored !== undefined && nowMs - stored.checkedAt.getTime() < freshMs;
  if (!open || fresh) return null;
  try {
    return await reconcileDay(deps, provider, day, period);
  } catch (error) {
    if (!(error instanceof ProviderUnreachable || error instanceof ProviderRefused)) throw error;
    deps.log.warn({ err: error.message, provider: provider.name, day }, 'no statement');
    throw unavailable(`The provider ${provider.name} gives no statement of ${day} now.`);
  }
}
