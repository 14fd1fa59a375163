import type { UserViewer } from '../../subgraphs/shared/auth/viewer.ts';
import { insertRows } from '../../subgraphs/shared/database/database.ts';
import { type Refusal, isUnavailable } from '../../subgraphs/shared/errors/errors.ts';
import { idFromBytes, idToBytes } from '../../subgraphs/shared/values/ids.ts';
import { cancelOrder } from '../../subgraphs/order/commands/cancel-order.ts';
import { addOrderNote, updateOrderRemark } from '../../subgraphs/order/commands/annotate-order.ts';
import { fulfilOrder } from '../../subgraphs/order/commands/fulfil-order.ts';
import { refundOrder } from '../../subgraphs/order/commands/refund-order.ts';
import { placeOrder } from '../../subgraphs/order/commands/place-order.ts';
import type { StoredOrder } from '../../subgraphs/order/stored-order.ts';
import { cancelPayment } from '../../subgraphs/payment/commands/cancel-payment.ts';
import { createPayment } from '../../subgraphs/payment/commands/create-payment.ts';
import { refundPayment } from '../../subgraphs/payment/commands/refund-payment.ts';
import { retryPayment } from '../../subgraphs/payment/commands/retry-payment.ts';
import { between } from '../../subgraphs/payment/domain/ledger.ts';
import { postTransfer } from '../../subgraphs/payment/ledger/transfer.ts';
import type { PaymentRow } from '../../subgraphs/payment/records.ts';
import { insertStock } from '../../subgraphs/product/stock-store.ts';
import { type Platform, type Running, paymentWindowSeconds } from './platform.ts';
import type { Random } from './random.ts';
import { Rows } from './rows.ts';
import { asker } from '../support/asker.ts';

const traceId = '0123456789abcdef0123456789abcdef';
const currency = 'EUR';
const maxTries = 30;
const staffId = '00000000-0000-7000-9000-000000000000';
const priceMinor = 1_000;

type Payload = { readonly userErrors: readonly Refusal[]; readonly replayed: boolean };
type Buyer = { readonly viewer: UserViewer; readonly name: string };

