import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, isEnumType } from 'graphql';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const api = buildSchema(read('schema/api.graphql'));

const words = (text: string): string[] => text.split(' ');

/** Where the product gives or takes each value: code, in which types count for nothing. */
const places: Readonly<Record<string, Readonly<Record<string, string[]>>>> = {
  ActorType: {
    'subgraphs/order/commands/context.ts': words('CUSTOMER STAFF'),
    'subgraphs/order/consumers.ts': words('SERVICE PROVIDER'),
    'subgraphs/order/saga.ts': ['SYSTEM'],
  },
  AttemptState: {
    'subgraphs/payment/attempt-store.ts': ['CREATED'],
    'subgraphs/payment/commands/submit-attempt.ts': ['REQUIRES_ACTION'],
    'subgraphs/payment/domain/payment.ts': words('PENDING AUTHORIZED SUCCEEDED FAILED CANCELLED EXPIRED'),
  },
  CacheControlScope: { 'schema/product.graphql': ['PUBLIC'], 'gateway/cache/cache-policy.ts': ['PRIVATE'] },
  CancelReason: {
    'subgraphs/order/commands/cancel-order.ts': words('CUSTOMER MERCHANT'),
    'subgraphs/order/domain/change.ts': ['PAYMENT_TIMEOUT'],
    'subgraphs/order/saga.ts': ['SAGA_ROLLBACK'],
    'subgraphs/order/steps/reserve-stock.ts': ['OUT_OF_STOCK'],
    'subgraphs/order/steps/charge-wallet.ts': ['INSUFFICIENT_BALANCE'],
  },
  DeliveryState: {
    'subgraphs/user/webhooks/record-attempt.ts': words('SENT FAILED DEAD'),
    'subgraphs/user/webhooks/webhook-events.ts': ['PENDING'],
    'subgraphs/user/notifications/delivery-store.ts': words('PENDING FAILED'),
    'subgraphs/user/notifications/deliver.ts': words('SENT DEAD'),
  },
  DisputeState: { 'subgraphs/payment/commands/apply-dispute.ts': words('OPEN LOST'), 'subgraphs/payment/providers/stripe-facts.ts': ['WON'] }, // prettier-ignore
  FulfilmentStatus: {
    'subgraphs/order/commands/place-order.ts': words('UNFULFILLED NOT_REQUIRED'),
    'subgraphs/order/domain/fulfilment.ts': words('PARTIALLY_FULFILLED FULFILLED'),
    'subgraphs/order/domain/returning.ts': words('PARTIALLY_RETURNED RETURNED'),
  },
  Gender: { 'subgraphs/user/records.ts': words('UNSPECIFIED MALE FEMALE') },
  IdentityType: {
    'subgraphs/user/identities/resolvers.ts': ['MOBILE'],
    'subgraphs/user/identities/oidc.ts': ['OIDC'],
    'subgraphs/user/identities/wechat.ts': ['WX_MINI'],
  },
  LedgerDirection: { 'subgraphs/payment/resolvers.ts': words('DEBIT CREDIT') },
  Locale: { 'subgraphs/user/domain/locale.ts': words('EN DE') },
  NotificationChannel: {
    'subgraphs/user/notifications/queries.ts': ['IN_APP'],
    'subgraphs/user/notifications/senders.ts': words('EMAIL SMS'),
  },
  NotificationKind: {
    'subgraphs/user/notifications/notification-events.ts': words(
      'ORDER_PAID CHECK_IN_CODE ORDER_SHIPPED ORDER_DELIVERED ORDER_CANCELLED ORDER_EXPIRED ORDER_REFUNDED RETURN_DECIDED PAYMENT_ACTION_NEEDED LOW_STOCK',
    ),
    'subgraphs/user/notifications/kinds.ts': words('PASSWORD_RESET INVITATION EMAIL_VERIFICATION'),
    'subgraphs/user/webhooks/record-attempt.ts': ['WEBHOOK_DISABLED'],
  },
  OpenOrderMeasure: { 'subgraphs/order/open-orders.ts': words('ORDERS UNITS') },
  OrderAction: {
    'subgraphs/order/domain/actions.ts': words('PAY CANCEL REDEEM ADVANCE FULFIL RETURN REFUND ARCHIVE RETRY RESOLVE'),
  },
  OrderSortKey: { 'subgraphs/order/queries.ts': words('PLACED_AT UPDATED_AT TOTAL NUMBER') },
  OrderState: {
    'subgraphs/order/domain/order.ts': words('PLACING PENDING_PAYMENT PAID PROCESSING COMPLETED LAPSED CANCELLED EXPIRED FAILED NEEDS_ATTENTION REFUNDED'),
  }, // prettier-ignore
  PayFlow: { 'subgraphs/order/types/prepay.ts': ['PREPAY_WALLET'], 'subgraphs/order/types/define-order-type.ts': ['ORDER_THEN_PAY'] }, // prettier-ignore
  PaymentMethod: {
    'subgraphs/payment/commands/create-payment.ts': ['WALLET'],
    'subgraphs/payment/providers/open-providers.ts': words('SIMULATED_CARD STRIPE ALIPAY WECHAT_PAY BANK_TRANSFER'),
  },
  PaymentState: {
    'subgraphs/payment/domain/payment.ts': words('OPEN PROCESSING AUTHORIZED SETTLED FAILED CANCELLED EXPIRED PARTIALLY_REFUNDED REFUNDED'),
  }, // prettier-ignore
  PaymentStatus: {
    'subgraphs/order/domain/order.ts': words('NOT_REQUIRED UNPAID AUTHORIZED PARTIALLY_PAID PAID OVERPAID PARTIALLY_REFUNDED REFUNDED VOIDED'),
  }, // prettier-ignore
  ProductKind: { 'subgraphs/product/domain/product.ts': words('STOCKED BOOKABLE'), 'subgraphs/order/types/digital.ts': ['DIGITAL'] }, // prettier-ignore
  ProductSort: { 'subgraphs/product/product-list-store.ts': words('CREATED_AT PRICE NAME POPULARITY RELEVANCE') },
  ProductStatus: {
    'subgraphs/product/domain/product-list.ts': words('DRAFT ON_SALE OFF_SALE'),
    'subgraphs/product/domain/product.ts': ['ARCHIVED'],
  },
  PromotionKind: { 'subgraphs/order/domain/pricing/promotion.ts': words('PERCENT FIXED FREE_SHIPPING BUY_X_GET_Y') },
  RefundOrigin: {
    'subgraphs/payment/records.ts': ['PLATFORM'],
    'subgraphs/payment/commands/apply-own-refund.ts': ['PROVIDER'],
    'subgraphs/payment/commands/apply-dispute.ts': ['DISPUTE'],
  },
  RefundState: {
    'subgraphs/payment/refund-store.ts': ['REQUESTED'],
    'subgraphs/payment/domain/refund.ts': words('PENDING SUCCEEDED FAILED'),
  },
  ReportInterval: { 'subgraphs/order/domain/sales.ts': words('DAY WEEK MONTH') },
  ReservationState: {
    'subgraphs/product/commands/reserve-stock.ts': ['HELD'],
    'subgraphs/product/domain/stock.ts': words('COMMITTED RELEASED EXPIRED'),
  },
  ReturnState: {
    'subgraphs/order/domain/return-model.ts': words('REQUESTED APPROVED REJECTED RECEIVED REFUNDED CANCELLED'),
  },
  Role: { 'subgraphs/shared/auth/viewer.ts': words('CUSTOMER MERCHANT OPERATOR ADMIN') },
  SagaState: { 'subgraphs/order/domain/saga.ts': words('RUNNING SUCCEEDED COMPENSATING COMPENSATED STUCK') },
  SortDirection: {
    'subgraphs/product/product-list-store.ts': ['ASC'],
    'subgraphs/product/domain/product-list.ts': ['DESC'],
  },
  StepState: { 'subgraphs/order/domain/saga.ts': words('PENDING RUNNING DONE SKIPPED FAILED') },
  StockMovementType: {
    'subgraphs/product/commands/change-stock.ts': ['ADJUST'],
    'subgraphs/product/stock-store.ts': ['RECEIVE'],
    'subgraphs/product/commands/reserve-stock.ts': ['HOLD'],
    'subgraphs/product/domain/stock.ts': words('COMMIT RELEASE EXPIRE RETURN'),
  },
  TradeType: { 'subgraphs/payment/payers.ts': words('NATIVE JSAPI') },
  UserStatus: {
    'subgraphs/user/administration/reset-password.ts': ['ACTIVE'],
    'subgraphs/user/administration/account-store.ts': ['INVITED'],
    'subgraphs/user/administration/suspend-user.ts': ['SUSPENDED'],
    'subgraphs/user/erasure/erasure-store.ts': ['ERASED'],
  },
  WebhookOutcome: {
    'subgraphs/payment/commands/receive-webhook.ts': words('APPLIED DUPLICATE STALE REJECTED_AMOUNT UNKNOWN_PAYMENT LATE_AUTO_REFUNDED ERROR'),
    'subgraphs/payment/webhooks.ts': ['REJECTED_SIGNATURE'],
  }, // prettier-ignore
};

