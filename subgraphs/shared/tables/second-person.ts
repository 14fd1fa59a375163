import { type UserViewer, isAdmin } from '../auth/viewer.ts';
import type { Sql } from '../database/statements.ts';
import { type Refusal, forbiddenError } from '../errors/errors.ts';
import { type Money, moneyToJson } from '../values/money.ts';
import { type Claim, type Claimed, claimKey, findKey, hashOf } from './idempotency.ts';

/** Staff give nothing away to themselves, and settle nothing of their own. */
export const ownRefusal = (viewer: UserViewer, customerId: string): Refusal | null =>
  viewer.userId === customerId ? forbiddenError('Another member of staff has to do this: it is your own.') : null;

/** Above `STAFF_APPROVAL_ABOVE` one person is not enough. */
const approvalRequired = ({ limit, path }: Pick<Wanted, 'limit' | 'path'>, message: string) =>
  ({
    __typename: 'ApprovalRequiredError',
    code: 'APPROVAL_REQUIRED',
    message,
    path,
    limit: moneyToJson(limit),
  }) satisfies Refusal;

/** What two people want, where the amount stands in its input, and what one may give alone. */
type Wanted = Omit<Claim, 'ownerId'> & {
  readonly limit: Money;
  readonly path: readonly string[];
  /** Of something that can be done only once: what two people mean by it, whatever keys they send. */
  readonly same?: object;
};

/** Owns the keys of what two people do: no person's, so that both mean the same. */
const twoPeople = '00000000-0000-0000-0000-000000000000';

/** Of what two people do, `askedBy` is the first of them. */
type ClaimOrRefusal = { readonly claim: Claim; readonly askedBy?: string } | { readonly refusal: Refusal };

/**
 * Claims, with this result, the key under which staff do something: a person's own, or that of two (`claimOfTwo`). Of two who mean
 * the `same` each has a key, and the one who agreed may lose the answer, so that key is claimed as well.
 */
export async function claimByOneOrTwo<Result>(
  tx: Sql,
  viewer: UserViewer,
  wanted: Wanted & { readonly byTwo: boolean },
  result: Result,
): Promise<(Claimed<Result> & { readonly askedBy?: string | undefined }) | { readonly refusal: Refusal }> {
  const allowed = await claimFor(tx, viewer, wanted);
  if ('refusal' in allowed) return allowed;
  const claimed = await claimKey(tx, allowed.claim, result);
  const { operation, key, input, same, byTwo } = wanted;
  if (byTwo && same !== undefined) await claimKey(tx, { operation, key, input, ownerId: viewer.userId }, result);
  return { ...claimed, askedBy: allowed.askedBy };
}

async function claimFor(
  tx: Sql,
  viewer: UserViewer,
  { byTwo, ...wanted }: Wanted & { readonly byTwo: boolean },
): Promise<ClaimOrRefusal> {
  if (byTwo) return claimOfTwo(tx, viewer, wanted);
  const { limit: _, path: __, same, ...given } = wanted;
  // What two people have done is answered again, whatever it would be now.
  const done = { ...given, ownerId: twoPeople };
  if (same === undefined && (await findKey(tx, done)) !== null) return { claim: done };
  return { claim: { ...given, ownerId: viewer.userId } };
}

/**
 * The claim under which something above the limit is done once two people want it: the first asks and is refused, an
 * administrator who is not the first sends the same request with the same key. What is refused here is to be committed: the
 * asking is noted by it.
 */
async function claimOfTwo(tx: Sql, viewer: UserViewer, wanted: Wanted): Promise<ClaimOrRefusal> {
  const { limit, path, same, ...own } = wanted;
  const given = same === undefined ? own : { ...own, key: hashOf(same).toString('hex'), input: same };
  const claim: Claim = { ...given, ownerId: twoPeople };
  if ((await findKey(tx, claim)) !== null) return { claim };
  const asking = { ...claim, operation: `${given.operation} asked` };
  const { replayed, result } = await claimKey(tx, asking, { askedBy: viewer.userId });
  if (!replayed || result.askedBy === viewer.userId)
    return { refusal: approvalRequired({ limit, path }, `This is more than one person may give: now an administrator who is not you has to ${same === undefined ? 'send the same request with the same idempotency key' : 'ask for the same'}.`) }; // prettier-ignore
  if (!isAdmin(viewer))
    return { refusal: approvalRequired({ limit, path }, 'This is more than one person may give: the second has to be an administrator.') }; // prettier-ignore
  return { claim, askedBy: result.askedBy };
}

/** One person would give more than one may: to be done by two. */
class AboveLimitError extends Error {
  override readonly name = 'AboveLimitError';
}

/** To be called in the transaction of what one person does, once the sum that it adds to is locked. */
export function requireWithin(limit: Money, { amount }: Money): void {
  if (amount > limit.amount) throw new AboveLimitError('too much for one person');
}

/** Runs `work` as one person's, and once more as that of two where it is more than one may give. */
export async function byOneOrTwo<T>(isLarge: boolean, work: (byTwo: boolean) => Promise<T>): Promise<T> {
  try {
    return await work(isLarge);
  } catch (error) {
    if (!(error instanceof AboveLimitError)) throw error;
    return work(true);
  }
}

const limitHours = 24;
/** From when on what staff gave counts together. */
export const sinceLimit = (at: Date): Date => new Date(at.getTime() - limitHours * 3_600_000);
