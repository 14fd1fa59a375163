import { type UserViewer, requireStaff, requireUser } from '../shared/auth/viewer.ts';
import type * as Schema from '../../schema/generated/order.ts';
import { savePromotion } from './commands/save-promotion.ts';
import type { OrderContext } from './context.ts';
import type { Promotion } from './domain/pricing/promotion.ts';
import { listPromotions } from './promotion-queries.ts';

const asker = ({ viewer, traceId }: OrderContext): { viewer: UserViewer; traceId: string } => ({
  viewer: requireUser(viewer),
  traceId,
});

const moneyOf = (minor: bigint | null, currency: string | null) =>
  minor === null || currency === null ? null : { amount: Number(minor), currency };

export const promotionQueries = {
  promotions: (_: unknown, args: Schema.QueryPromotionsArgs, { deps, viewer }: OrderContext) => {
    requireStaff(viewer);
    return listPromotions(deps, args);
  },
};

export const promotionMutations = {
  savePromotion: (_: unknown, args: Schema.MutationSavePromotionArgs, context: OrderContext) =>
    savePromotion(context.deps, asker(context), { ...args, id: args.id ?? null }),
};

export const PromotionResolvers = {
  value: (promotion: Promotion) => moneyOf(promotion.valueMinor, promotion.currency),
  minimumSubtotal: (promotion: Promotion) => moneyOf(promotion.minimumMinor, promotion.currency),
};