/** Buyers and staff, what they do, and what they were told. */
export class Shop {
  readonly #platform: Platform;
  readonly #random: Random;
  readonly products: { readonly id: string; readonly onHand: number }[] = [];
  /** The order that each key stands for, by what its client was told first. */
  readonly #told = new Map<string, string>();
  /** What a client was told that contradicts what it was told before. */
  readonly contradictions: string[] = [];
  #keys = 0;
  #seenOrders = 0;
  #unfinished = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#random = platform.scheduler.random;
    platform.bank.onEvent = (body) => this.#deliver(body);
    platform.databases.order.memory.onCommit = () => this.#watch();
  }

  /** True when every client has done what it wanted to. */
  get isQuiet(): boolean {
    return this.#unfinished === 0;
  }

  /** Puts a few products on sale and lets the buyers begin. */
  async open(): Promise<void> {
    const random = this.#random;
    for (let count = random.integer(1, 2); count > 0; count -= 1) await this.#putOnSale(random.integer(1, 3));
    for (let count = random.integer(1, 3); count > 0; count -= 1) {
      const viewer: UserViewer = {
        kind: 'user',
        userId: this.#platform.newId(),
        roles: ['CUSTOMER'],
        sessionId: 'session',
      };
      if (random.chance(0.7)) await this.#credit(viewer.userId, BigInt(random.integer(1, 3) * priceMinor));
      this.#begin(() => this.#buy({ viewer, name: `buyer ${count}` }));
    }
  }

  /** Staff who see an order as soon as it is there, and write a note while its saga still runs. */
  #watch(): void {
    const orders = new Rows(this.#platform.databases.order.memory, 'orders');
    for (const row of orders.rows.slice(this.#seenOrders)) {
      this.#seenOrders += 1;
      if (!this.#random.chance(0.25)) continue;
      const input = {
        id: idFromBytes(orders.get(row, 'id') as Buffer),
        note: 'Seen',
        idempotencyKey: this.#key('note'),
      };
      this.#begin(async () => {
        await this.#pause(60);
        await this.#ask('addOrderNote', ({ order }) => addOrderNote(order, { viewer: this.#staff(), traceId }, input));
      });
    }
  }

  #staff(): UserViewer {
    return { kind: 'user', userId: staffId, roles: ['OPERATOR'], sessionId: 'session' };
  }

  async #putOnSale(onHand: number): Promise<void> {
    const { scheduler, databases, outside } = this.#platform;
    const [id, at] = [this.#platform.newId(), new Date(scheduler.nowMs)];
    const log = {} as never;
    await databases.product.connect(outside, log).transaction(async (tx) => {
      await insertRows(tx, 'product', [
        {
          id: idToBytes(id), sku: id, kind: 'STOCKED', name: 'Beans', description: '', images: '[]', currency,
          price_minor: priceMinor, add_ons: '[]', status: 'ON_SALE', name_key: 'beans', search_text: 'beans', version: 1, created_at: at, updated_at: at,
        },
      ]); // prettier-ignore
      await insertStock(tx, { productId: id, onHand, at }, { actor: 'staff', reason: 'Opening' });
    });
    this.products.push({ id, onHand });
  }

  async #credit(ownerId: string, amountMinor: bigint): Promise<void> {
    const { scheduler, databases, outside } = this.#platform;
    const moves = between({ ownerId, currency }, { from: 'CREDITS', to: 'AVAILABLE' }, amountMinor);
    const transfer = { reference: `credit:${ownerId}`, reason: 'Gift', paymentId: null, orderId: null, moves };
    await databases.payment
      .connect(outside, {} as never)
      .transaction((tx) => postTransfer(tx, transfer, new Date(scheduler.nowMs)));
  }

  #begin(work: () => Promise<unknown>): void {
    this.#unfinished += 1;
    void work().then(
      () => (this.#unfinished -= 1),
      (error: Error) => this.contradictions.push(`a client fails: ${error.stack ?? error.message}`),
    );
  }

  #key(of: string): string {
    return `${of}-${(this.#keys += 1)}`;
  }

  #pause(maxMs: number): Promise<void> {
    const { scheduler, outside } = this.#platform;
    return scheduler.timeOf(outside).sleep(this.#random.integer(0, maxMs));
  }

  /** Asks until there is an answer, as a client does that has an idempotency key; null when none comes. */
  async #ask<T>(name: string, work: (running: Running) => Promise<T>): Promise<T | null> {
    const { network, outside } = this.#platform;
    for (let tries = 0; tries < maxTries; tries += 1) {
      try {
        return await network.request(outside, name, work);
      } catch (error) {
        if (!isUnavailable(error)) {
          this.#platform.complaints.push(`${name} fails: ${(error as Error).stack}`);
          return null;
        }
        await this.#pause(2_000);
      }
    }
    return null;
  }

  /** As `#ask`, sometimes twice at the same time: somebody has clicked twice. */
  async #askOnce<T extends Payload>(
    name: string,
    key: string,
    work: (running: Running) => Promise<T>,
    idOf: (answer: T) => string | undefined,
  ): Promise<T | null> {
    const twice = this.#random.chance(0.15);
    const answers = await Promise.all([this.#ask(name, work), ...(twice ? [this.#ask(name, work)] : [])]);
    for (const answer of answers) {
      const id = answer ? idOf(answer) : undefined;
      if (id === undefined) continue;
      const before = this.#told.get(key);
      if (before !== undefined && before !== id) this.contradictions.push(`I8 ${name} with the key ${key} gave ${before} and ${id}`); // prettier-ignore
      this.#told.set(key, id);
    }
    return answers.find((answer) => answer !== null) ?? null;
  }

  async #buy(buyer: Buyer): Promise<void> {
    const random = this.#random;
    await this.#pause(3_000);
    const order = await this.#place(buyer);
    if (!order || order.state === 'FAILED') return;
    if (random.chance(0.2)) this.#begin(() => this.#remark(buyer, order));
    const acts: (() => Promise<unknown>)[] = [
      () => this.#payByCard(buyer, order),
      () => this.#payByCard(buyer, order),
      () => this.#payTwice(buyer, order),
      () => this.#payLate(buyer, order),
      () => this.#payByWallet(buyer, order),
      () => this.#giveUpPayment(buyer, order),
      () => this.#cancel(buyer, order),
      () => Promise.resolve(),
    ];
    if (random.chance(0.2)) this.#begin(random.pick(acts));
    await random.pick(acts)();
  }

  async #place(buyer: Buyer): Promise<StoredOrder | null> {
    const random = this.#random;
    const type = random.chance(0.4) ? 'PREPAY' : 'STANDARD';
    const key = this.#key('place');
    const lines = random
      .pick([[0], [1], [0, 1]])
      .flatMap((index) => this.products[index] ?? [])
      .map(({ id }) => ({ productId: id, quantity: random.integer(1, 2) }));
    const wanted = lines.length > 0 ? lines : [{ productId: this.products[0]?.id ?? '', quantity: 1 }];
    // The key is written into the order, so that an oracle finds two orders of one key.
    const request = { input: { type, currency, lines: wanted, remark: key }, idempotencyKey: key, traceId };
    const placed = await this.#askOnce('placeOrder', key, ({ order }) => placeOrder(order, buyer.viewer, request), ({ order }) => order?.id); // prettier-ignore
    return placed?.order ?? null;
  }

  async #pay(buyer: Buyer, { id }: StoredOrder, method: 'SIMULATED_CARD' | 'WALLET'): Promise<PaymentRow | null> {
    const key = this.#key('pay');
    const caller = { viewer: buyer.viewer, traceId };
    const paid = await this.#askOnce('createPayment', key, ({ payment }) => createPayment(payment, caller, { orderId: id, method }, key), ({ payment }) => payment?.id); // prettier-ignore
    return paid?.payment ?? null;
  }

  async #payByCard(buyer: Buyer, order: StoredOrder): Promise<void> {
    const random = this.#random;
    await this.#pause(2_000);
    const payment = await this.#pay(buyer, order, 'SIMULATED_CARD');
    if (!payment) return;
    await this.#pause(1_000);
    if (random.chance(0.2)) {
      await this.#confirm(order, 'is declined');
      await this.#pause(3_000);
      if (random.chance(0.4)) {
        const key = this.#key('retry');
        await this.#ask('retryPayment', (running) => retryPayment(running.payment, { viewer: buyer.viewer, traceId }, payment.id, key)); // prettier-ignore
      }
    }
    if (random.chance(0.1)) this.#begin(() => this.#cancel(buyer, order));
    await this.#confirm(order, 'pays');
    if (random.chance(0.15)) this.#begin(() => this.#cancel(buyer, order));
    if (random.chance(0.3)) this.#begin(() => this.#afterSale(buyer, order));
    if (random.chance(0.3)) await this.#refund(payment);
  }

  /** Two tabs: each pays with a key of its own, and each page is paid. */
  async #payTwice(buyer: Buyer, order: StoredOrder): Promise<void> {
    await Promise.all([this.#pay(buyer, order, 'SIMULATED_CARD'), this.#pay(buyer, order, this.#random.pick(['SIMULATED_CARD', 'WALLET']))]); // prettier-ignore
    await this.#confirm(order, 'pays');
    await this.#confirm(order, 'pays');
  }

  /** Pays about when the order expires. */
  async #payLate(buyer: Buyer, order: StoredOrder): Promise<void> {
    const { scheduler, outside } = this.#platform;
    if (!(await this.#pay(buyer, order, 'SIMULATED_CARD'))) return;
    const leftMs = order.placedAt.getTime() + paymentWindowSeconds * 1_000 - scheduler.nowMs;
    await scheduler.timeOf(outside).sleep(Math.max(0, leftMs + this.#random.integer(-600, 600)));
    await this.#confirm(order, 'pays');
  }

  async #payByWallet(buyer: Buyer, order: StoredOrder): Promise<void> {
    await this.#pause(1_000);
    await this.#pay(buyer, order, 'WALLET');
    if (this.#random.chance(0.2)) await this.#cancel(buyer, order);
    if (this.#random.chance(0.4)) await this.#afterSale(buyer, order);
  }

  async #giveUpPayment(buyer: Buyer, order: StoredOrder): Promise<void> {
    const payment = await this.#pay(buyer, order, 'SIMULATED_CARD');
    if (!payment) return;
    if (this.#random.chance(0.5)) this.#begin(() => this.#confirm(order, 'pays'));
    const key = this.#key('give-up');
    await this.#ask('cancelPayment', (running) => cancelPayment(running.payment, asker(buyer.viewer), payment.id, key));
    await this.#payByCard(buyer, order);
  }

  async #cancel(buyer: Buyer, { id }: StoredOrder): Promise<void> {
    await this.#pause(2_000);
    const idempotencyKey = this.#key('cancel');
    await this.#ask('cancelOrder', ({ order }) =>
      cancelOrder(order, { viewer: buyer.viewer, traceId }, { id, idempotencyKey }),
    );
  }

  /** Pieces are taken off, sent and refunded, by customer and staff, in any order and at once. */
  async #afterSale(buyer: Buyer, { id: orderId }: StoredOrder): Promise<void> {
    const random = this.#random;
    const staff = { viewer: this.#staff(), traceId };
    const one = async (): Promise<unknown> => {
      await this.#pause(5_000);
      const lines = this.#piecesOf(orderId);
      const idempotencyKey = this.#key('after-sale');
      const acts = [
        () => this.#askOnce('cancelOrder', idempotencyKey, ({ order }) => cancelOrder(order, { viewer: buyer.viewer, traceId }, { id: orderId, lines, idempotencyKey }), ({ order }) => order?.id),
        () => this.#askOnce('fulfilOrder', idempotencyKey, ({ order }) => fulfilOrder(order, staff, { id: orderId, lines, idempotencyKey }), ({ order }) => order?.id),
        () => this.#askOnce('refundOrder', idempotencyKey, ({ order }) => refundOrder(order, staff, { orderId, lines, restock: random.chance(0.5), reason: 'Broken' }, idempotencyKey), ({ order }) => order?.id),
        () => this.#askOnce('refundOrder', idempotencyKey, ({ order }) => refundOrder(order, staff, { orderId, amount: { amount: random.integer(1, 1_500), currency }, reason: 'Goodwill' }, idempotencyKey), ({ order }) => order?.id),
      ]; // prettier-ignore
      return random.pick(acts)();
    };
    await Promise.all(Array.from({ length: random.integer(1, 3) }, one));
  }

  /** One piece of some line. */
  #piecesOf(orderId: string): { lineId: string; quantity: number }[] {
    const lines = new Rows(this.#platform.databases.order.memory, 'order_line');
    const own = lines.rows.filter((row) => idFromBytes(lines.get(row, 'order_id') as Buffer) === orderId);
    return own.length === 0 ? [] : [{ lineId: idFromBytes(lines.get(this.#random.pick(own), 'id') as Buffer), quantity: 1 }]; // prettier-ignore
  }

  async #remark(buyer: Buyer, { id, remark }: StoredOrder): Promise<void> {
    const idempotencyKey = this.#key('remark');
    // The order's own key stays in it.
    const input = { id, idempotencyKey, remark: `${String(remark)} please` };
    await this.#ask('updateOrderRemark', ({ order }) =>
      updateOrderRemark(order, { viewer: buyer.viewer, traceId }, input),
    );
  }

  /** Staff give back some of it, perhaps two of them at once. */
  async #refund({ id, amountMinor }: PaymentRow): Promise<void> {
    await this.#pause(6_000);
    const staff = this.#staff();
    const one = async (): Promise<void> => {
      const key = this.#key('refund');
      const amount = { amount: Number(amountMinor) / this.#random.pick([1, 2]), currency };
      await this.#askOnce('refundPayment', key, (running) => refundPayment(running.payment, asker(staff), { paymentId: id, amount, reason: key }, key), ({ refund }) => refund?.id); // prettier-ignore
    };
    await Promise.all(this.#random.chance(0.5) ? [one(), one()] : [one()]);
  }

  /** The customer's card, at the bank's page of some open intent of the order. */
  #confirm({ id }: StoredOrder, card: 'pays' | 'is declined'): Promise<void> {
    const { scheduler, outside, bank } = this.#platform;
    return scheduler.step(outside, `a card ${card}`, () => {
      const open = [...bank.intents.values()].filter(({ orderId, status }) => orderId === id && (status === 'open' || status === 'declined')); // prettier-ignore
      if (open.length > 0) bank.confirm(this.#random.pick(open).id, card);
    });
  }

  /** The bank's event to the webhook: late, twice, in any order, or never. */
  #deliver(body: string): void {
    const random = this.#random;
    if (random.chance(0.05)) return;
    const request = { method: 'POST', path: '/webhooks/simulated', headers: {}, body: Buffer.from(body) };
    for (let copies = random.chance(0.2) ? 2 : 1; copies > 0; copies -= 1)
      this.#begin(async () => {
        await this.#pause(random.pick([0, 500, 500, 3_000, 8_000]));
        for (let tries = 0; tries < maxTries; tries += 1) {
          const answer = await this.#ask('webhook', ({ webhooks }) => webhooks(request, { provider: 'simulated' }));
          if (answer?.status === 200) return;
          await this.#pause(3_000);
        }
      });
  }
}
