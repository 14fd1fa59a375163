import { z } from 'zod';
import type { DomainEvent } from '../../shared/tables/outbox.ts';

/*
 * What other systems are told, and how it looks. A body is what its schema makes of an event: nothing that the schema lacks gets
 * out, and what clients read as JSON Schema is made of the same. Fields may be added; nothing else changes under a name and
 * version.
 */

/** Goes up when a payload changes so that receivers have to change, too. */
const payloadVersion = 1;

const id = z.uuid();
const moneyOf = (description: string) =>
  z.object({ amount: z.int(), currency: z.string() }).meta({ description: `${description}, in minor units` });
const money = (amountMinor: unknown, currency: unknown) => ({ amount: amountMinor, currency });

const orderFields = {
  orderId: id,
  number: z.string().meta({ description: "The order's number, as people read it" }),
  orderType: z.string().meta({ description: 'See Query.orderTypes' }),
  customerId: id,
  state: z.string().meta({ description: 'OrderState after the change that the event is part of' }),
  seq: z.int().positive().meta({ description: "The event's place in the order's journal: of two, the higher one is newer" }), // prettier-ignore
  total: moneyOf('What the order costs'),
  paid: moneyOf('What was paid of it'),
  refunded: moneyOf('What went back'),
};
const paymentFields = { orderId: id, paymentId: id };

/** What an event of the order service says of its order, in the catalogue's names. */
function orderOf({ aggregateId, data }: DomainEvent) {
  const { number, type, state, seq, currency, totalMinor, paidMinor, refundedMinor } = data['order'] as Fields;
  return {
    orderId: aggregateId, number, orderType: type, customerId: data['customerId'], state, seq,
    total: money(totalMinor, currency), paid: money(paidMinor, currency), refunded: money(refundedMinor, currency),
  }; // prettier-ignore
}
const paymentOf = ({ aggregateId, data }: DomainEvent) => ({ orderId: aggregateId, paymentId: data['paymentId'] });
const amountOf = ({ data }: DomainEvent) => ({ amount: money(data['amountMinor'], data['currency']) });

type Fields = Readonly<Record<string, unknown>>;

/** One event of the catalogue. */
type Described = {
  readonly description: string;
  /** The event of another service that it is told by. */
  readonly source: string;
  readonly schema: z.ZodObject;
  /** What the schema reads of an event; null where this is not one. */
  readonly read: (event: DomainEvent) => Fields | null;
};

/** An event of an order: the fields of all, and its own. */
function ofOrder(
  description: string,
  source: string,
  own: z.ZodRawShape = {},
  read: (event: DomainEvent) => Fields | null = () => ({}),
): Described {
  return {
    description,
    source,
    schema: z.object({ ...orderFields, ...own }),
    read(event) {
      const fields = read(event);
      return fields && { ...fields, ...orderOf(event) };
    },
  };
}

function ofPayment(
  description: string,
  source: string,
  own: z.ZodRawShape,
  read: (event: DomainEvent) => Fields,
): Described {
  return {
    description,
    source,
    schema: z.object({ ...paymentFields, ...own }),
    read: (event) => ({ ...read(event), ...paymentOf(event) }),
  };
}

const closedAs = (state: string) => (event: DomainEvent) => (event.data['state'] === state ? event.data : null);
const returnFields = { returnId: id, returnNumber: z.string() };
const returnOf = ({ data }: DomainEvent) => ({ ...data, returnNumber: data['number'] });
const returnLines = z.array(z.object({ lineId: id, quantity: z.int().positive() }));

