import { writerOf } from '../../../subgraphs/shared/database/reader.ts';
import { idToBytes, newNumber } from '../../../subgraphs/shared/values/ids.ts';
import { applyEvents, placed } from '../../../subgraphs/order/apply-events.ts';
import type { JournalEntry } from '../../../subgraphs/order/domain/journal.ts';
import { decide } from '../../../subgraphs/order/domain/order.ts';
import type { Actor, OrderCommand, OrderEvent } from '../../../subgraphs/order/domain/order-model.ts';
import type { ReturnFacts } from '../../../subgraphs/order/domain/return-model.ts';
import { rowOf } from '../../../subgraphs/order/order-store.ts';
import { FulfilmentRecord, OrderEventRecord, OrderLineRecord } from '../../../subgraphs/order/records.ts';
import { OrderReturnLineRecord, OrderReturnRecord } from '../../../subgraphs/order/return-records.ts';
import type { NewLine, NewOrder, StoredOrder } from '../../../subgraphs/order/stored-order.ts';
import type { Batch } from './batch.ts';
import type { Chance } from './chance.ts';
import type { Article } from './stock-book.ts';

const lineRow = writerOf(OrderLineRecord);
const entryRow = writerOf(OrderEventRecord);
const fulfilmentRow = writerOf(FulfilmentRecord);
const returnRow = writerOf(OrderReturnRecord);
const returnLineRow = writerOf(OrderReturnLineRecord);

export const windowMs = 30 * 60_000;
export const returnWindowDays = 30;
const system: Actor = { type: 'SYSTEM', id: null };

export type Wanted = { readonly article: Article; readonly quantity: number };

/** One order from its placing on, changed by the rules that the order service has, and the rows that tell of it. */
export class OrderLife {
  readonly #chance: Chance;
  readonly #traceId: string;
  readonly #entries: JournalEntry[] = [];
  readonly #sent: { id: string; event: Extract<OrderEvent, { type: 'LinesFulfilled' }>; at: Date }[] = [];
  readonly #returns = new Map<string, ReturnFacts & { decidedReason: string | null; requestId: string | null; createdAt: Date; updatedAt: Date }>(); // prettier-ignore
  readonly #delivered = new Map<string, Date>();
  order: StoredOrder;

