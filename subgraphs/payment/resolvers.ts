import { isStaff, mayRead, requireService } from '../shared/auth/viewer.ts';
import { forbidden } from '../shared/errors/errors.ts';
import { isId } from '../shared/values/ids.ts';
import { moneyToJson } from '../shared/values/money.ts';
import { plainJson } from '../shared/values/plain-json.ts';
import { scalars } from '../shared/values/scalars.ts';
import type { ResolverMap } from '../shared/engine/subgraph.ts';
import { type CaptureInput, capturePayment } from './commands/capture-payment.ts';
import { cancelPayment } from './commands/cancel-payment.ts';
import { type ChargeInput, type Step, chargeWallet, refundWalletCharge } from './commands/charge-wallet.ts';
import { type CreateMixedPaymentInput, createMixedPayment } from './commands/create-mixed-payment.ts';
import { type CreatePaymentInput, createPayment } from './commands/create-payment.ts';
import { creditTopUp } from './commands/credit-top-up.ts';
import { type CreditInput, creditWallet } from './commands/credit-wallet.ts';
import { type RefundInput, refundPayment } from './commands/refund-payment.ts';
import { replayWebhook } from './commands/replay-webhook.ts';
import { retryPayment } from './commands/retry-payment.ts';
import { settleBeforeClosing } from './commands/settle-before-closing.ts';
import { confirmRefund, retryRefund } from './commands/settle-refund.ts';
import { eraseCustomer, obstaclesOf, personalData } from './erasure/erase-customer.ts';
import { reconciliationOf } from './reconciliation.ts';
import type { PaymentContext } from './context.ts';
import { instrumentOf } from './domain/instrument.ts';
import type { PaymentState } from './domain/payment.ts';
import type { LedgerEntryRow } from './ledger/records.ts';
import { type WalletView, findWallet, listEntries } from './ledger/wallets.ts';
import type { RefundState } from './domain/refund.ts';
import { stateAt } from './orders.ts';
import {
  type PageInput, availablePaymentMethods, findVisiblePayment, listDisputes, listEvents, listPayments, listPaymentsOfUser, listRefunds, listWebhooks, watchPayments,
} from './queries.ts'; // prettier-ignore
import type { DisputeRow, PaymentEventRow, PaymentRow, RefundRow, WebhookOutcome, WebhookRow } from './records.ts';

type OrderStub = {
  readonly id: string;
  readonly state?: string;
  readonly expiresAt?: string | null;
  readonly customer?: { readonly id: string };
};
type Key = { readonly idempotencyKey: string };

const amount = (minor: bigint, of: { readonly currency: string }) =>
  moneyToJson({ amount: minor, currency: of.currency });

