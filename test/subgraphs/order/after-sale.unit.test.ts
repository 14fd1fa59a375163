import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide, evolve } from '../../../subgraphs/order/domain/order.ts';
import {
  type Order,
  type OrderCommand,
  type OrderEvent,
  closedStates,
} from '../../../subgraphs/order/domain/order-model.ts';
import { refundableMinor } from '../../../subgraphs/order/domain/paying.ts';
import type { ReturnFacts } from '../../../subgraphs/order/domain/return-model.ts';
import { returningPieces } from '../../../subgraphs/order/domain/returning.ts';
import { deliveredQuantity } from '../../../subgraphs/order/domain/shares.ts';
import { aLine, anOrder, commands, inTime } from './fixtures.ts';

/**
 * What order, payment, stock and coupon come to, counted from the events alone: where each piece is, what was given back for it, and
 * whether the order still has its coupon.
 */
class Books {
  readonly #sold: ReadonlyMap<string, number>;
  /** Pieces by line. */
  readonly inShop = new Map<string, number>();
  readonly sent = new Map<string, number>();
  readonly moneyBack = new Map<string, number>();
  readonly back = new Map<string, number>();
  readonly returns = new Map<string, ReturnFacts>();
  /** Asked for and recorded. */
  askedMinor = 0n;
  goneMinor = 0n;
  coupons = 1;

  constructor(order: Order) {
    this.#sold = new Map(order.lines.map(({ id, quantity }) => [id, quantity]));
  }

  #add(to: Map<string, number>, lines: readonly { lineId: string; quantity: number }[]): void {
    for (const { lineId, quantity } of lines) to.set(lineId, (to.get(lineId) ?? 0) + quantity);
  }

  note(event: OrderEvent, before: Order, after: Order): void {
    switch (event.type) {
      case 'LinesFulfilled':
        return this.#add(this.sent, event.lines);
      case 'LinesCancelled':
        this.#add(this.inShop, event.lines);
        return this.#add(this.moneyBack, event.lines);
      case 'RefundRequested':
        this.askedMinor += event.amountMinor;
        this.#add(this.moneyBack, event.lines);
        return this.#add(this.inShop, event.restock);
      case 'RefundRecorded':
        this.goneMinor += event.amountMinor;
        return;
      case 'ReturnRequested': {
        const lines = event.lines.map((line) => ({ ...line, receivedQuantity: 0, restockedQuantity: 0 }));
        this.returns.set(event.returnId, { id: event.returnId, number: event.number, state: 'REQUESTED', reason: event.reason, lines }); // prettier-ignore
        return;
      }
      case 'ReturnDecided':
        return this.#move(event.returnId, event.approved ? 'APPROVED' : 'REJECTED');
      case 'ReturnCancelled':
        return this.#move(event.returnId, 'CANCELLED');
      case 'ReturnReceived':
        this.#add(this.back, event.lines);
        this.#add(this.inShop, event.lines.map(({ lineId, restock }) => ({ lineId, quantity: restock }))); // prettier-ignore
        return this.#move(event.returnId, event.requestId === null ? 'RECEIVED' : 'REFUNDED');
      default:
        this.#close(before, after);
    }
  }

  #move(id: string, state: ReturnFacts['state']): void {
    this.returns.set(id, { ...(this.returns.get(id) as ReturnFacts), state });
  }

  /** An order that closes gives the rest of its pieces and its coupon back. */
  #close(before: Order, after: Order): void {
    if (closedStates.includes(before.state) || !closedStates.includes(after.state)) return;
    this.coupons -= 1;
    for (const [lineId, quantity] of this.#sold)
      this.#add(this.inShop, [{ lineId, quantity: quantity - (this.inShop.get(lineId) ?? 0) }]);
  }

  /** What is wrong; one `expect` a step would take most of the test's time. */
  wrong(order: Order): string[] {
    const isClosed = closedStates.includes(order.state);
    const sent = [...this.sent.values()].reduce((sum, pieces) => sum + pieces, 0);
    const rules: Readonly<Record<string, boolean>> = {
      'an open order has its coupon, a closed one has given it back once': this.coupons === (isClosed ? 0 : 1),
      'nothing is delivered of a closed order': !isClosed || sent === 0,
      'the order counts what went back': this.goneMinor === order.refundedMinor && this.goneMinor <= order.paidMinor,
      'no more is given back than is left': refundableMinor(order) >= 0n,
    };
    const broken = Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [rule]));
    return [...broken, ...order.lines.flatMap((line) => this.#wrongPieces(order, line))];
  }

  #wrongPieces(order: Order, line: Order['lines'][number]): string[] {
    const [inShop, sent, paidBack, back] = [this.inShop, this.sent, this.moneyBack, this.back].map((of) => of.get(line.id) ?? 0) as [number, number, number, number]; // prettier-ignore
    const open = returningPieces([...this.returns.values()])
      .filter(({ lineId }) => lineId === line.id)
      .reduce((sum, { quantity }) => sum + quantity, 0);
    const rules: Readonly<Record<string, boolean>> = {
      'no piece is in the stock twice': inShop <= line.quantity,
      'no piece is refunded twice': paidBack <= line.quantity,
      'nothing comes back that was not delivered': back + open <= deliveredQuantity(line, order),
      'nothing is delivered that was taken off': sent + line.cancelledQuantity <= line.quantity,
      'the line counts what happened to its pieces':
        line.fulfilledQuantity === sent && line.refundedQuantity === paidBack && line.returnedQuantity === back,
    };
    return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [`${line.id}: ${rule}`]));
  }
}

