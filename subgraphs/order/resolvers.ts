import type { GraphQLResolveInfo } from 'graphql';
import { givenPage } from '../shared/engine/given-arguments.ts';
import {
  type UserViewer,
  type Viewer,
  isStaff,
  mayRead,
  requireService,
  requireStaff,
  requireUser,
} from '../shared/auth/viewer.ts';
import { pageArguments, toPage } from '../shared/values/paging.ts';
import { badUserInput, notFound } from '../shared/errors/errors.ts';
import { isId, typedNumber } from '../shared/values/ids.ts';
import { dateIn } from '../shared/values/local-date.ts';
import { plainJson } from '../shared/values/plain-json.ts';
import { postalAddressFields } from '../shared/values/postal-address.ts';
import { scalars } from '../shared/values/scalars.ts';
import type { ResolverMap } from '../shared/engine/subgraph.ts';
import type * as Schema from '../../schema/generated/order.ts';
import { advanceOrder } from './commands/advance-order.ts';
import {
  addOrderNote,
  archiveOrder,
  resolveAttention,
  unarchiveOrder,
  updateOrderRemark,
} from './commands/annotate-order.ts';
import { cancelOrder } from './commands/cancel-order.ts';
import { cancelFulfilment, fulfilOrder, markDelivered } from './commands/fulfil-order.ts';
import {
  OrderQuoteResolvers,
  QuoteLineResolvers,
  ShippingRateResolvers,
  priceMutations,
  priceQueries,
} from './price-resolvers.ts';
import { placeOrder } from './commands/place-order.ts';
import { refundOrder } from './commands/refund-order.ts';
import { redeemOrder } from './commands/redeem-order.ts';
import { retrySaga } from './commands/retry-saga.ts';
import { type OrderContext, noOrder, requireReader, visible } from './context.ts';
import type { JournalEntry } from './domain/journal.ts';
import { eraseCustomer, obstaclesOf } from './erasure/erase-customer.ts';
import { personalData } from './erasure/personal-data.ts';
import { orderCharges, presentAddOns } from './charges-resolvers.ts';
import { allowedActions, mayBeStuck } from './domain/actions.ts';
import { refundPendingMinor } from './domain/giving-back.ts';
import { balanceDueMinor, effectiveState } from './domain/order.ts';
import type { PlaceOrderInput } from './domain/pricing/check-input.ts';
import { showsCode } from './domain/redemption.ts';
import type { Saga } from './domain/saga.ts';
import { nightsOf } from './domain/stay.ts';
import { PromotionResolvers, promotionMutations, promotionQueries } from './promotion-resolvers.ts';
import {
  type OrderListArguments,
  forReader,
  historyPage,
  listOrders,
  listSagas,
  orderList,
  toHistory,
} from './queries.ts';
import { OrderReturnResolvers, hasReturnable, returnMutations, returnQueries, returnableOf, returnsOfOrder } from './return-resolvers.ts'; // prettier-ignore
import { salesReport } from './sales-resolvers.ts';
import { SoldLineResolvers, soldLineQueries } from './sold-lines/sold-line-resolvers.ts';
import type { StoredFulfilment, StoredLine, StoredOrder } from './stored-order.ts';
import { Subscription } from './subscriptions.ts';
import type { OrderType } from './types/order-type.ts';

/** The user service, which sends the customer the code. */
const isNotifier = (viewer: Viewer): boolean => viewer.kind === 'service' && viewer.app === 'user';
const owns = (viewer: Viewer, order: StoredOrder): boolean =>
  viewer.kind === 'user' && viewer.userId === order.customerId;
