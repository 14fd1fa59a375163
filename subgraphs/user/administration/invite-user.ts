import type { Role } from '../../shared/auth/viewer.ts';
import { type Refusal, RefusedError, isDuplicateKey, orRefusals } from '../../shared/errors/errors.ts';
import type { Sql } from '../../shared/database/database.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import type { UserDeps } from '../dependencies.ts';
import { type Checked, accept, combine } from '../domain/checked.ts';
import { checkEmail } from '../domain/email.ts';
import { checkMobile } from '../domain/mobile.ts';
import { type User, checkName, mobileTakenError } from '../domain/user.ts';
import { readUser } from '../store.ts';
import { changeAccount, findAccount, insertInvited, lockAccount, saveEmail } from './account-store.ts';
import { invitationAddressOf } from '../codes/code-sender.ts';
import { requireAdministrator, requireStanding } from './administrators.ts';
import { type Asker, writeDown } from './audit.ts';
import { codeLength, codeOf, putCode } from './one-time-code-store.ts';
import { checkedRoles } from './set-roles.ts';

/** The answer of `inviteUser`. */
export type InvitationPayload = {
  readonly user: User | null;
  readonly code: string | null;
  readonly expiresAt: Date | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

export type InviteInput = {
  readonly name: string;
  readonly mobile: string;
  readonly email?: string | null;
  readonly roles: readonly Role[];
};

const refused = (userErrors: readonly Refusal[]): InvitationPayload => ({
  user: null,
  code: null,
  expiresAt: null,
  replayed: false,
  userErrors,
});

const invitationDays = 7;

const checkOptionalEmail = (email: string | null | undefined): Checked<string | null> =>
  email === null || email === undefined ? accept(null) : checkEmail(email, ['email']);

/**
 * Makes an account without a password, and a code by which `resetPassword` sets one. An account that is still INVITED gets
 * a new code, these roles and this name.
 */
export function inviteUser(
  deps: UserDeps,
  asker: Asker,
  input: InviteInput,
  idempotencyKey: string | null | undefined,
): Promise<InvitationPayload> {
  return orRefusals(async () => {
    const administrator = requireAdministrator(asker);
    const checked = combine<{ name: string; mobile: string; email: string | null }>({
      name: checkName(input.name, ['name']),
      mobile: checkMobile(input.mobile, ['mobile']),
      email: checkOptionalEmail(input.email),
    });
    if ('refusals' in checked) throw new RefusedError(...checked.refusals);
    const account = { ...checked.values, roles: checkedRoles(input.roles, ['roles']) };
    const code = codeOf(deps.randomBytes(codeLength));
    const at = deps.now();
    const expiresAt = new Date(at.getTime() + invitationDays * 86_400_000);
    const { replayed, result } = await deps.db.transaction(async (tx) => {
      const claim = { ownerId: administrator.userId, operation: 'inviteUser', key: idempotencyKey, input: account };
      await requireStanding(tx, administrator);
      const newId = deps.newId();
      const found = await findAccount(tx, account.mobile);
      // Its owner may be setting a password by the code before: then it is invited no more.
      const existing = found && (await lockAccount(tx, found.id));
      const claimed = await claimKey<{ userId: string }>(tx, claim, { userId: existing?.id ?? newId });
      if (claimed.replayed) return claimed;
      if (existing && existing.status !== 'INVITED')
        throw new RefusedError({ ...mobileTakenError(), path: ['mobile'] });
      const { userId } = claimed.result;
      await putInvited(tx, { ...account, id: userId, at, isNew: existing === null });
      await putCode(tx, { userId, code, at, expiresAt });
      const to = invitationAddressOf(account, deps.outward);
      if (to) await deps.codes.enqueue(tx, { kind: 'INVITATION', userId, to, code, expiresAt });
      await writeDown(tx, deps, {
        actorId: administrator.userId,
        traceId: asker.traceId,
        action: 'user.invited',
        subject: `user:${userId}`,
        before: existing && { roles: existing.roles },
        after: { roles: account.roles },
      });
      return claimed;
    });
    deps.codes.wake();
    return {
      user: await readUser(deps.db.em(), result.userId),
      code: replayed ? null : code,
      expiresAt: replayed ? null : expiresAt,
      replayed,
      userErrors: [],
    };
  }, refused);
}

type Invited = { id: string; name: string; mobile: string; email: string | null; roles: readonly Role[]; at: Date };

async function putInvited(tx: Sql, { isNew, ...account }: Invited & { isNew: boolean }): Promise<void> {
  const { id, name, roles, email, at } = account;
  if (isNew) {
    try {
      await insertInvited(tx, account);
    } catch (error) {
      if (isDuplicateKey(error)) throw new RefusedError({ ...mobileTakenError(), path: ['mobile'] });
      throw error;
    }
  } else await changeAccount(tx, id, { name, roles, at });
  if (email !== null) await saveEmail(tx, id, email);
}
