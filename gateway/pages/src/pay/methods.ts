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

const over: readonly Payment['state'][] = ['CANCELLED', 'EXPIRED', 'PARTIALLY_REFUNDED', 'REFUNDED'];

/** The order knows of all the money that came in: what is still due then is for another payment. */
const hasHeard = ({ payments, paidTotal }: Pick<Order, 'payments' | 'paidTotal'>): boolean =>
  payments.reduce((sum, { state, captured }) => sum + (state === 'SETTLED' ? captured.amount : 0), 0) <=
  paidTotal.amount;

/** The payment of the order at somebody outside, when one was started, and neither given up nor done with its part. */
export function externalPayment(order: Pick<Order, 'payments' | 'paidTotal'>): ExternalPayment | undefined {
  const done = hasHeard(order) ? [...over, 'SETTLED'] : over;
  return order.payments.findLast(
    (payment): payment is ExternalPayment => isExternal(payment.method) && !done.includes(payment.state),
  );
}

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