const operations: ResolverMap = {
  Query: {
    paymentErasureObstacles: (_: unknown, { userId }: { userId: string }, { deps, viewer }: PaymentContext) => {
      requireService(viewer, 'user');
      return obstaclesOf(deps, userId);
    },
    paymentPersonalData: async (_: unknown, { userId }: { userId: string }, { deps, viewer }: PaymentContext) => {
      requireService(viewer, 'user');
      return plainJson(await personalData(deps, userId));
    },
    payment: (_: unknown, by: { id?: string | null; number?: string | null }, context: PaymentContext) =>
      findVisiblePayment(context, by),
    availablePaymentMethods: (_: unknown, { orderId }: { orderId: string }, context: PaymentContext) =>
      availablePaymentMethods(context, orderId),
    payments: (_: unknown, input: PageInput & { state?: PaymentState[] | null }, context: PaymentContext) =>
      listPayments(context, input),
    refunds: (
      _: unknown,
      input: PageInput & { state?: RefundState[] | null; refused?: boolean | null },
      context: PaymentContext,
    ) => listRefunds(context, input),
    disputes: (_: unknown, input: PageInput, context: PaymentContext) => listDisputes(context, input),
    reconciliation: (_: unknown, { day }: { day: string }, context: PaymentContext) => reconciliationOf(context, day),
    webhookDeliveries: (
      _: unknown,
      input: PageInput & { outcome?: WebhookOutcome[] | null },
      context: PaymentContext,
    ) => listWebhooks(context, input),
  },
  Mutation: {
    createPayment: (
      _: unknown,
      { input, idempotencyKey }: Key & { input: CreatePaymentInput },
      context: PaymentContext,
    ) => createPayment(context.deps, context, input, idempotencyKey),
    createMixedPayment: (
      _: unknown,
      { input, idempotencyKey }: Key & { input: CreateMixedPaymentInput },
      context: PaymentContext,
    ) => createMixedPayment(context.deps, context, input, idempotencyKey),
    retryPayment: (_: unknown, { paymentId, idempotencyKey }: Key & { paymentId: string }, context: PaymentContext) =>
      retryPayment(context.deps, context, paymentId, idempotencyKey),
    cancelPayment: (
      _: unknown,
      { paymentId, idempotencyKey }: Key & { paymentId: string },
      { deps, ...asker }: PaymentContext,
    ) => cancelPayment(deps, asker, paymentId, idempotencyKey),
    capturePayment: (
      _: unknown,
      { idempotencyKey, ...input }: Key & CaptureInput,
      { deps, ...asker }: PaymentContext,
    ) => capturePayment(deps, asker, input, idempotencyKey),
    refundPayment: (
      _: unknown,
      { input, idempotencyKey }: Key & { input: RefundInput },
      { deps, ...asker }: PaymentContext,
    ) => refundPayment(deps, asker, input, idempotencyKey),
    chargeWallet: (_: unknown, input: ChargeInput, { deps, viewer, traceId }: PaymentContext) => {
      requireService(viewer, 'order');
      return chargeWallet(deps, input, traceId);
    },
    refundWalletCharge: (_: unknown, input: Step, { deps, viewer }: PaymentContext) => {
      requireService(viewer, 'order');
      return refundWalletCharge(deps, input);
    },
    creditTopUp: (_: unknown, input: { orderId: string; number: string }, { deps, viewer }: PaymentContext) => {
      requireService(viewer, 'order');
      return creditTopUp(deps, input);
    },
    settleBeforeClosing: (_: unknown, input: { orderIds: string[] }, { deps, viewer }: PaymentContext) => {
      requireService(viewer, 'order');
      return settleBeforeClosing(deps, input);
    },
    eraseFromPayments: (_: unknown, { userId }: { userId: string }, { deps, viewer }: PaymentContext) => {
      requireService(viewer, 'user');
      return eraseCustomer(deps, userId);
    },
    creditWallet: (_: unknown, { idempotencyKey, ...input }: Key & CreditInput, context: PaymentContext) =>
      creditWallet(context.deps, context, input, idempotencyKey),
    retryRefund: (
      _: unknown,
      { refundId, idempotencyKey }: Key & { refundId: string },
      { deps, ...asker }: PaymentContext,
    ) => retryRefund(deps, asker, refundId, idempotencyKey),
    confirmRefund: (
      _: unknown,
      { refundId, reference, idempotencyKey }: Key & { refundId: string; reference: string },
      { deps, ...asker }: PaymentContext,
    ) => confirmRefund(deps, asker, { refundId, reference }, idempotencyKey),
    replayWebhook: (
      _: unknown,
      { deliveryId, idempotencyKey }: Partial<Key> & { deliveryId: string },
      { deps, ...asker }: PaymentContext,
    ) => replayWebhook(deps, asker, deliveryId, idempotencyKey),
  },
  Subscription: {
    paymentUpdated: {
      subscribe: (_: unknown, { orderId }: { orderId: string }, context: PaymentContext) =>
        watchPayments(context, orderId),
    },
  },
};

const entityResolvers = (publicUrl: string): ResolverMap => ({
  Order: {
    __resolveReference: (order: OrderStub) => order,
    payments: async ({ id }: OrderStub, _: unknown, { viewer, loaders }: PaymentContext) =>
      isId(id) ? (await loaders.paymentsOfOrder.load(id)).filter(({ customerId }) => mayRead(viewer, customerId)) : [],
    refunds: async ({ id }: OrderStub, _: unknown, { viewer, loaders }: PaymentContext) =>
      isId(id) ? (await loaders.refundsOfOrder.load(id)).filter(({ customerId }) => mayRead(viewer, customerId)) : [],
    payUrl: ({ id, state, expiresAt, customer }: OrderStub, _: unknown, { viewer, deps }: PaymentContext) => {
      if (!isId(id) || state === undefined || !customer || !mayRead(viewer, customer.id)) return null;
      const deadline = expiresAt === null || expiresAt === undefined ? null : new Date(expiresAt);
      return stateAt({ state, expiresAt: deadline }, deps.now()) === 'PENDING_PAYMENT'
        ? `${publicUrl}/pay/${id}`
        : null;
    },
  },
  User: {
    __resolveReference: (user: { id: string }) => user,
    payments: ({ id }: { id: string }, input: PageInput, context: PaymentContext) => {
      if (!isId(id) || !mayRead(context.viewer, id)) throw forbidden('Only the user and staff may see these payments.');
      return listPaymentsOfUser(context, id, input);
    },
    wallet: ({ id }: { id: string }, { currency }: { currency?: string | null }, { deps, viewer }: PaymentContext) => {
      if (!isId(id) || !mayRead(viewer, id)) throw forbidden('Only the user and staff may see this wallet.');
      return findWallet(deps.db.em(), id, currency ?? null);
    },
  },
});