const isLeftOut = (value: unknown): boolean => value === null || value === undefined;
const amount = (minor: bigint | number, currency: string) => ({ amount: Number(minor), currency });
const Query = {
  async order(_: unknown, { id, number }: Schema.QueryOrderArgs, { loaders, viewer }: OrderContext) {
    requireReader(viewer);
    if ((id === null || id === undefined) === (number === null || number === undefined))
      throw badUserInput('Give either id or number.');
    const found = id
      ? isId(id)
        ? await loaders.byId.load(id)
        : null
      : await loaders.byNumber.load(typedNumber(number ?? ''));
    const order = visible(viewer, found);
    if (!order) throw noOrder();
    return order;
  },
  myOrders: (_: unknown, args: Schema.QueryMyOrdersArgs, { deps, viewer }: OrderContext, info: GraphQLResolveInfo) =>
    listOrders(deps, { customerId: requireUser(viewer).userId }, givenPage(args as OrderListArguments, info)),
  orders: (
    _: unknown,
    args: Schema.QueryOrdersArgs,
    { deps, viewer, traceId }: OrderContext,
    info: GraphQLResolveInfo,
  ) => {
    requireStaff(viewer);
    return listOrders(deps, 'all', givenPage(args as OrderListArguments, info), traceId);
  },
  ...promotionQueries,
  ...priceQueries,
  ...returnQueries,
  ...soldLineQueries,
  salesReport,
  orderErasureObstacles: (_: unknown, { userId }: { userId: string }, { deps, viewer }: OrderContext) => {
    requireService(viewer, 'user');
    return obstaclesOf(deps, userId);
  },
  async orderPersonalData(_: unknown, { userId }: { userId: string }, { deps, viewer }: OrderContext) {
    requireService(viewer, 'user');
    return plainJson(await personalData(deps, userId));
  },
  orderTypes: (_: unknown, __: unknown, { deps }: OrderContext) => deps.types.all,
  shopDate: (_: unknown, __: unknown, { deps }: OrderContext) => dateIn(deps.config.shopTimeZone, deps.now()),
  async saga(_: unknown, { id }: Schema.QuerySagaArgs, { loaders, viewer }: OrderContext) {
    requireStaff(viewer);
    const saga = isId(id) ? await loaders.sagaById.load(id) : null;
    if (!saga) throw notFound('There is no such saga.');
    return saga;
  },
  sagas: (_: unknown, args: Schema.QuerySagasArgs, { deps, viewer }: OrderContext) => {
    requireStaff(viewer);
    return listSagas(deps.db.em(), args);
  },
  async delayedJobs(_: unknown, { overdueOnly }: Schema.QueryDelayedJobsArgs, { listJobs, viewer }: OrderContext) {
    requireStaff(viewer);
    return (await listJobs()).filter((job) => !overdueOnly || job.lagSeconds !== null);
  },
};

const asker = (context: OrderContext): { viewer: UserViewer; traceId: string } => ({
  viewer: requireUser(context.viewer),
  traceId: context.traceId,
});

