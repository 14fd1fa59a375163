import type { OrderState, ReturnState } from '../../../../schema/generated/operations.ts';
import type { Order } from '../types.ts';

/** What an order is about, in the words that its page uses. */
export type Subject = 'goods' | 'stay' | 'digital' | 'topUp';

const subjects: Readonly<Record<string, Subject>> = { BOOKING: 'stay', DIGITAL: 'digital', TOPUP: 'topUp' };

/** Goods beside downloads are goods: they are sent. */
export function subjectOf({ type, lines }: Pick<Order, 'type' | 'lines'>): Subject {
  const known = subjects[type.code];
  if (known !== undefined) return known;
  return lines.length > 0 && lines.every(({ product }) => product?.kind === 'DIGITAL') ? 'digital' : 'goods';
}

type Words = {
  /** Heading over the lines. */
  readonly what: string;
  readonly placed: string;
  readonly waiting: string;
  /** What comes after paying. */
  readonly next: string;
  readonly done: string;
  readonly doneText: string;
  readonly cancel: string;
};

export const words: Readonly<Record<Subject, Words>> = {
  goods: {
    what: 'What was ordered',
    placed: 'Order placed',
    waiting: 'Set aside for you, waiting for payment',
    next: 'Thank you. We pack your order now, and tell you when it is on its way.',
    done: 'Completed',
    doneText: 'Thank you. Everything was sent.',
    cancel: 'Nothing of this order was sent yet. What you paid goes back by itself.',
  },
  stay: {
    what: 'Your stay',
    placed: 'Stay booked',
    waiting: 'Nights held for you, waiting for payment',
    next: 'Thank you. Your stay is booked. Show your code when you arrive.',
    done: 'Checked in',
    doneText: 'You were checked in. Have a good stay.',
    cancel: 'A stay can be cancelled up to its first day. What you paid goes back by itself.',
  },
  digital: {
    what: 'What was ordered',
    placed: 'Order placed',
    waiting: 'Waiting for payment',
    next: 'Thank you. Your download is being made ready.',
    done: 'Ready',
    doneText: 'Thank you. Your download is yours.',
    cancel: 'Nothing was handed over yet. What you paid goes back by itself.',
  },
  topUp: {
    what: 'Top-up',
    placed: 'Top-up ordered',
    waiting: 'Waiting for payment',
    next: 'Thank you. The money is on its way into your wallet.',
    done: 'In your wallet',
    doneText: 'Thank you. The money is in your wallet.',
    cancel: 'The money is not in your wallet yet. What you paid goes back by itself.',
  },
};

/** How the delivery stands, for people; null where the state says it already. */
export function deliveryText(order: Pick<Order, 'type' | 'lines' | 'fulfilmentStatus' | 'state'>): string | null {
  if (subjectOf(order) !== 'goods') return null;
  return deliveries[order.fulfilmentStatus] ?? null;
}

const deliveries: Readonly<Record<string, string>> = {
  UNFULFILLED: 'Not sent yet',
  PARTIALLY_FULFILLED: 'A part is on its way',
  FULFILLED: 'Everything was sent',
  PARTIALLY_RETURNED: 'A part came back',
  RETURNED: 'Everything came back',
};

const paymentTexts: Readonly<Record<string, string>> = {
  NOT_REQUIRED: 'Nothing to pay',
  UNPAID: 'Not paid yet',
  AUTHORIZED: 'Set aside by your bank',
  PARTIALLY_PAID: 'Paid in part',
  PAID: 'Paid',
  OVERPAID: 'Paid more than was due',
  PARTIALLY_REFUNDED: 'Given back in part',
  REFUNDED: 'Given back',
  VOIDED: 'Nothing was charged',
};

export const paymentText = ({ paymentStatus }: Pick<Order, 'paymentStatus'>): string =>
  paymentTexts[paymentStatus] ?? paymentStatus;

const methods: Readonly<Record<string, string>> = {
  WALLET: 'wallet',
  SIMULATED_CARD: 'card',
  STRIPE: 'card or account, by Stripe',
  ALIPAY: 'Alipay',
  WECHAT_PAY: 'WeChat Pay',
  BANK_TRANSFER: 'bank transfer',
};
export const methodText = (method: string): string => methods[method] ?? method;

/** States in which nothing more becomes of an order. */
export const isOver = (state: OrderState): boolean =>
  ['COMPLETED', 'LAPSED', 'CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED'].includes(state);

export const returnStates: Readonly<Record<ReturnState, { text: string; tone: 'good' | 'bad' | 'wait' | ''; next: string }>> = {
  REQUESTED: { text: 'Asked for', tone: 'wait', next: 'The shop looks at it.' },
  APPROVED: { text: 'Approved', tone: 'wait', next: 'Send the goods back; we tell you when they are here.' },
  REJECTED: { text: 'Refused', tone: 'bad', next: '' },
  RECEIVED: { text: 'Received', tone: 'good', next: 'The goods are back.' },
  REFUNDED: { text: 'Refunded', tone: 'good', next: 'The goods are back, and so is your money.' },
  CANCELLED: { text: 'Taken back', tone: '', next: '' },
}; // prettier-ignore
