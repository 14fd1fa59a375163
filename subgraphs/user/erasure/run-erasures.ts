import { noteFailure } from '../../shared/process/dependency.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { UserDeps } from '../dependencies.ts';
import { forgetKeys, forgetLettersOf } from '../../shared/events/forget-events.ts';
import { beginLastPass, endErasure, eraseAccount, findDueErasures, saveErasure, takeErasure } from './erasure-store.ts';
import { type OtherService, eraseElsewhere, otherServices } from './other-services.ts';

type Deps = Pick<UserDeps, 'db' | 'now' | 'call' | 'log' | 'config'>;

/** As long as one process has an erasure for itself. Two at once do no harm. */
const leaseSeconds = 15;
const firstRetrySeconds = 2;
const maxRetrySeconds = 600;
const batchSize = 20;
/** After the last access token has ended, what was begun with it, and events on their way, come to rest within this. */
const settleSeconds = 120;

/** Goes on with every erasure that is due. */
export async function runErasures(deps: Deps): Promise<void> {
  for (const userId of await findDueErasures(deps.db.em(), deps.now(), batchSize)) await runErasure(deps, userId);
}

/**
 * Has the other services erase a user, one after the other; and once more, with this one, when no access token of the user is good
 * any more and what was on its way has come. Each may be asked again, so a process that dies at any point leaves what the next
 * one goes on with. One that has to wait, or is away, is asked again with back-off.
 */
export async function runErasure(deps: Deps, userId: string): Promise<void> {
  const later = (seconds: number): Date => new Date(deps.now().getTime() + seconds * 1_000);
  const erasure = await takeErasure(deps.db.em(), userId, { at: deps.now(), until: later(leaseSeconds) });
  if (!erasure) return;
  const isLast = erasure.pass > 0;
  const done = new Set(erasure.doneIn);
  const save = (dueAt: Date) => saveErasure(deps.db.em(), userId, { doneIn: [...done], dueAt });
  const retryAt = later(Math.min(maxRetrySeconds, firstRetrySeconds * 2 ** Math.min(erasure.attempts - 1, 10)));
  for (const service of isLast ? (['user', ...otherServices] as const) : otherServices) {
    if (done.has(service)) continue;
    try {
      if (!(await eraseIn(deps, service, { userId, traceId: erasure.traceId }))) {
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
  if (isLast) await endErasure(deps.db.em(), userId, deps.now());
  else await beginLastPass(deps.db.em(), userId, settledAt(deps, erasure.requestedAt));
}

/** When nothing can be written any more by a token that the user had. */
const settledAt = ({ config }: Pick<Deps, 'config'>, requestedAt: Date): Date =>
  new Date(requestedAt.getTime() + (config.accessSeconds + settleSeconds) * 1_000);

/** Has a service erase a user; false where it has to be asked again later. */
async function eraseIn(
  deps: Deps,
  service: 'user' | OtherService,
  asked: { readonly userId: string; readonly traceId: string },
): Promise<boolean> {
  if (service !== 'user') return eraseElsewhere(deps, service, asked);
  const { userId } = asked;
  await deps.db.transaction(async (tx) => {
    await eraseAccount(tx, userId, deps.now());
    await forgetKeys(tx, userId);
  });
  return forgetLettersOf(deps.db.em(), userId);
}