const Mutation = {
  placeOrder: (
    _: unknown,
    { input, idempotencyKey }: Schema.MutationPlaceOrderArgs,
    { deps, viewer, traceId, clientAddress }: OrderContext,
  ) =>
    placeOrder(deps, requireUser(viewer), {
      input: input as PlaceOrderInput,
      idempotencyKey,
      traceId,
      clientAddress,
    }),
  ...promotionMutations,
  placeOrderFor: (
    _: unknown,
    { customerId, input, idempotencyKey }: Schema.MutationPlaceOrderForArgs,
    { deps, viewer, traceId }: OrderContext,
  ) => placeOrder(deps, requireStaff(viewer), { input: input as PlaceOrderInput, idempotencyKey, traceId, customerId }),
  updateOrderRemark: (_: unknown, args: Schema.MutationUpdateOrderRemarkArgs, context: OrderContext) =>
    updateOrderRemark(context.deps, asker(context), args),
  cancelOrder: (_: unknown, args: Schema.MutationCancelOrderArgs, context: OrderContext) =>
    cancelOrder(context.deps, asker(context), args),
  refundOrder: (_: unknown, { input, idempotencyKey }: Schema.MutationRefundOrderArgs, context: OrderContext) =>
    refundOrder(context.deps, asker(context), input, idempotencyKey),
  ...returnMutations,
  archiveOrder: (_: unknown, args: Schema.MutationArchiveOrderArgs, context: OrderContext) =>
    archiveOrder(context.deps, asker(context), args),
  unarchiveOrder: (_: unknown, args: Schema.MutationUnarchiveOrderArgs, context: OrderContext) =>
    unarchiveOrder(context.deps, asker(context), args),
  advanceOrder: (_: unknown, args: Schema.MutationAdvanceOrderArgs, context: OrderContext) =>
    advanceOrder(context.deps, asker(context), args),
  fulfilOrder: (_: unknown, args: Schema.MutationFulfilOrderArgs, context: OrderContext) =>
    fulfilOrder(context.deps, asker(context), args),
  markDelivered: (_: unknown, args: Schema.MutationMarkDeliveredArgs, context: OrderContext) =>
    markDelivered(context.deps, asker(context), args),
  cancelFulfilment: (_: unknown, args: Schema.MutationCancelFulfilmentArgs, context: OrderContext) =>
    cancelFulfilment(context.deps, asker(context), args),
  redeemOrder: (_: unknown, args: Schema.MutationRedeemOrderArgs, context: OrderContext) =>
    redeemOrder(context.deps, asker(context), args),
  addOrderNote: (_: unknown, args: Schema.MutationAddOrderNoteArgs, context: OrderContext) =>
    addOrderNote(context.deps, asker(context), args),
  resolveAttention: (_: unknown, args: Schema.MutationResolveAttentionArgs, context: OrderContext) =>
    resolveAttention(context.deps, asker(context), args),
  ...priceMutations,
  eraseFromOrders: (_: unknown, { userId }: { userId: string }, { deps, viewer, traceId }: OrderContext) => {
    requireService(viewer, 'user');
    return eraseCustomer(deps, { customerId: userId, traceId });
  },
  retrySaga: (_: unknown, args: Schema.MutationRetrySagaArgs, context: OrderContext) =>
    retrySaga(context.deps, asker(context), args),
};

