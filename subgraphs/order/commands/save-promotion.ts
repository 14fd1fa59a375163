import { isStaff } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import {
  type Refusal,
  RefusedError,
  conflictError,
  forbiddenError,
  isDuplicateKey,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { recordAct } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import type { OrderDeps } from '../deps.ts';
import { type PromotionInput, checkPromotion, maxAutomatic } from '../domain/pricing/check-promotion.ts';
import type { Promotion } from '../domain/pricing/promotion.ts';
import { lockRules } from '../price-rule-store.ts';
import { countAutomatic, findPromotion, insertPromotion, lockPromotion, updatePromotion } from '../promotion-store.ts';
import type { Asker } from './context.ts';

export type PromotionPayload = {
  readonly promotion: Promotion | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

/**
 * Makes a promotion, or replaces all of the one with this id but its count of uses. Orders that have it keep what they were
 * placed with; those that are being placed are priced again.
 */
export async function savePromotion(
  deps: Pick<OrderDeps, 'db' | 'now' | 'newId' | 'priceBook' | 'kickRelay'>,
  asker: Asker,
  given: { id?: string | null; input: PromotionInput; idempotencyKey: string },
): Promise<PromotionPayload> {
  const { input } = given;
  const givenId = given.id ?? null;
  return orRefusals(
    async () => {
      if (!isStaff(asker.viewer)) throw new RefusedError(forbiddenError('Only staff may do this.'));
      if (givenId !== null && !isId(givenId)) throw missing(givenId);
      // All but the times, which follow from when it was saved first.
      const alone = checkPromotion(input, new Date(0));
      if ('refusals' in alone) throw new RefusedError(...alone.refusals);
      const id = givenId ?? deps.newId();
      const claim = {
        ownerId: asker.viewer.userId,
        operation: 'savePromotion',
        key: given.idempotencyKey,
        input: { id: givenId, input },
      };
      const { replayed, result } = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey(tx, claim, { id });
        if (claimed.replayed) return claimed;
        const saved = await save(tx, { id, isNew: givenId === null, input, at: deps.now() });
        await recordAct(tx, deps, asker, { action: 'promotion.saved', subject: `promotion:${id}`, ...saved });
        return claimed;
      });
      deps.priceBook.changed();
      deps.kickRelay();
      return { promotion: await findPromotion(deps.db.em(), result.id), replayed, userErrors: [] };
    },
    (userErrors): PromotionPayload => ({ promotion: null, replayed: false, userErrors }),
  );
}

const missing = (id: string) => new RefusedError(notFoundError('There is no such promotion.', id, ['id']));

async function save(
  tx: Sql,
  { id, isNew, input, at }: { id: string; isNew: boolean; input: PromotionInput; at: Date },
): Promise<{ before: Promotion | null; after: Promotion }> {
  const before = isNew ? null : await lockPromotion(tx, id);
  if (!isNew && !before) throw missing(id);
  // Without a time of its own, what has begun goes on.
  const checked = checkPromotion(input, before?.startsAt ?? at);
  if ('refusals' in checked) throw new RefusedError(...checked.refusals);
  const { content } = checked;
  const expectedVersion = input.expectedVersion ?? null;
  const actualVersion = before?.version ?? 0;
  if (expectedVersion !== null && expectedVersion !== actualVersion)
    throw new RefusedError(
      conflictError('The promotion was changed since you read it.', { expectedVersion, actualVersion }),
    );
  const used = before?.used ?? 0;
  if (content.usageLimit !== null && content.usageLimit < used)
    throw new RefusedError(
      validationError(`usageLimit: must be at least ${used}, which is how many orders have it.`, [
        'input',
        'usageLimit',
      ]),
    );
  if (content.code === null && content.active) await requireSpace(tx, id, at);
  const promotion: Promotion = { ...content, id, used, version: actualVersion + 1 };
  try {
    await (before ? updatePromotion(tx, promotion) : insertPromotion(tx, promotion));
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    throw new RefusedError(validationError('code: another promotion has this code.', ['input', 'code']));
  }
  return { before, after: promotion };
}

async function requireSpace(tx: Sql, id: string, at: Date): Promise<void> {
  await lockRules(tx);
  if ((await countAutomatic(tx, id, at)) < maxAutomatic) return;
  const rule = `${maxAutomatic} promotions apply by themselves already, which is the most; switch one off, or give this one a code.`;
  throw new RefusedError(validationError(`code: ${rule}`, ['input', 'code']));
}
