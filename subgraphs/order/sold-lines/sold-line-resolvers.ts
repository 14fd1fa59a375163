import type { GraphQLResolveInfo } from 'graphql';
import type * as Schema from '../../../schema/generated/order.ts';
import { givenPage } from '../../shared/engine/given-arguments.ts';
import type { OrderContext } from '../context.ts';
import { effectiveState } from '../domain/order.ts';
import { isGivenBack } from '../domain/paying.ts';
import type { StoredLine, StoredOrder } from '../stored-order.ts';
import { type SoldLineArguments, listSoldLines } from './list-sold-lines.ts';

export const soldLineQueries = {
  soldLines: (_: unknown, args: Schema.QuerySoldLinesArgs, { deps, viewer }: OrderContext, info: GraphQLResolveInfo) =>
    listSoldLines(deps, viewer, givenPage(args as SoldLineArguments, info)),
};

async function orderOf({ id, orderId }: StoredLine, { loaders }: OrderContext): Promise<StoredOrder> {
  const order = await loaders.byId.load(orderId);
  if (!order) throw new Error(`line ${id} has no order`);
  return order;
}

/** Nothing of the customer is among these. */
export const SoldLineResolvers = {
  line: async (line: StoredLine, _: unknown, context: OrderContext) => ({
    ...line,
    currency: (await orderOf(line, context)).currency,
  }),
  orderNumber: async (line: StoredLine, _: unknown, context: OrderContext) => (await orderOf(line, context)).number,
  orderState: async (line: StoredLine, _: unknown, context: OrderContext) =>
    effectiveState(await orderOf(line, context), context.deps.now()),
  placedAt: async (line: StoredLine, _: unknown, context: OrderContext) => (await orderOf(line, context)).placedAt,
  async redeemable(line: StoredLine, _: unknown, context: OrderContext) {
    const order = await orderOf(line, context);
    if (order.confirmationCode === null || order.state !== 'PAID' || isGivenBack(order)) return false;
    if (order.customerId === line.sellerId) return false;
    const lines = await context.loaders.lines.load(line.orderId);
    return lines.every(({ sellerId }) => sellerId === line.sellerId);
  },
};
