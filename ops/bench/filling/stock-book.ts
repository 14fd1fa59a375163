import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import {
  type MovementType,
  type ReservationState,
  mergeLines,
  settlements,
} from '../../../subgraphs/product/domain/stock.ts';
import type { Batch } from './batch.ts';

/** A product that is for sale in the filled shop. */
export type Article = {
  readonly id: string;
  readonly sku: string;
  readonly kind: 'STOCKED' | 'DIGITAL';
  readonly name: string;
  readonly priceMinor: number;
  readonly sellerId: string;
};

/** How an article's counters stand after its movements so far. */
export type Counters = { seq: number; onHand: number; allocated: number; sold: number };
type Pieces = { readonly productId: string; readonly quantity: number };
type Reserved = {
  readonly orderId: string;
  readonly lines: readonly Pieces[];
  readonly at: Date;
  readonly expiresAt: Date;
  /** What became of it, and when: nothing yet for HELD. */
  readonly settled: readonly { readonly how: keyof typeof settlements; readonly at: Date }[];
  readonly newId: (at: Date) => string;
};

/** The stock's reservations and movements of orders, as the product service would have left them. */
export class StockBook {
  readonly counters = new Map<string, Counters>();

  /** An article that has so many pieces; none for kinds without a stock. */
  open({ id, kind }: Article, onHand: number): void {
    if (kind === 'STOCKED') this.counters.set(id, { seq: 1, onHand, allocated: 0, sold: 0 });
    else this.counters.set(id, { seq: 0, onHand: 0, allocated: 0, sold: 0 });
  }

  /** What one order has, or had. */
  reserve(batch: Batch, { orderId, lines, at, expiresAt, settled, newId }: Reserved): void {
    const last = settled.at(-1);
    const state: ReservationState = last ? settlements[last.how].to : 'HELD';
    for (const { productId, quantity } of mergeLines(lines)) {
      const id = newId(at);
      batch.add('product', 'stock_reservation', {
        id: idToBytes(id),
        order_id: idToBytes(orderId),
        product_id: idToBytes(productId),
        quantity,
        state,
        expires_at: expiresAt,
        created_at: at,
        settled_at: last?.at ?? null,
      });
      const move = (type: MovementType, onHandDelta: number, allocatedDelta: number, when: Date): void =>
        this.#move(batch, { productId, orderId, reservationId: id, type, onHandDelta, allocatedDelta, at: when });
      move('HOLD', 0, quantity, at);
      for (const { how, at: when } of settled) {
        const { type, onHandSign, allocatedSign } = settlements[how];
        move(type, onHandSign * quantity, allocatedSign * quantity, when);
        const counters = this.counters.get(productId);
        if (counters && how === 'commit') counters.sold += quantity;
      }
    }
  }

  #move(
    batch: Batch,
    move: {
      productId: string;
      orderId: string;
      reservationId: string;
      type: MovementType;
      onHandDelta: number;
      allocatedDelta: number;
      at: Date;
    },
  ): void {
    const counters = this.counters.get(move.productId);
    // Kinds without a stock have reservations, and no movements.
    if (!counters || counters.seq === 0) return;
    counters.seq += 1;
    counters.onHand += move.onHandDelta;
    counters.allocated += move.allocatedDelta;
    batch.add('product', 'stock_movement', {
      product_id: idToBytes(move.productId),
      seq: counters.seq,
      type: move.type,
      on_hand_delta: move.onHandDelta,
      allocated_delta: move.allocatedDelta,
      on_hand_after: counters.onHand,
      allocated_after: counters.allocated,
      reservation_id: idToBytes(move.reservationId),
      order_id: idToBytes(move.orderId),
      saga_branch: move.type === 'HOLD' ? 'reserve-stock' : null,
      actor: 'order',
      reason: 'Order',
      at: move.at,
    });
  }
}