/** Names of the contract that nothing gives yet, and what will; their descriptions say so to clients. */
const reserved: Readonly<Record<string, string>> = {
  'CancelReason.BUSINESS_REJECTED': 'cancelling after paying: the issue on what happens after paying',
  'CancelReason.FRAUD': 'cancelling after paying: the issue on what happens after paying',
  'CancelReason.PAYMENT_FAILED': 'no payment fails for good before its order expires',
  'PayFlow.NONE': 'an order that costs nothing is paid when it is placed, whatever its type',
  'PaymentMethod.NONE': 'an order that costs nothing has no payment',
  'PayFlow.MIXED': 'any order can be paid in parts, so no type has to be',
};
const saysSo = /No (order|type|payment) has it|Not offered/;

/** Code without its types and comments, SDL without its descriptions: a value that only a type names is given by nobody. */
const codeOf = (path: string): string =>
  path.endsWith('.ts')
    ? stripTypeScriptTypes(read(path)).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
    : read(path).replaceAll(/"""[^]*?"""|"[^"\n]*"/g, '');
const names = (path: string, value: string): boolean =>
  (path.endsWith('.ts') ? new RegExp(`['"]${value}['"]|\\b${value}: `) : new RegExp(`: ${value}\\b`)).test(
    codeOf(path),
  );

