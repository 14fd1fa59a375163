import { t } from '../language/catalogue.ts';
import type { Order, Payment } from '../types.ts';

/** A method that asks somebody outside for the money. */
export type External = Exclude<Payment['method'], 'WALLET' | 'NONE'>;

/** In the order in which they are offered. */
const externals: readonly External[] = ['STRIPE', 'SIMULATED_CARD', 'WECHAT_PAY', 'ALIPAY', 'BANK_TRANSFER'];

export const externalsIn = (methods: readonly Payment['method'][]): readonly External[] =>
  externals.filter((method) => methods.includes(method));

const isExternal = (method: Payment['method']): method is External => externals.some((external) => external === method);

export type ExternalPayment = Payment & { readonly method: External };

const over: readonly Payment['state'][] = ['CANCELLED', 'EXPIRED'];

/** The payment of the order at somebody outside, when one was started and not given up. */
export const externalPayment = (order: Pick<Order, 'payments'>): ExternalPayment | undefined =>
  order.payments.findLast(
    (payment): payment is ExternalPayment => isExternal(payment.method) && !over.includes(payment.state),
  );

/** What a method is called where one is chosen. */
export const methodLabel = (method: External): string =>
  ({
    STRIPE: t().pay.stripe,
    SIMULATED_CARD: t().pay.card,
    WECHAT_PAY: t().pay.wechat,
    ALIPAY: t().pay.alipay,
    BANK_TRANSFER: t().pay.transfer,
  })[method];

/** The texts among what a provider gave for paying. */
export const textsOf = (params: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(params ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
