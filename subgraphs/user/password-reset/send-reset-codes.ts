import { codeAddressOf } from '../codes/code-sender.ts';
import { findAccount, lockAccount } from '../administration/account-store.ts';
import { codeLength, codeOf, putCode } from '../administration/one-time-code-store.ts';
import type { UserDeps } from '../dependencies.ts';
import { readUser } from '../store.ts';
import { deleteResetRequests, listResetRequests, takeResetRequest } from './reset-request-store.ts';

export const resetCodeMinutes = 10;
const batchSize = 50;
const maxBatches = 100;

/**
 * Makes a code for each account whose password was said to be forgotten, and hands it on to be sent. A request that can't be
 * handled now is tried again at the next turn, until it is ten minutes old.
 */
export async function sendResetCodes(deps: UserDeps): Promise<void> {
  await deleteResetRequests(deps.db.em(), minutesFrom(deps.now(), -resetCodeMinutes), batchSize * maxBatches);
  let after: string | null = null;
  const failures: Error[] = [];
  for (let batch = 0; batch < maxBatches; batch += 1) {
    const requests = await listResetRequests(deps.db.em(), { limit: batchSize, after });
    for (const request of requests) {
      try {
        await sendCode(deps, request);
      } catch (error) {
        failures.push(error as Error);
      }
    }
    after = requests.at(-1)?.id ?? after;
    if (requests.length < batchSize) break;
  }
  // Told to the loop, which logs it and tries again.
  if (failures[0]) throw failures[0];
}

const minutesFrom = (at: Date, minutes: number): Date => new Date(at.getTime() + minutes * 60_000);

async function sendCode(deps: UserDeps, request: { id: string; mobile: string }): Promise<void> {
  const code = codeOf(deps.randomBytes(codeLength));
  await deps.db.transaction(async (tx) => {
    if (!(await takeResetRequest(tx, request.id))) return;
    const found = await findAccount(tx, request.mobile);
    const account = found && (await lockAccount(tx, found.id));
    // One that is invited has a code, which must not end by a stranger's request.
    if (account?.status !== 'ACTIVE') return;
    const user = await readUser(tx, account.id);
    const to = user && codeAddressOf(user, deps.outward);
    if (!to) return;
    const at = deps.now();
    const expiresAt = minutesFrom(at, resetCodeMinutes);
    await putCode(tx, { userId: account.id, code, at, expiresAt });
    await deps.codes.enqueue(tx, { kind: 'PASSWORD_RESET', userId: account.id, to, code, expiresAt });
  });
  deps.codes.wake();
}