const Order = {
  async __resolveReference(reference: { id?: string; number?: string }, { loaders, viewer }: OrderContext) {
    if (reference.id !== undefined)
      return isId(reference.id) ? visible(viewer, await loaders.byId.load(reference.id)) : null;
    return reference.number === undefined ? null : visible(viewer, await loaders.byNumber.load(reference.number));
  },
  type: (order: StoredOrder, _: unknown, { deps }: OrderContext) => deps.types.get(order.type),
  placedBy: (order: StoredOrder) => order.placedBy && { __typename: 'User', id: order.placedBy },
  customer: (order: StoredOrder) => ({ __typename: 'User', id: order.customerId }),
  state: (order: StoredOrder, _: unknown, { deps }: OrderContext) => effectiveState(order, deps.now()),
  // The seller who redeems a booking gets the order, and needs nothing of what is the customer's.
  shippingAddress: (order: StoredOrder, _: unknown, { viewer }: OrderContext) =>
    mayRead(viewer, order.customerId) ? order.shippingAddress : null,
  billingAddress: (order: StoredOrder, _: unknown, { viewer }: OrderContext) =>
    mayRead(viewer, order.customerId) ? order.billingAddress : null,
  remark: (order: StoredOrder, _: unknown, { viewer }: OrderContext) =>
    mayRead(viewer, order.customerId) ? order.remark : null,
  extension: (order: StoredOrder, _: unknown, { viewer }: OrderContext) =>
    mayRead(viewer, order.customerId) ? order.extension : null,
  clientReference: (order: StoredOrder, _: unknown, { viewer }: OrderContext) =>
    mayRead(viewer, order.customerId) ? order.clientReference : null,
  async allowedActions(order: StoredOrder, _: unknown, context: OrderContext) {
    const { deps, viewer, loaders } = context;
    const [owner, staff] = [owns(viewer, order), isStaff(viewer)];
    const who = { owner, staff, mayReturn: (owner || staff) && (await hasReturnable(order, context)) };
    const saga = who.staff && mayBeStuck(order) ? await loaders.sagas.load(order.id) : null;
    return allowedActions(order, deps.now(), who, deps.types.get(order.type), saga?.state);
  },
  confirmationCode: (order: StoredOrder, _: unknown, { viewer }: OrderContext) =>
    (owns(viewer, order) || isNotifier(viewer)) && showsCode(order) ? order.confirmationCode : null,
  lines: (order: StoredOrder, _: unknown, { loaders }: OrderContext) =>
    loaders.lines.load(order.id).then((lines) => lines.map((line) => ({ ...line, currency: order.currency }))),
  ...orderCharges,
  subtotal: (order: StoredOrder) => amount(order.subtotalMinor, order.currency),
  total: (order: StoredOrder) => amount(order.totalMinor, order.currency),
  paidTotal: (order: StoredOrder) => amount(order.paidMinor, order.currency),
  refundedTotal: (order: StoredOrder) => amount(order.refundedMinor, order.currency),
  refundedTaxTotal: (order: StoredOrder) => amount(order.refundedTaxMinor, order.currency),
  refundPendingTotal: (order: StoredOrder) => amount(refundPendingMinor(order), order.currency),
  balanceDue: (order: StoredOrder, _: unknown, { deps }: OrderContext) =>
    amount(balanceDueMinor(order, deps.now()), order.currency),
  fulfilments: async (order: StoredOrder, _: unknown, { loaders, viewer }: OrderContext) => {
    const lines = await loaders.lines.load(order.id);
    const hidden = mayRead(viewer, order.customerId) ? {} : { trackingNumber: null, trackingUrl: null };
    return (await loaders.fulfilments.load(order.id)).map((fulfilment) => ({
      ...presentFulfilment(fulfilment, lines, order.currency),
      ...hidden,
    }));
  },
  async history(order: StoredOrder, args: Schema.OrderHistoryArgs, { loaders, viewer }: OrderContext) {
    const page = historyPage(order.id, args);
    const { afterSeq, first } = page;
    const isReader = mayRead(viewer, order.customerId);
    const entries = isReader ? await loaders.journals.load({ orderId: order.id, afterSeq, limit: first + 1 }) : [];
    return toHistory(entries.map((entry) => forReader(entry, isStaff(viewer))), page); // prettier-ignore
  },
  returns: returnsOfOrder,
  saga: (order: StoredOrder, _: unknown, { loaders, viewer }: OrderContext) =>
    mayRead(viewer, order.customerId) ? loaders.sagas.load(order.id) : null,
};

const presentFulfilment = (fulfilment: StoredFulfilment, lines: readonly StoredLine[], currency: string) => ({
  ...fulfilment,
  lines: fulfilment.lines.flatMap(({ lineId, quantity }) => {
    const line = lines.find(({ id }) => id === lineId);
    return line ? [{ line: { ...line, currency }, quantity }] : [];
  }),
});

type PresentedLine = StoredLine & { readonly currency: string };

const OrderLine = {
  product: (line: PresentedLine) => ({ __typename: 'Product', id: line.productId }),
  seller: (line: PresentedLine) => line.sellerId && { __typename: 'User', id: line.sellerId },
  returnableQuantity: (line: PresentedLine, _: unknown, context: OrderContext) => returnableOf(line, context),
  stayFrom: (line: PresentedLine) => line.stay?.from ?? null,
  stayTo: (line: PresentedLine) => line.stay?.to ?? null,
  nights: (line: PresentedLine) => line.stay && nightsOf(line.stay),
  guests: (line: PresentedLine) => line.stay?.guests ?? null,
  unitPrice: (line: PresentedLine) => amount(line.unitPriceMinor, line.currency),
  marketPrice: (line: PresentedLine) =>
    line.marketPriceMinor === null ? null : amount(line.marketPriceMinor, line.currency),
  addOns: (line: PresentedLine) => presentAddOns(line.addOns, line.currency),
  subtotal: (line: PresentedLine) => amount(line.subtotalMinor, line.currency),
  discount: (line: PresentedLine) => amount(line.discountMinor, line.currency),
  tax: (line: PresentedLine) => amount(line.taxMinor, line.currency),
  total: (line: PresentedLine) => amount(line.totalMinor, line.currency),
};