  constructor(
    chance: Chance,
    given: { customerId: string; type: 'STANDARD' | 'DIGITAL'; wanted: readonly Wanted[]; at: Date; expiresAt: Date },
  ) {
    this.#chance = chance;
    this.#traceId = chance.bytes(16).toString('hex');
    const by = { actor: { type: 'CUSTOMER', id: given.customerId } as const, at: given.at, traceId: this.#traceId };
    const { order, entries } = placed(newOrder(chance, { ...given, traceId: this.#traceId }), by);
    this.order = order;
    this.#entries.push(...entries);
  }

  get returns(): readonly ReturnFacts[] {
    return [...this.#returns.values()];
  }

  /** Does what the command says. Throws where the rules refuse it. */
  do(command: OrderCommand, at: Date, actor: Actor = system): readonly OrderEvent[] {
    const decision = decide(this.order, command, at);
    if ('refusal' in decision) throw new Error(`${command.type}: ${decision.refusal.message}`);
    const { order, entries } = applyEvents(this.order, decision.events, { actor, at, traceId: this.#traceId });
    this.order = order;
    this.#entries.push(...entries);
    for (const event of decision.events) this.#keep(event, at);
    return decision.events;
  }

  #keep(event: OrderEvent, at: Date): void {
    if (event.type === 'LinesFulfilled') this.#sent.push({ id: event.fulfilmentId, event, at });
    if (event.type === 'FulfilmentDelivered') this.#delivered.set(event.fulfilmentId, at);
    if (event.type === 'ReturnRequested') {
      const lines = event.lines.map((line) => ({ ...line, receivedQuantity: 0, restockedQuantity: 0 }));
      this.#returns.set(event.returnId, { id: event.returnId, number: event.number, state: 'REQUESTED', reason: event.reason, lines, decidedReason: null, requestId: null, createdAt: at, updatedAt: at }); // prettier-ignore
      return;
    }
    if (!('returnId' in event)) return;
    const known = this.#returns.get(event.returnId);
    if (!known) throw new Error(`${event.type} of an unknown return`);
    if (event.type === 'ReturnDecided')
      this.#returns.set(known.id, { ...known, state: event.approved ? 'APPROVED' : 'REJECTED', decidedReason: event.reason, updatedAt: at }); // prettier-ignore
    if (event.type === 'ReturnReceived') {
      const lines = known.lines.map((line) => {
        const back = event.lines.find(({ lineId }) => lineId === line.lineId);
        return { ...line, receivedQuantity: back?.quantity ?? 0, restockedQuantity: back?.restock ?? 0 };
      });
      this.#returns.set(known.id, { ...known, lines, state: event.requestId === null ? 'RECEIVED' : 'REFUNDED', requestId: event.requestId, updatedAt: at }); // prettier-ignore
    }
  }

  /** Adds all rows of the order; its journal's entries get the feed's next numbers from `nextFeedSeq`. */
  write(batch: Batch, nextFeedSeq: () => bigint): void {
    const { order } = this;
    batch.add('order', 'orders', rowOf(order));
    for (const [position, line] of order.lines.entries())
      batch.add('order', 'order_line', lineRow({ ...(line as NewLine), orderId: order.id, position, stayFrom: null, stayTo: null, guests: null })); // prettier-ignore
    for (const { actor, ...entry } of this.#entries)
      batch.add('order', 'order_event', entryRow({ ...entry, actorType: actor.type, actorId: actor.id, customerId: order.customerId, feedSeq: nextFeedSeq() })); // prettier-ignore
    for (const { id, event, at } of this.#sent) {
      const { lines, carrier, trackingNumber, trackingUrl } = event;
      batch.add('order', 'fulfilment', fulfilmentRow({ id, orderId: order.id, lines, carrier, trackingNumber, trackingUrl, createdAt: at, deliveredAt: this.#delivered.get(id) ?? null, cancelledAt: null })); // prettier-ignore
    }
    for (const { lines, ...one } of this.#returns.values()) {
      batch.add('order', 'order_return', returnRow({ ...one, orderId: order.id }));
      for (const line of lines) batch.add('order', 'order_return_line', returnLineRow({ ...line, returnId: one.id }));
    }
  }

  newId(at: Date): string {
    return this.#chance.idAt(at);
  }
  get traceId(): string {
    return this.#traceId;
  }
  /** The order's id as its column has it. */
  get idBytes(): Buffer {
    return idToBytes(this.order.id);
  }
}

function newOrder(
  chance: Chance,
  given: { customerId: string; type: 'STANDARD' | 'DIGITAL'; wanted: readonly Wanted[]; at: Date; expiresAt: Date; traceId: string }, // prettier-ignore
): NewOrder {
  const { customerId, type, at, expiresAt, traceId } = given;
  const lines = given.wanted.map(({ article, quantity }): NewLine => {
    const subtotalMinor = BigInt(article.priceMinor * quantity);
    return {
      id: chance.idAt(at), productId: article.id, sellerId: article.sellerId, sku: article.sku, kind: article.kind, title: article.name, subtitle: null, cover: null,
      quantity, unitPriceMinor: BigInt(article.priceMinor), marketPriceMinor: null, addOns: [], subtotalMinor, discountMinor: 0n, taxMinor: 0n, totalMinor: subtotalMinor,
      needsFulfilment: article.kind === 'STOCKED', fulfilledQuantity: 0, refundedQuantity: 0, cancelledQuantity: 0, returnedQuantity: 0, unrefundedReturnQuantity: 0,
      restockedQuantity: 0, stay: null,
    }; // prettier-ignore
  });
  const totalMinor = lines.reduce((sum, line) => sum + line.subtotalMinor, 0n);
  const reference = chance.is(0.1) ? `web-${chance.bytes(6).toString('hex')}` : null;
  return {
    id: chance.idAt(at), number: newNumber(type === 'STANDARD' ? 'SO' : 'DO', at, chance.bytes(8)), type, customerId, placedBy: null, state: 'PLACING',
    fulfilmentStatus: lines.some((line) => line.needsFulfilment) ? 'UNFULFILLED' : 'NOT_REQUIRED', currency: 'EUR',
    subtotalMinor: totalMinor, discountMinor: 0n, shippingMinor: 0n, shippingDiscountMinor: 0n, shippingTaxMinor: 0n, taxMinor: 0n, pricesIncludeTax: true, totalMinor,
    taxes: null, adjustments: null, shippingMethod: null, shippingAddress: null, billingAddress: null, couponCodes: null, promotionIds: null,
    paidMinor: 0n, refundedMinor: 0n, refundPendingMinor: 0n, refundedTaxMinor: 0n, shippingRefundedMinor: 0n, authorizedMinor: 0n,
    remark: chance.is(0.05) ? 'Please ring twice.' : null, extension: null, clientReference: reference, heldReference: reference, confirmationCode: null, inputHash: chance.bytes(32),
    failure: null, cancelReason: null, traceId, placedAt: at, expiresAt, isPaying: false, payBy: null, paidAt: null, completedAt: null, closedAt: null, archivedAt: null,
    updatedAt: at, hasHooks: false, advanceAt: null, advanceAttempts: 0, lapsesAt: null, openUnits: null, placedFrom: null, lines,
  }; // prettier-ignore
}
