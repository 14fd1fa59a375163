import type { UserViewer } from '../../subgraphs/shared/auth/viewer.ts';
import { insertRows } from '../../subgraphs/shared/database/database.ts';
import { idFromBytes, idToBytes } from '../../subgraphs/shared/values/ids.ts';
import { cancelOrder } from '../../subgraphs/order/commands/cancel-order.ts';
import { addOrderNote, updateOrderRemark } from '../../subgraphs/order/commands/annotate-order.ts';
import { insertPromotion } from '../../subgraphs/order/promotion-store.ts';
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
import { AfterSale } from './after-sale.ts';
import { type Buyer, Clients, currency, maxTries, staff, traceId } from './clients.ts';
import { type Platform, paymentWindowSeconds } from './platform.ts';
import type { Random } from './random.ts';
import { Rows } from './rows.ts';
import { asker } from '../support/asker.ts';

const priceMinor = 1_000;
const hourMs = 3_600_000;

/** Buyers and staff, what they do, and what they were told. */
export class Shop {
  readonly #platform: Platform;
  readonly #random: Random;
  readonly products: { readonly id: string; readonly onHand: number }[] = [];
  readonly #clients: Clients;
  readonly #afterSale: AfterSale;
  /** Codes of coupons. */
  readonly #codes: string[] = [];
  #seenOrders = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#random = platform.scheduler.random;
    this.#clients = new Clients(platform);
    this.#afterSale = new AfterSale(platform, this.#clients);
    platform.bank.onEvent = (body) => this.#deliver(body);
    platform.databases.order.memory.onCommit = () => this.#watch();
  }

  /** True when every client has done what it wanted to. */
  get isQuiet(): boolean {
    return this.#clients.isQuiet;
  }

  /** What a client was told that contradicts what it was told before. */
  get contradictions(): readonly string[] {
    return this.#clients.contradictions;
  }

  /** Puts a few products on sale and lets the buyers begin. */
  async open(): Promise<void> {
    const random = this.#random;
    for (let count = random.integer(1, 2); count > 0; count -= 1) await this.#putOnSale(random.integer(1, 3));
    if (random.chance(0.6)) await this.#offer('TEN');
    for (let count = random.integer(1, 3); count > 0; count -= 1) {
      const viewer: UserViewer = {
        kind: 'user',
        userId: this.#platform.newId(),
        roles: ['CUSTOMER'],
        sessionId: 'session',
      };
      if (random.chance(0.7)) await this.#credit(viewer.userId, BigInt(random.integer(1, 3) * priceMinor));
      const buyer = { viewer, name: `buyer ${count}` };
      this.#clients.begin(() => this.#buy(buyer));
      // In another tab.
      if (random.chance(0.15)) this.#clients.begin(() => this.#buy(buyer));
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
        idempotencyKey: this.#clients.key('note'),
      };
      this.#clients.begin(async () => {
        await this.#clients.pause(60);
        await this.#clients.ask('addOrderNote', ({ order }) => addOrderNote(order, { viewer: staff, traceId }, input));
      });
    }
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

  /** A tenth off, for few orders, of one customer perhaps one only. */
  async #offer(code: string): Promise<void> {
    const { scheduler, databases, outside } = this.#platform;
    const none = { valueMinor: null, currency: null, buyQuantity: null, getQuantity: null, productIds: null, categoryIds: null, minimumMinor: null, endsAt: null }; // prettier-ignore
    const limits = { usageLimit: this.#random.integer(1, 3), usagePerCustomer: this.#random.pick([1, null]) };
    const [id, startsAt] = [this.#platform.newId(), new Date(scheduler.nowMs - hourMs)];
    await databases.order.connect(outside, {} as never).transaction((tx) =>
      insertPromotion(tx, { ...none, ...limits, id, name: code, kind: 'PERCENT', code, valuePpm: 100_000, combinable: true, startsAt, used: 0, active: true, version: 1 }),
    ); // prettier-ignore
    this.#codes.push(code);
  }

  async #credit(ownerId: string, amountMinor: bigint): Promise<void> {
    const { scheduler, databases, outside } = this.#platform;
    const moves = between({ ownerId, currency }, { from: 'CREDITS', to: 'AVAILABLE' }, amountMinor);
    const transfer = { reference: `credit:${ownerId}`, reason: 'Gift', paymentId: null, orderId: null, moves };
    await databases.payment
      .connect(outside, {} as never)
      .transaction((tx) => postTransfer(tx, transfer, new Date(scheduler.nowMs)));
  }

  async #buy(buyer: Buyer): Promise<void> {
    const random = this.#random;
    await this.#clients.pause(3_000);
    const withCodes = this.#codes.length > 0 && random.chance(0.7);
    // Who hears that a code does not count buys without it.
    const order = (withCodes ? await this.#place(buyer, this.#codes) : null) ?? (await this.#place(buyer));
    if (!order || order.state === 'FAILED') return;
    if (random.chance(0.2)) this.#clients.begin(() => this.#remark(buyer, order));
    if (random.chance(0.3)) this.#clients.begin(() => this.#afterSale.sendBack(buyer, order));
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
    if (random.chance(0.2)) this.#clients.begin(random.pick(acts));
    await random.pick(acts)();
  }

  async #place(buyer: Buyer, couponCodes: readonly string[] | null = null): Promise<StoredOrder | null> {
    const random = this.#random;
    const type = random.chance(0.4) ? 'PREPAY' : 'STANDARD';
    const key = this.#clients.key('place');
    const lines = random
      .pick([[0], [1], [0, 1]])
      .flatMap((index) => this.products[index] ?? [])
      .map(({ id }) => ({ productId: id, quantity: random.integer(1, 2) }));
    const wanted = lines.length > 0 ? lines : [{ productId: this.products[0]?.id ?? '', quantity: 1 }];
    // The key is written into the order, so that an oracle finds two orders of one key.
    const request = {
      input: { type, currency, lines: wanted, couponCodes, remark: key },
      idempotencyKey: key,
      traceId,
    };
    const placed = await this.#clients.askOnce('placeOrder', key, ({ order }) => placeOrder(order, buyer.viewer, request), ({ order }) => order?.id); // prettier-ignore
    return placed?.order ?? null;
  }

  async #pay(buyer: Buyer, { id }: StoredOrder, method: 'SIMULATED_CARD' | 'WALLET'): Promise<PaymentRow | null> {
    const key = this.#clients.key('pay');
    const caller = { viewer: buyer.viewer, traceId };
    const paid = await this.#clients.askOnce('createPayment', key, ({ payment }) => createPayment(payment, caller, { orderId: id, method }, key), ({ payment }) => payment?.id); // prettier-ignore
    return paid?.payment ?? null;
  }

  async #payByCard(buyer: Buyer, order: StoredOrder): Promise<void> {
    const random = this.#random;
    await this.#clients.pause(2_000);
    const payment = await this.#pay(buyer, order, 'SIMULATED_CARD');
    if (!payment) return;
    await this.#clients.pause(1_000);
    if (random.chance(0.2)) {
      await this.#confirm(order, 'is declined');
      await this.#clients.pause(3_000);
      if (random.chance(0.4)) {
        const key = this.#clients.key('retry');
        await this.#clients.ask('retryPayment', (running) => retryPayment(running.payment, { viewer: buyer.viewer, traceId }, payment.id, key)); // prettier-ignore
      }
    }
    if (random.chance(0.1)) this.#clients.begin(() => this.#cancel(buyer, order));
    await this.#confirm(order, 'pays');
    if (random.chance(0.15)) this.#clients.begin(() => this.#cancel(buyer, order));
    if (random.chance(0.3)) this.#clients.begin(() => this.#afterSale.pieces(buyer, order));
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
    await this.#clients.pause(1_000);
    await this.#pay(buyer, order, 'WALLET');
    if (this.#random.chance(0.2)) await this.#cancel(buyer, order);
    if (this.#random.chance(0.4)) await this.#afterSale.pieces(buyer, order);
  }

  async #giveUpPayment(buyer: Buyer, order: StoredOrder): Promise<void> {
    const payment = await this.#pay(buyer, order, 'SIMULATED_CARD');
    if (!payment) return;
    if (this.#random.chance(0.5)) this.#clients.begin(() => this.#confirm(order, 'pays'));
    const key = this.#clients.key('give-up');
    await this.#clients.ask('cancelPayment', (running) =>
      cancelPayment(running.payment, asker(buyer.viewer), payment.id, key),
    );
    await this.#payByCard(buyer, order);
  }

  async #cancel(buyer: Buyer, { id }: StoredOrder): Promise<void> {
    await this.#clients.pause(2_000);
    const idempotencyKey = this.#clients.key('cancel');
    await this.#clients.ask('cancelOrder', ({ order }) =>
      cancelOrder(order, { viewer: buyer.viewer, traceId }, { id, idempotencyKey }),
    );
  }

  async #remark(buyer: Buyer, { id, remark }: StoredOrder): Promise<void> {
    const idempotencyKey = this.#clients.key('remark');
    // The order's own key stays in it.
    const input = { id, idempotencyKey, remark: `${String(remark)} please` };
    await this.#clients.ask('updateOrderRemark', ({ order }) =>
      updateOrderRemark(order, { viewer: buyer.viewer, traceId }, input),
    );
  }

  /** Staff give back some of it, perhaps two of them at once. */
  async #refund({ id, amountMinor }: PaymentRow): Promise<void> {
    await this.#clients.pause(6_000);
    const one = async (): Promise<void> => {
      const key = this.#clients.key('refund');
      const amount = { amount: Number(amountMinor) / this.#random.pick([1, 2]), currency };
      await this.#clients.askOnce('refundPayment', key, (running) => refundPayment(running.payment, asker(staff), { paymentId: id, amount, reason: key }, key), ({ refund }) => refund?.id); // prettier-ignore
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
      this.#clients.begin(async () => {
        await this.#clients.pause(random.pick([0, 500, 500, 3_000, 8_000]));
        for (let tries = 0; tries < maxTries; tries += 1) {
          const answer = await this.#clients.ask('webhook', ({ webhooks }) =>
            webhooks(request, { provider: 'simulated' }),
          );
          if (answer?.status === 200) return;
          await this.#clients.pause(3_000);
        }
      });
  }
}