const OrderEvent = {
  actorType: (entry: JournalEntry) => entry.actor.type,
  actorId: (entry: JournalEntry) => entry.actor.id,
  hash: (entry: JournalEntry) => entry.hash.toString('hex'),
};

const OrderTypeResolvers = {
  paymentWindowSeconds: (type: OrderType, _: unknown, { deps }: OrderContext) =>
    type.paymentWindowSeconds ?? deps.config.paymentWindowSeconds,
  returnWindowDays: (type: OrderType, _: unknown, { deps }: OrderContext) =>
    type.returnWindowDays ?? deps.config.returnWindowDays,
  extensionSchema: (type: OrderType) => (type.extension ? type.extension.toJSONSchema() : null),
};

const SagaResolvers = {
  async __resolveReference(reference: { id: string }, { loaders, viewer }: OrderContext) {
    const saga = isId(reference.id) ? await loaders.sagaById.load(reference.id) : null;
    if (!saga) return null;
    return visible(viewer, await loaders.byId.load(saga.orderId)) ? saga : null;
  },
  order: async (saga: Saga, _: unknown, { loaders, viewer }: OrderContext) =>
    visible(viewer, await loaders.byId.load(saga.orderId)),
};

const User = {
  async orders(
    user: { id: string },
    given: Schema.UserOrdersArgs,
    { deps, loaders, viewer }: OrderContext,
    info: GraphQLResolveInfo,
  ) {
    if (!isId(user.id) || !mayRead(viewer, user.id)) throw notFound('There is no such user.');
    const args = givenPage(given, info);
    const { after, filter, last, before } = args;
    const plain = !after && !filter && isLeftOut(last) && isLeftOut(before);
    if (!plain) return listOrders(deps, { customerId: user.id }, args);
    const page = pageArguments({ first: args.first ?? 20 }, orderList({ customerId: user.id }));
    const rows = await loaders.newestOfCustomer.load({ customerId: user.id, limit: page.first + 1 });
    const list = () => listOrders(deps, { customerId: user.id }, { first: 1 });
    return {
      ...toPage(rows, page, (order) => [order.placedAt.toISOString(), order.id]),
      totalCount: async () => (await list()).totalCount(),
    };
  },
  __resolveReference: async (reference: { id: string }, { viewer }: OrderContext) =>
    isId(reference.id) && mayRead(viewer, reference.id) ? reference : null,
};

const PlaceOrderPayload = {
  saga: (payload: { order: StoredOrder | null; saga?: Saga | null }, _: unknown, { loaders }: OrderContext) =>
    payload.saga ?? (payload.order ? loaders.sagas.load(payload.order.id) : null),
};

/** The order subgraph's resolvers: authorise, call a command or a query, present. */
export const resolvers: ResolverMap = {
  ...scalars,
  Query,
  Mutation,
  Subscription,
  Order,
  OrderLine,
  OrderQuote: OrderQuoteResolvers,
  QuoteLine: QuoteLineResolvers,
  ShippingRate: ShippingRateResolvers,
  PostalAddress: postalAddressFields,
  OrderReturn: OrderReturnResolvers,
  SoldLine: SoldLineResolvers,
  OrderEvent,
  OrderType: OrderTypeResolvers,
  Promotion: PromotionResolvers,
  Saga: SagaResolvers,
  User,
  PlaceOrderPayload,
};
