import { z } from 'zod';
import type { Sql } from '../../shared/database/statements.ts';
import type { EventHandler } from '../../shared/events/handle-events.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { Live } from '../../shared/process/live.ts';
import type { DomainEvent } from '../../shared/tables/outbox.ts';
import type { EventPart } from '../events.ts';
import { notificationChannel } from './channels.ts';
import type { NotificationKind } from './kinds.ts';
import type { Facts } from './notification.ts';
import { isActingMerchant, readStaffIds } from './recipient-store.ts';
import { type TellDeps, tell } from './tell.ts';

type EventDeps = TellDeps & {
  readonly live: Live;
  /** Has what is due sent now. */
  readonly wake: () => void;
};

/** As many members of staff are told of a product that runs out. */
const maxStaffTold = 100;

const text = z.string().nullish().transform((value) => value ?? undefined); // prettier-ignore
const amount = { amountMinor: z.int().optional(), currency: z.string().optional() };
/** Payments' events of earlier releases don't say whose they are. */
const ofOrder = z.object({ orderId: z.uuid(), customerId: z.uuid().nullish(), number: text });
const shapes = {
  'order.paid': ofOrder.extend({ redeemable: z.boolean().optional() }),
  'order.shipped': ofOrder.extend({ fulfilmentId: z.uuid(), carrier: text, trackingNumber: text, trackingUrl: text }),
  'order.delivered': ofOrder.extend({ fulfilmentId: z.uuid() }),
  'order.closed': ofOrder.extend({ state: z.string() }),
  'order.return_decided': ofOrder.extend({ orderNumber: text, approved: z.boolean(), reason: text }),
  'payment.refunded': ofOrder.extend({ ...amount }),
  'payment.failed': ofOrder.extend({ reason: z.string() }),
  'payment.awaited': ofOrder.extend({ ...amount, method: z.string(), until: z.iso.datetime() }),
  'product.low_stock': z.object({
    productId: z.uuid(),
    name: z.string(),
    available: z.int(),
    sellerId: z.uuid().nullish(),
  }),
} as const;
type Shapes = typeof shapes;
type DataOf<Type extends keyof Shapes> = z.output<Shapes[Type]>;

type Told = { readonly kind: NotificationKind; readonly facts: Facts };
type CustomerEvent = Exclude<keyof Shapes, 'product.low_stock'>;

/** A payment that its customer, or the clock, has ended needs nothing of the customer. */
const endedByItself: ReadonlySet<string> = new Set(['cancelled', 'expired']);

/** What a customer is told of an event; null for nothing. */
const toldOf: { readonly [Type in CustomerEvent]: (data: DataOf<Type>) => Told | null } = {
  'order.paid': ({ number, redeemable }) => ({
    kind: redeemable === true ? 'CHECK_IN_CODE' : 'ORDER_PAID',
    facts: { number },
  }),
  'order.shipped': ({ number, fulfilmentId, carrier, trackingNumber, trackingUrl }) => ({
    kind: 'ORDER_SHIPPED',
    facts: { number, fulfilmentId, carrier, trackingNumber, trackingUrl },
  }),
  'order.delivered': ({ number, fulfilmentId }) => ({ kind: 'ORDER_DELIVERED', facts: { number, fulfilmentId } }),
  // REFUNDED: the refund itself is told. FAILED: whoever placed it was answered so.
  'order.closed': ({ number, state }) =>
    state === 'CANCELLED'
      ? { kind: 'ORDER_CANCELLED', facts: { number } }
      : state === 'EXPIRED'
        ? { kind: 'ORDER_EXPIRED', facts: { number } }
        : null,
  'order.return_decided': ({ number, orderNumber, approved, reason }) => ({
    kind: 'RETURN_DECIDED',
    facts: { number: orderNumber, returnNumber: number, approved, reason },
  }),
  'payment.refunded': ({ number, amountMinor, currency }) => ({
    kind: 'ORDER_REFUNDED',
    facts: { number, amountMinor, currency },
  }),
  'payment.failed': ({ number, reason }) =>
    endedByItself.has(reason) ? null : { kind: 'PAYMENT_ACTION_NEEDED', facts: { number } },
  // Others wait for their provider, not for the customer.
  'payment.awaited': ({ number, method, until, amountMinor, currency }) =>
    method === 'BANK_TRANSFER'
      ? { kind: 'PAYMENT_ACTION_NEEDED', facts: { number, until, amountMinor, currency } }
      : null,
};

/** What people are told of the events of orders, payments and products, each at most once. */
export function notificationEvents(deps: EventDeps): EventPart {
  const told = new WeakMap<DomainEvent, readonly string[]>();
  const tellCustomer =
    <Type extends CustomerEvent>(type: Type): EventHandler =>
    async (tx, event) => {
      const data = shapes[type].parse(event.data) as DataOf<Type>;
      const news = toldOf[type](data);
      const { customerId: userId, orderId } = data;
      const isTold = news && userId && (await tell(tx, deps, { ...news, ...causeOf(event), userId, orderId }));
      told.set(event, isTold ? [userId] : []);
    };
  return {
    handlers: {
      ...Object.fromEntries(
        (Object.keys(toldOf) as CustomerEvent[]).map((type): [string, EventHandler] => [type, tellCustomer(type)]),
      ),
      'product.low_stock': async (tx, event) => void told.set(event, await tellStaff(tx, deps, event)),
    },
    onHandled(event) {
      failPoint(`user.told.${event.type}`);
      const userIds = told.get(event) ?? [];
      for (const userId of userIds) deps.live.publish(notificationChannel(userId), '');
      if (userIds.length > 0) deps.wake();
    },
  };
}

const causeOf = (event: DomainEvent) => ({ eventId: event.id, at: new Date(event.at) });

/** Staff, and the product's seller as long as the account can sell. */
async function tellStaff(tx: Sql, deps: TellDeps, event: DomainEvent): Promise<string[]> {
  const { name: product, available, sellerId } = shapes['product.low_stock'].parse(event.data);
  const staff = await readStaffIds(tx, ['OPERATOR', 'ADMIN'], maxStaffTold);
  const seller = sellerId && (await isActingMerchant(tx, sellerId)) ? sellerId : null;
  const userIds = [...new Set([...staff, ...(seller ? [seller] : [])])].toSorted();
  const reached: string[] = [];
  for (const userId of userIds) {
    const news = {
      ...causeOf(event),
      userId,
      orderId: null,
      kind: 'LOW_STOCK',
      facts: { product, available },
    } as const;
    if (await tell(tx, deps, news)) reached.push(userId);
  }
  return reached;
}
