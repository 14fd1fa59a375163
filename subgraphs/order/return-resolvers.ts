import type { GraphQLResolveInfo } from 'graphql';
import { mayRead, requireStaff, requireUser } from '../shared/auth/viewer.ts';
import { givenPage } from '../shared/engine/given-arguments.ts';
import type * as Schema from '../../schema/generated/order.ts';
import { cancelReturn, decideReturn, receiveReturn, requestReturn, windowDaysOf } from './commands/return-order.ts';
import { type OrderContext, visible } from './context.ts';
import { isReturnable, returnableQuantity } from './domain/returning.ts';
import { type ReturnListArguments, listReturns } from './return-queries.ts';
import type { StoredReturn } from './return-store.ts';
import type { StoredLine, StoredOrder } from './stored-order.ts';

const asker = ({ viewer, traceId }: OrderContext) => ({ viewer: requireUser(viewer), traceId });

export const returnQueries = {
  returns: (_: unknown, args: Schema.QueryReturnsArgs, { deps, viewer }: OrderContext, info: GraphQLResolveInfo) => {
    requireStaff(viewer);
    return listReturns(deps, givenPage(args as ReturnListArguments, info));
  },
};

export const returnMutations = {
  requestReturn: (_: unknown, args: Schema.MutationRequestReturnArgs, context: OrderContext) =>
    requestReturn(context.deps, asker(context), args),
  decideReturn: (_: unknown, args: Schema.MutationDecideReturnArgs, context: OrderContext) =>
    decideReturn(context.deps, asker(context), args),
  receiveReturn: (_: unknown, args: Schema.MutationReceiveReturnArgs, context: OrderContext) =>
    receiveReturn(context.deps, asker(context), { ...args, refund: args.refund ?? true }),
  cancelReturn: (_: unknown, args: Schema.MutationCancelReturnArgs, context: OrderContext) =>
    cancelReturn(context.deps, asker(context), args),
};

/** For the customer, staff and services; a seller who is given the order sees none. */
export const returnsOfOrder = (order: StoredOrder, _: unknown, { loaders, viewer }: OrderContext) =>
  mayRead(viewer, order.customerId) ? loaders.returns.load(order.id) : [];

/** Pieces of the line of which a return can be asked for now. */
export async function returnableOf(line: StoredLine, { deps, loaders }: OrderContext): Promise<number> {
  const [order, returns] = await Promise.all([loaders.byId.load(line.orderId), loaders.returns.load(line.orderId)]);
  if (!order) throw new Error(`line ${line.id} has no order`);
  return returnableQuantity(line, order, { returns, windowDays: windowDaysOf(deps, order.type), at: deps.now() });
}

/** Whether a return of something of the order can be asked for now. Lines and returns are read only where time allows one. */
export async function hasReturnable(order: StoredOrder, context: OrderContext): Promise<boolean> {
  const { deps, loaders } = context;
  if (!isReturnable(order, windowDaysOf(deps, order.type), deps.now())) return false;
  const lines = await loaders.lines.load(order.id);
  return (await Promise.all(lines.map((line) => returnableOf(line, context)))).some((quantity) => quantity > 0);
}

export const OrderReturnResolvers = {
  order: async ({ orderId }: StoredReturn, _: unknown, { loaders, viewer }: OrderContext) =>
    visible(viewer, await loaders.byId.load(orderId)),
  async lines({ orderId, lines }: StoredReturn, _: unknown, { loaders }: OrderContext) {
    const [order, bought] = await Promise.all([loaders.byId.load(orderId), loaders.lines.load(orderId)]);
    return lines.flatMap(({ lineId, ...quantities }) => {
      const line = bought.find(({ id }) => id === lineId);
      return line && order ? [{ ...quantities, line: { ...line, currency: order.currency } }] : [];
    });
  },
  restock: ({ lines }: StoredReturn) => lines.some(({ restockedQuantity }) => restockedQuantity > 0),
  async refunds({ orderId, requestId }: StoredReturn, _: unknown, { loaders }: OrderContext) {
    if (requestId === null) return [];
    const own = (await loaders.refunds.load(orderId)).filter((refund) => refund.requestId === requestId);
    return own.map(({ refundId }) => ({ __typename: 'Refund', id: refundId }));
  },
};