const paymentResolvers: ResolverMap = {
  Payment: {
    __resolveReference: async ({ id }: { id: string }, { viewer, loaders }: PaymentContext) => {
      const payment = isId(id) ? await loaders.payment.load(id) : null;
      return payment && mayRead(viewer, payment.customerId) ? payment : null;
    },
    order: ({ orderId }: PaymentRow) => ({ __typename: 'Order', id: orderId }),
    customer: ({ customerId }: PaymentRow) => ({ __typename: 'User', id: customerId }),
    amount: (payment: PaymentRow) => amount(payment.amountMinor, payment),
    authorized: (payment: PaymentRow) => amount(payment.state === 'AUTHORIZED' ? payment.amountMinor : 0n, payment),
    captured: (payment: PaymentRow) => amount(payment.capturedMinor, payment),
    refunded: (payment: PaymentRow) => amount(payment.refundedMinor, payment),
    instrument: async ({ id, method }: PaymentRow, _: unknown, { loaders }: PaymentContext) =>
      instrumentOf(method, await loaders.attemptsOfPayment.load(id)),
    attempts: ({ id }: PaymentRow, _: unknown, { loaders }: PaymentContext) => loaders.attemptsOfPayment.load(id),
    refunds: ({ id }: PaymentRow, _: unknown, { loaders }: PaymentContext) => loaders.refundsOfPayment.load(id),
    disputes: ({ id }: PaymentRow, _: unknown, { loaders, viewer }: PaymentContext) =>
      isStaff(viewer) ? loaders.disputesOfPayment.load(id) : [],
    events: async (payment: PaymentRow, input: PageInput, context: PaymentContext) => {
      const page = await listEvents(context, payment.id, input);
      return {
        ...page,
        edges: page.edges.map((edge) => ({ ...edge, node: { ...edge.node, currency: payment.currency } })),
      };
    },
  },
  PaymentAttempt: {
    providerTransactionId: ({ providerIntentId }: { providerIntentId: string | null }) => providerIntentId,
  },
  Refund: {
    __resolveReference: async ({ id }: { id: string }, { viewer, loaders }: PaymentContext) => {
      const refund = isId(id) ? await loaders.refund.load(id) : null;
      return refund && mayRead(viewer, refund.customerId) ? refund : null;
    },
    payment: ({ paymentId }: RefundRow, _: unknown, { loaders }: PaymentContext) => loaders.payment.load(paymentId),
    amount: (refund: RefundRow) => amount(refund.amountMinor, refund),
    failureMessage: ({ failure }: RefundRow) => failure,
  },
  Dispute: {
    payment: ({ paymentId }: DisputeRow, _: unknown, { loaders }: PaymentContext) => loaders.payment.load(paymentId),
    amount: (dispute: DisputeRow) => amount(dispute.amountMinor, dispute),
  },
  PaymentEvent: {
    id: ({ paymentId, seq }: PaymentEventRow) => `${paymentId}:${seq}`,
    amount: (event: PaymentEventRow & { currency: string }) =>
      event.amountMinor === null || event.amountMinor === undefined ? null : amount(event.amountMinor, event),
  },
  WebhookDelivery: {
    payment: ({ paymentId }: Pick<WebhookRow, 'paymentId'>, _: unknown, { loaders }: PaymentContext) =>
      paymentId ? loaders.payment.load(paymentId) : null,
  },
};

const walletResolvers: ResolverMap = {
  Wallet: {
    balance: (wallet: WalletView) => amount(wallet.balanceMinor, wallet),
    held: (wallet: WalletView) => amount(wallet.heldMinor, wallet),
    entries: async ({ id, currency }: WalletView, input: PageInput, { deps }: PaymentContext) => {
      const page = await listEntries(deps.db.em(), id, input);
      return { ...page, edges: page.edges.map((edge) => ({ ...edge, node: { ...edge.node, currency } })) };
    },
  },
  LedgerEntry: {
    id: ({ accountId, seq }: LedgerEntryRow) => `${accountId}:${seq}`,
    seq: ({ seq }: LedgerEntryRow) => Number(seq),
    direction: ({ amountMinor }: LedgerEntryRow) => (amountMinor < 0n ? 'DEBIT' : 'CREDIT'),
    amount: ({ amountMinor, ...entry }: LedgerEntryRow & { currency: string }) =>
      amount(amountMinor < 0n ? -amountMinor : amountMinor, entry),
    balanceAfter: (entry: LedgerEntryRow & { currency: string }) => amount(entry.balanceAfterMinor, entry),
  },
};

/** Resolvers authorise, call a command or a query, return. `publicUrl` is the origin of the payment page. */
export const createResolvers = (publicUrl: string): ResolverMap => ({
  ...scalars,
  ...operations,
  ...entityResolvers(publicUrl),
  ...paymentResolvers,
  ...walletResolvers,
});