const enums = Object.values(api.getTypeMap()).filter(isEnumType).filter(({ name }) => !name.startsWith('__')); // prettier-ignore
const values = enums.flatMap((type) => type.getValues().map((value) => ({ type: type.name, ...value })));

describe('every value of every enum', () => {
  test.each(values.map((value) => [`${value.type}.${value.name}`, value] as const))('%s', (name, value) => {
    const own = Object.entries(places[value.type] ?? {}).filter(([, given]) => given.includes(value.name));
    if (own.length === 0) {
      // Given nowhere: then that is known here, and told to clients.
      expect([name, reserved[name]]).toEqual([name, expect.any(String)]);
      expect(value.description).toMatch(saysSo);
      return;
    }
    expect(reserved[name]).toBeUndefined();
    expect(value.description).not.toMatch(saysSo);
    for (const [path] of own) expect([path, names(path, value.name)]).toEqual([path, true]);
  });

  test('no place is named for a value that is not there', () => {
    const listed = Object.entries(places).flatMap(([type, files]) => Object.values(files).flat().map((value) => `${type}.${value}`)); // prettier-ignore
    const known = values.map(({ type, name }) => `${type}.${name}`);
    expect([...listed, ...Object.keys(reserved)].filter((name) => !known.includes(name))).toEqual([]);
  });
});