const lineIds = ['line-1', 'line-2'] as const;
const anyOrder: fc.Arbitrary<Order> = fc
  .array(fc.record({ quantity: fc.integer({ min: 1, max: 4 }), totalMinor: fc.bigInt({ min: 1n, max: 9_999n }) }), { minLength: 1, maxLength: 2 })
  .map((given) => {
    const lines = given.map((line, index) => aLine({ ...line, id: lineIds[index] as string, taxMinor: line.totalMinor / 6n })); // prettier-ignore
    const totalMinor = lines.reduce((sum, line) => sum + line.totalMinor, 500n);
    const taxMinor = lines.reduce((sum, line) => sum + line.taxMinor, 0n);
    return anOrder({ state: 'PAID', lines, totalMinor, paidMinor: totalMinor, taxMinor, fulfilmentStatus: 'UNFULFILLED' }); // prettier-ignore
  }); // prettier-ignore

type Deed = (order: Order, books: Books, index: number) => OrderCommand | null;
const pieces = fc.array(fc.record({ lineId: fc.constantFrom(...lineIds), quantity: fc.integer({ min: 1, max: 2 }) }), { minLength: 1, maxLength: 2 }); // prettier-ignore
const newest = (books: Books): ReturnFacts | undefined => [...books.returns.values()].at(-1);
const ofNewest =
  (command: (known: ReturnFacts, index: number) => OrderCommand): Deed =>
  (_, books, index) => {
    const known = newest(books);
    return known ? command(known, index) : null;
  };

const anyDeed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 1, arbitrary: pieces.map((lines): Deed => () => ({ ...commands.CancelLines, lines })) },
  { weight: 3, arbitrary: fc.option(pieces).map((lines): Deed => () => ({ ...commands.Fulfil, lines })) },
  { weight: 2, arbitrary: fc.record({ lines: pieces, restock: fc.boolean() }).map(({ lines, restock }): Deed => (_, books) => ({ ...commands.Refund, lines, restock, returning: returningPieces([...books.returns.values()]) })) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 }).map((chance): Deed => ofNewest((known) => ({ type: 'DecideReturn', known, approve: chance > 0, reason: null }))) },
  { weight: 1, arbitrary: fc.constant<Deed>(ofNewest((known) => ({ type: 'CancelReturn', known }))) },
  { weight: 1, arbitrary: fc.constantFrom<OrderCommand>(commands.Cancel, commands.NeedAttention, { ...commands.ResolveAttention, to: 'PROCESSING' }).map((command): Deed => () => command) },
  { weight: 2, arbitrary: fc.bigInt({ min: 1n, max: 4_000n }).map((amountMinor): Deed => (order, _, index) => (amountMinor > order.paidMinor - order.refundedMinor ? null : { ...commands.RecordRefund, refundId: `refund-${index}`, amountMinor })) },
); // prettier-ignore

const request = pieces.map((lines): Deed => (_, books, index) => ({ type: 'RequestReturn', returnId: `return-${index}`, number: `RE${index}`, lines, reason: 'Broken', windowDays: 30, returns: [...books.returns.values()] })); // prettier-ignore
const approve: Deed = ofNewest((known) => ({ type: 'DecideReturn', known, approve: true, reason: null }));
const receive = fc.record({ refund: fc.boolean(), restock: fc.integer({ min: 0, max: 2 }) }).map(({ refund, restock }): Deed => ofNewest((known, index) => ({
  type: 'ReceiveReturn', known, lines: known.lines.map(({ lineId, quantity }) => ({ lineId, quantity, restock: Math.min(restock, quantity) })), requestId: refund ? `request-${index}` : null, requestedBy: 'staff',
}))); // prettier-ignore
/** Whole returns too, and half of them begin with the delivery of everything, or few would come to several returns. */
const anyDeeds = fc
  .record({
    isDelivered: fc.boolean(),
    deeds: fc.array(
      fc.oneof(
        { weight: 9, arbitrary: fc.oneof(anyDeed, request, receive).map((deed) => [deed]) },
        { weight: 1, arbitrary: fc.tuple(request, receive).map(([asked, received]) => [asked, approve, received]) },
      ),
      { maxLength: 20 },
    ),
  })
  .map(({ isDelivered, deeds }): Deed[] => [...(isDelivered ? [() => commands.Fulfil] : []), ...deeds.flat()]);

test('[AP-4] after any of 2,000 sequences of deliveries, returns, refunds and cancellings order, payment, stock and coupon agree', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(anyOrder, anyDeeds, (begin, deeds) => {
      let order = begin;
      const books = new Books(order);
      for (const [index, deed] of deeds.entries()) {
        const command = deed(order, books, index);
        const decision = command && decide(order, command, inTime);
        if (!decision || 'refusal' in decision) continue;
        for (const event of decision.events) {
          const before = order;
          order = evolve(before, event, inTime);
          books.note(event, before, order);
          seen.add(event.type);
        }
        const wrong = books.wrong(order);
        if (wrong.length > 0) throw new Error(`${command.type}: ${wrong.join('; ')}`);
      }
      for (const { state } of books.returns.values()) seen.add(state);
      if ([...books.returns.values()].filter(({ state }) => state === 'REFUNDED' || state === 'RECEIVED').length > 1)
        seen.add('several returns');
      seen.add(order.state);
    }),
    { numRuns: 2_000 },
  );
  // Otherwise the sequences were not worth their name.
  for (const one of ['several returns', 'REFUNDED', 'RECEIVED', 'REJECTED', 'CANCELLED', 'COMPLETED', 'LinesCancelled', 'RefundRequested', 'RefundRecorded', 'ReturnCancelled', 'OrderCancelled', 'OrderRefunded']) expect(seen).toContain(one); // prettier-ignore
});
