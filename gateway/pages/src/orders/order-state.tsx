import type { OrderState, PaymentStatus } from '../../../../schema/generated/operations.ts';
import { t } from '../language/catalogue.ts';

export const stateTone: Readonly<Record<OrderState, 'good' | 'bad' | 'wait' | ''>> = {
  PLACING: '',
  PENDING_PAYMENT: 'wait',
  PAID: 'good',
  PROCESSING: 'good',
  COMPLETED: 'good',
  LAPSED: 'wait',
  CANCELLED: '',
  EXPIRED: '',
  FAILED: 'bad',
  NEEDS_ATTENTION: 'wait',
  REFUNDED: 'wait',
};

/** Where an order stands, for people. */
export const stateText = (state: OrderState): string => t().orders.states[state];

/** Where an order stands. Money that is back outweighs how far its delivery came. */
export function StateBadge({ state, paymentStatus }: { state: OrderState; paymentStatus?: PaymentStatus }) {
  const shown = paymentStatus === 'REFUNDED' ? paymentStatus : state;
  return <span className={`badge ${stateTone[shown]}`}>{stateText(shown)}</span>;
}

type Group = 'pay' | 'open' | 'done' | 'closed';
const groups: Readonly<Record<Group, OrderState[]>> = {
  pay: ['PLACING', 'PENDING_PAYMENT'],
  open: ['PAID', 'PROCESSING', 'NEEDS_ATTENTION'],
  done: ['COMPLETED', 'LAPSED'],
  closed: ['CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED'],
};
const isGroup = (name: string): name is Group => Object.hasOwn(groups, name);

/** States as a list can be narrowed to them: name and label. */
export const orderGroups = (): readonly (readonly [name: string, label: string])[] =>
  Object.keys(groups)
    .filter(isGroup)
    .map((name) => [name, t().orders.groups[name]] as const);

/** The states of a group; null for all. */
export const groupStates = (name: string): OrderState[] | null => (isGroup(name) ? groups[name] : null);

/** A code of the API for people: `PARTIALLY_FULFILLED` → "Partially fulfilled". */
export function inWords(code: string): string {
  const words = code
    .replaceAll(/[._-]/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What happened, by the type of its event, where the order's state stayed. */
export const deedText = (type: string): string => t().orders.deeds[type] ?? inWords(type);
