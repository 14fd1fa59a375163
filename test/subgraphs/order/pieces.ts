import { expect } from '@jest/globals';
import type { Line, LineQuantity, OrderEvent } from '../../../subgraphs/order/domain/order-model.ts';

type Piece = { isRefunded: boolean; isBack: boolean };

/** The pieces of an order one by one, beside the counts of its lines: each is back once, and refunded once. */
export class Pieces {
  readonly #lines = new Map<string, Piece[]>();

  constructor(lines: readonly Line[]) {
    for (const { id, quantity } of lines)
      this.#lines.set(id, Array.from({ length: quantity }, () => ({ isRefunded: false, isBack: false }))); // prettier-ignore
  }

  /** What an event does with them. `returning`: what open returns wait for after it; `restocks`: whether staff asked for that. */
  follow(event: OrderEvent, { returning, restocks }: { returning: readonly LineQuantity[]; restocks: boolean }): void {
    switch (event.type) {
      case 'LinesCancelled':
        for (const { lineId, quantity } of event.lines) {
          const gone = this.#pick(lineId, quantity, (piece) => !piece.isRefunded && !piece.isBack);
          this.#lines.set(lineId, this.#of(lineId).filter((piece) => !gone.includes(piece))); // prettier-ignore
        }
        break;
      case 'ReturnRequested':
        // Nobody is asked for a piece that is back, was refunded, or is asked for already.
        for (const { lineId } of event.lines)
          expect(this.#of(lineId).filter((piece) => !piece.isBack && !piece.isRefunded).length).toBeGreaterThanOrEqual(waitedFor(returning, lineId)); // prettier-ignore
        break;
      case 'ReturnReceived':
        for (const { lineId, quantity } of event.lines)
          for (const piece of this.#pick(lineId, quantity, ({ isBack }) => !isBack, ({ isRefunded }) => !isRefunded)) piece.isBack = true; // prettier-ignore
        break;
      case 'RefundRequested':
        for (const { lineId, quantity } of event.lines) {
          const given = this.#pick(lineId, quantity, ({ isRefunded }) => !isRefunded, ({ isBack }) => isBack); // prettier-ignore
          const out = given.filter(({ isBack }) => !isBack);
          const restocked = event.restock.find((each) => each.lineId === lineId)?.quantity ?? 0;
          expect(restocked).toBe(restocks ? out.length : 0);
          for (const piece of given) piece.isRefunded = true;
          if (!restocks) continue;
          for (const piece of out) piece.isBack = true;
          if (restocked > 0) expect(this.#of(lineId).filter(({ isBack }) => !isBack).length).toBeGreaterThanOrEqual(waitedFor(returning, lineId)); // prettier-ignore
        }
        break;
      default:
    }
  }

  agreesWith(lines: readonly Line[]): void {
    for (const line of lines) {
      const back = this.#of(line.id).filter(({ isBack }) => isBack);
      expect([line.returnedQuantity + line.restockedQuantity, line.unrefundedReturnQuantity]).toEqual([back.length, back.filter(({ isRefunded }) => !isRefunded).length]); // prettier-ignore
    }
  }

  #of(lineId: string): Piece[] {
    return this.#lines.get(lineId) ?? [];
  }

  /** So many pieces, those `first` before the others. */
  #pick(lineId: string, quantity: number, may: (piece: Piece) => boolean, first: (piece: Piece) => boolean = may): Piece[] {
    const fit = this.#of(lineId).filter(may);
    const picked = [...fit.filter(first), ...fit.filter((piece) => !first(piece))].slice(0, quantity);
    expect(picked).toHaveLength(quantity);
    return picked;
  } // prettier-ignore
}

const waitedFor = (returning: readonly LineQuantity[], lineId: string): number =>
  returning.filter((each) => each.lineId === lineId).reduce((sum, { quantity }) => sum + quantity, 0);
