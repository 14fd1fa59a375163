import type { OrderState, PaymentStatus } from '../../../../schema/generated/operations.ts';

export const stateText: Readonly<Record<OrderState, { text: string; tone: 'good' | 'bad' | 'wait' | '' }>> = {
  PLACING: { text: 'Placing', tone: '' },
  PENDING_PAYMENT: { text: 'Awaiting payment', tone: 'wait' },
  PAID: { text: 'Paid', tone: 'good' },
  PROCESSING: { text: 'In preparation', tone: 'good' },
  COMPLETED: { text: 'Completed', tone: 'good' },
  LAPSED: { text: 'Lapsed', tone: 'wait' },
  CANCELLED: { text: 'Cancelled', tone: '' },
  EXPIRED: { text: 'Expired', tone: '' },
  FAILED: { text: 'Failed', tone: 'bad' },
  NEEDS_ATTENTION: { text: 'Needs attention', tone: 'wait' },
  REFUNDED: { text: 'Refunded', tone: 'wait' },
};

/** Where an order stands. Money that is back outweighs how far its delivery came. */
export function StateBadge({ state, paymentStatus }: { state: OrderState; paymentStatus?: PaymentStatus }) {
  const { text, tone } = paymentStatus === 'REFUNDED' ? stateText.REFUNDED : stateText[state];
  return <span className={`badge ${tone}`}>{text}</span>;
}

const groups: Readonly<Record<string, { label: string; states: OrderState[] }>> = {
  pay: { label: 'To pay', states: ['PLACING', 'PENDING_PAYMENT'] },
  open: { label: 'Under way', states: ['PAID', 'PROCESSING', 'NEEDS_ATTENTION'] },
  done: { label: 'Done', states: ['COMPLETED', 'LAPSED'] },
  closed: { label: 'Closed', states: ['CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED'] },
};

/** States as a list can be narrowed to them: name and label. */
export const orderGroups = Object.entries(groups).map(([name, { label }]) => [name, label] as const);

/** The states of a group; null for all. */
export const groupStates = (name: string): OrderState[] | null => groups[name]?.states ?? null;

/** A code of the API for people: `PARTIALLY_FULFILLED` → "Partially fulfilled". */
export function inWords(code: string): string {
  const words = code
    .replaceAll(/[._]/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const deeds: Readonly<Record<string, string>> = {
  PartPaymentReceived: 'Part of the payment received',
  PaymentRefused: 'Payment came too late and goes back',
  PaymentAwaited: 'Payment on its way',
  AwaitingEnded: 'Payment did not come',
  RefundRecorded: 'Money given back',
  LinesFulfilled: 'Sent',
  LinesCancelled: 'Items taken off the order',
  RefundRequested: 'Money on its way back',
  FulfilmentDelivered: 'Arrived',
  FulfilmentCancelled: 'Lost on its way, to be sent again',
};

/** What happened, by the type of its event, where the order's state stayed. */
export const deedText = (type: string): string => deeds[type] ?? inWords(type);