const catalogue = {
  'order.placed': ofOrder(
    'An order was placed: its stock is held, and it can be paid.',
    'order.placed',
    { expiresAt: z.iso.datetime().meta({ description: 'When it closes unless it is paid' }) },
    ({ data }) => data,
  ),
  'order.paid': ofOrder(
    'An order was paid in full.',
    'order.paid',
    { paymentId: id.nullable().meta({ description: 'The payment that completed it; null where it costs nothing' }) },
    ({ data }) => data,
  ),
  'order.shipped': ofOrder(
    'Lines of an order, or all, are on their way.',
    'order.shipped',
    { fulfilmentId: id, carrier: z.string().nullable(), trackingNumber: z.string().nullable() },
    ({ data }) => data,
  ),
  'order.delivered': ofOrder('A delivery has arrived.', 'order.delivered', { fulfilmentId: id }, ({ data }) => data),
  'order.completed': ofOrder('All of an order is delivered, or a booking was redeemed.', 'order.completed'),
  'order.lines_cancelled': ofOrder(
    'Pieces were taken off an order before their delivery.',
    'order.lines_cancelled',
    { lines: z.array(z.object({ productId: id, quantity: z.int().positive() })) },
    ({ data }) => data,
  ),
  'order.cancelled': ofOrder(
    'An order was cancelled; stock and money go back.',
    'order.closed',
    { reason: z.string().nullable().meta({ description: 'CancelReason' }) },
    closedAs('CANCELLED'),
  ),
  'order.expired': ofOrder('An order was not paid in time.', 'order.closed', {}, closedAs('EXPIRED')),
  'order.refunded': ofOrder(
    'All money of an order goes back, before anything of it was delivered.',
    'order.closed',
    {},
    closedAs('REFUNDED'),
  ),
  'order.return_requested': ofOrder(
    'A customer wants to return goods.',
    'order.return_requested',
    { ...returnFields, lines: returnLines },
    returnOf,
  ),
  'order.return_decided': ofOrder(
    'A return was approved or refused.',
    'order.return_decided',
    { ...returnFields, approved: z.boolean() },
    returnOf,
  ),
  'order.return_received': ofOrder(
    'Returned goods have come back.',
    'order.return_received',
    { ...returnFields, lines: returnLines },
    returnOf,
  ),
  'order.return_cancelled': ofOrder('A return will not take place.', 'order.return_cancelled', returnFields, returnOf),
  'payment.succeeded': ofPayment(
    'A payment was collected. It may pay a part of its order.',
    'payment.succeeded',
    { method: z.string().meta({ description: 'PaymentMethod' }), amount: moneyOf('What was collected'), paidAt: z.iso.datetime() }, // prettier-ignore
    (event) => ({ ...event.data, ...amountOf(event) }),
  ),
  'payment.refunded': ofPayment(
    'Money of a payment went back.',
    'payment.refunded',
    {
      refundId: id,
      amount: moneyOf('What went back now'),
      refundedTotal: moneyOf('What went back of this payment so far'),
      automatic: z.boolean().meta({ description: 'False where a person asked for it' }),
    },
    (event) => ({
      ...event.data,
      ...amountOf(event),
      refundedTotal: money(event.data['refundedTotalMinor'], event.data['currency']),
    }),
  ),
  'payment.disputed': ofPayment(
    "A customer's bank disputes a payment, or has decided.",
    'payment.disputed',
    { disputeId: id, disputeState: z.enum(['OPEN', 'WON', 'LOST']), amount: moneyOf('What the bank wants') },
    (event) => ({ ...event.data, ...amountOf(event), disputeState: event.data['state'] }),
  ),
} satisfies Readonly<Record<string, Described>>;

/** Sent by `sendTestWebhook`, whatever the endpoint hears. */
export const testEvent = 'webhook.test';
const testSchema = z.object({ endpointId: id });

export type EventName = keyof typeof catalogue;
export const eventNames = Object.keys(catalogue) as readonly EventName[];
/** What merchants may hear: of the money, orders say enough. */
export const merchantEventNames = eventNames.filter((name) => name.startsWith('order.'));

const bodyOf = (type: string, data: z.ZodObject) =>
  z.object({
    type: z.literal(type),
    version: z.literal(payloadVersion),
    timestamp: z.iso.datetime().meta({ description: 'When it happened' }),
    data,
  });
const bodies: ReadonlyMap<string, ReturnType<typeof bodyOf>> = new Map([
  ...Object.entries(catalogue).map(([name, { schema }]) => [name, bodyOf(name, schema)] as const),
  [testEvent, bodyOf(testEvent, testSchema)],
]);

/** A message as receivers get it. */
export type WebhookBody = {
  readonly type: string;
  readonly version: number;
  readonly timestamp: string;
  readonly data: Fields;
};

function body(type: string, timestamp: string, data: Fields): WebhookBody {
  const schema = bodies.get(type);
  if (!schema) throw new Error(`${type} is not in the catalogue`);
  return schema.parse({ type, version: payloadVersion, timestamp, data });
}

/** Events of other services that tell something of the catalogue. */
export const sourceTypes: readonly string[] = [...new Set(Object.values(catalogue).map(({ source }) => source))];

/** What an event of another service tells of the catalogue; null for nothing. Throws where a field lacks. */
export function publicBody(event: DomainEvent): WebhookBody | null {
  // Written by a version before the catalogue.
  if (event.type.startsWith('order.') && event.data['order'] === undefined) return null;
  for (const [name, { source, read }] of Object.entries(catalogue)) {
    const fields = source === event.type ? read(event) : null;
    if (fields) return body(name, event.at, fields);
  }
  return null;
}

export const testBody = (endpointId: string, at: Date): WebhookBody =>
  body(testEvent, at.toISOString(), { endpointId });

/** An event as the API shows it. */
export type WebhookEvent = { readonly name: string; readonly description: string; readonly schema: unknown };

const jsonSchemaOf = (name: string): unknown => {
  const schema = bodies.get(name);
  // As input: receivers must bear fields that are added.
  return schema && z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
};
export const testEventSchema = (): unknown => jsonSchemaOf(testEvent);

/** All that can be heard, with a JSON Schema of each body. */
export const webhookEvents: readonly WebhookEvent[] = eventNames.map((name) => ({
  name,
  description: catalogue[name].description,
  schema: jsonSchemaOf(name),
}));
