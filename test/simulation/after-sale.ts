import { idFromBytes } from '../../subgraphs/shared/values/ids.ts';
import { cancelOrder } from '../../subgraphs/order/commands/cancel-order.ts';
import { fulfilOrder } from '../../subgraphs/order/commands/fulfil-order.ts';
import { refundOrder } from '../../subgraphs/order/commands/refund-order.ts';
import {
  cancelReturn,
  decideReturn,
  receiveReturn,
  requestReturn,
} from '../../subgraphs/order/commands/return-order.ts';
import type { StoredOrder } from '../../subgraphs/order/stored-order.ts';
import { type Buyer, type Clients, currency, staff as staffMember, traceId } from './clients.ts';
import type { Platform } from './platform.ts';
import type { Random } from './random.ts';
import { Rows } from './rows.ts';

/** How often staff look whether an order can be sent. */
const maxSends = 4;
const staff = { viewer: staffMember, traceId };

/** What customers and staff do with an order that was paid. */
export class AfterSale {
  readonly #platform: Platform;
  readonly #random: Random;
  readonly #clients: Clients;

  constructor(platform: Platform, clients: Clients) {
    this.#platform = platform;
    this.#random = platform.scheduler.random;
    this.#clients = clients;
  }

  /** Pieces are taken off, sent and refunded, by customer and staff, in any order and at once. */
  async pieces(buyer: Buyer, { id: orderId }: StoredOrder): Promise<void> {
    const random = this.#random;
    const one = async (): Promise<unknown> => {
      await this.#clients.pause(5_000);
      const lines = this.#piecesOf(orderId);
      const idempotencyKey = this.#clients.key('after-sale');
      const acts = [
        () => this.#clients.askOnce('cancelOrder', idempotencyKey, ({ order }) => cancelOrder(order, { viewer: buyer.viewer, traceId }, { id: orderId, lines, idempotencyKey }), ({ order }) => order?.id),
        () => this.#clients.askOnce('fulfilOrder', idempotencyKey, ({ order }) => fulfilOrder(order, staff, { id: orderId, lines, idempotencyKey }), ({ order }) => order?.id),
        () => this.#clients.askOnce('refundOrder', idempotencyKey, ({ order }) => refundOrder(order, staff, { orderId, lines, restock: random.chance(0.5), reason: 'Broken' }, idempotencyKey), ({ order }) => order?.id),
        () => this.#clients.askOnce('refundOrder', idempotencyKey, ({ order }) => refundOrder(order, staff, { orderId, amount: { amount: random.integer(1, 1_500), currency }, reason: 'Goodwill' }, idempotencyKey), ({ order }) => order?.id),
      ]; // prettier-ignore
      return random.pick(acts)();
    };
    await Promise.all(Array.from({ length: random.integer(1, 3) }, one));
  }

  /** All of it is sent, and a piece comes back: asked for, decided and received, by customer and staff, perhaps by two at once. */
  async sendBack(buyer: Buyer, { id: orderId }: StoredOrder): Promise<void> {
    const random = this.#random;
    const customer = { viewer: buyer.viewer, traceId };
    const key = this.#clients.key('return');
    if (!(await this.#sendAll(orderId))) return;
    const lines = this.#piecesOf(orderId);
    const asked = await this.#clients.askOnce('requestReturn', key, ({ order }) => requestReturn(order, customer, { orderId, lines, reason: 'Broken', idempotencyKey: key }), ({ orderReturn }) => orderReturn?.id); // prettier-ignore
    const returnId = asked?.orderReturn?.id;
    if (returnId === undefined) return;
    const taking = { returnId, idempotencyKey: this.#clients.key('take-back') };
    if (random.chance(0.2)) this.#clients.begin(() => this.#clients.ask('cancelReturn', ({ order }) => cancelReturn(order, customer, taking))); // prettier-ignore
    const deciding = { returnId, approve: random.chance(0.8), reason: 'Seen', idempotencyKey: this.#clients.key('decide') }; // prettier-ignore
    await this.#clients.ask('decideReturn', ({ order }) => decideReturn(order, staff, deciding));
    const receive = async (): Promise<void> => {
      await this.#clients.pause(2_000);
      const received = lines.map((line) => ({ ...line, restock: random.integer(0, 1) }));
      const input = {
        returnId,
        lines: received,
        refund: random.chance(0.7),
        idempotencyKey: this.#clients.key('receive'),
      };
      await this.#clients.askOnce('receiveReturn', input.idempotencyKey, ({ order }) => receiveReturn(order, staff, input), ({ orderReturn }) => orderReturn?.id); // prettier-ignore
    };
    await Promise.all(random.chance(0.3) ? [receive(), receive()] : [receive()]);
  }

  /** Sends all that is left, once the order is paid; false where it never is, or ends another way. */
  async #sendAll(id: string): Promise<boolean> {
    for (let tries = 0; tries < maxSends; tries += 1) {
      await this.#clients.pause(4_000);
      const idempotencyKey = this.#clients.key('send');
      const sent = await this.#clients.ask('fulfilOrder', ({ order }) =>
        fulfilOrder(order, staff, { id, idempotencyKey }),
      );
      if (sent?.order?.state === 'COMPLETED') return true;
    }
    return false;
  }

  /** One piece of some line. */
  #piecesOf(orderId: string): { lineId: string; quantity: number }[] {
    const lines = new Rows(this.#platform.databases.order.memory, 'order_line');
    const own = lines.rows.filter((row) => idFromBytes(lines.get(row, 'order_id') as Buffer) === orderId);
    return own.length === 0 ? [] : [{ lineId: idFromBytes(lines.get(this.#random.pick(own), 'id') as Buffer), quantity: 1 }]; // prettier-ignore
  }
}
