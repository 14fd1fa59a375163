import { isAdmin } from '../../shared/auth/viewer.ts';
import { badUserInput, forbidden } from '../../shared/errors/errors.ts';
import type { UserDeps } from '../dependencies.ts';
import { type Asker, jobActions, writeDown } from './audit.ts';

/** A background job; without an id for one that is still to be made. */
type JobReference = { readonly id?: string | null; readonly name: string };

const maxJobs = 200;
const maxTextLength = 128;
const isAction = (text: string): text is (typeof jobActions)[number] =>
  (jobActions as readonly string[]).includes(text);

/**
 * Writes down what an administrator is about to do on the page of jobs, an entry for each. The gateway asks, in the name of who
 * is signed in there. Throws FORBIDDEN for anybody else, and BAD_USER_INPUT.
 */
export async function recordJobActs(
  deps: Pick<UserDeps, 'db' | 'now' | 'newId'>,
  { viewer, traceId }: Asker,
  { action, jobs }: { readonly action: string; readonly jobs: readonly JobReference[] },
): Promise<true> {
  if (viewer.kind !== 'user' || !isAdmin(viewer)) throw forbidden('Only an administrator changes jobs.');
  if (!isAction(action)) throw badUserInput('action: is none of the page of jobs.');
  const isTooLong = ({ id, name }: JobReference) => (id?.length ?? 0) > maxTextLength || name.length > maxTextLength;
  if (jobs.length > maxJobs || jobs.some(isTooLong))
    throw badUserInput(`jobs: has at most ${maxJobs} entries of at most ${maxTextLength} characters.`);
  const deed = { actorId: viewer.userId, traceId, action };
  await deps.db.transaction(async (tx) => {
    for (const { id, name } of jobs)
      await writeDown(tx, deps, { ...deed, subject: `job:${id ?? name}`, after: { job: name } });
  });
  return true;
}
