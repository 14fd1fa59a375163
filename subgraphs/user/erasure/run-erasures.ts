import { noteFailure } from '../../shared/process/dependency.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { UserDeps } from '../dependencies.ts';
import { findDueErasures, saveErasure, takeErasure } from './erasure-store.ts';
import { eraseElsewhere, otherServices } from './other-services.ts';

type Deps = Pick<UserDeps, 'db' | 'now' | 'call' | 'log'>;

/** As long as one process has an erasure for itself. Two at once do no harm. */
const leaseSeconds = 15;
const firstRetrySeconds = 2;
const maxRetrySeconds = 600;
const batchSize = 20;

/** Goes on with every erasure that is due. */
export async function runErasures(deps: Deps): Promise<void> {
  for (const userId of await findDueErasures(deps.db.em(), deps.now(), batchSize)) await runErasure(deps, userId);
}

/**
 * Has the other services erase a user, one after the other. Each may be asked again, so a process that dies at any point leaves
 * what the next one goes on with. One that has to wait, or is away, is asked again with back-off.
 */
export async function runErasure(deps: Deps, userId: string): Promise<void> {
  const later = (seconds: number): Date => new Date(deps.now().getTime() + seconds * 1_000);
  const erasure = await takeErasure(deps.db.em(), userId, { at: deps.now(), until: later(leaseSeconds) });
  if (!erasure) return;
  const done = new Set(erasure.doneIn);
  const save = (dueAt: Date, doneAt: Date | null = null) =>
    saveErasure(deps.db.em(), userId, { doneIn: [...done], dueAt, doneAt });
  const retryAt = later(Math.min(maxRetrySeconds, firstRetrySeconds * 2 ** Math.min(erasure.attempts - 1, 10)));
  for (const service of otherServices) {
    if (done.has(service)) continue;
    try {
      if (!(await eraseElsewhere(deps, service, { userId, traceId: erasure.traceId }))) {
        await save(retryAt);
        return;
      }
    } catch (error) {
      noteFailure(deps.log, error, 'a user is not erased everywhere yet; it is tried again', { userId, service });
      await save(retryAt);
      return;
    }
    failPoint(`user.erased_in_${service}`);
    done.add(service);
    await save(later(leaseSeconds));
  }
  await save(deps.now(), deps.now());
}
