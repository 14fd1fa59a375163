import { idFromBytes } from '../../subgraphs/shared/values/ids.ts';
import { paymentHandlers } from '../../subgraphs/order/consumers.ts';
import { orderEvents } from '../../subgraphs/payment/order-events.ts';
import { eventHandlers } from '../../subgraphs/product/events.ts';
import type { Values } from './database/compile.ts';
import { type Platform, type ServiceName, services } from './platform.ts';
import { Rows } from './rows.ts';
import type { Shop } from './shop.ts';

const openStates = new Set(['PENDING_PAYMENT', 'PAID', 'PROCESSING', 'COMPLETED']);
const paidStates = new Set(['PAID', 'PROCESSING', 'COMPLETED', 'LAPSED', 'NEEDS_ATTENTION']);
const closedStates = new Set(['CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED']);
/** Of orders that may have been paid before. */
const givenBackStates = new Set(['CANCELLED', 'REFUNDED']);
const keeps = new Set(['HELD', 'COMMITTED']);
const endedSagas = new Set(['SUCCEEDED', 'COMPENSATED']);
/** Which events each service acts on. */
const acted: Readonly<Record<ServiceName, readonly string[]>> = {
  order: Object.keys(paymentHandlers({} as never).handlers),
  product: Object.keys(eventHandlers({} as never).handlers),
  payment: Object.keys(orderEvents({} as never).handlers),
};

/** What must hold after every step and at the end: RELIABILITY's invariants, measured by the rows, the clients and the bank. */
export class Invariants {
  readonly #platform: Platform;
  readonly #shop: Shop;
  #seen = -1;
  /** States that sagas ended in: none may leave them. */
  readonly #ended = new Map<string, string>();

  constructor(platform: Platform, shop: Shop) {
    this.#platform = platform;
    this.#shop = shop;
  }

  #rows(database: 'order' | 'product' | 'payment', table: string): Rows {
    return new Rows(this.#platform.databases[database].memory, table);
  }

  /** What is broken, as a sentence that begins with the invariant; null when nothing is. Looks only when something was committed. */
  afterStep(): string | null {
    const { databases, complaints, bank } = this.#platform;
    const complaint = complaints[0] ?? this.#shop.contradictions[0];
    if (complaint !== undefined) return complaint;
    // Each of these only grows.
    let seen = bank.refunds.size;
    for (const name of services) seen += databases[name].memory.commits;
    for (const { status } of bank.intents.values()) if (status === 'succeeded') seen += 1;
    if (seen === this.#seen) return null;
    this.#seen = seen;
    return (
      this.#stock() ??
      this.#events() ??
      this.#orders() ??
      this.#pieces() ??
      this.#promotions() ??
      this.#sagas() ??
      this.#charges() ??
      this.#ledger() ??
      this.#appliedOnce()
    );
  }

  /** I1: the counters are within bounds, and what the reservations and the movements say. */
  #stock(): string | null {
    const [stock, reservations, movements] = [this.#rows('product', 'stock'), this.#rows('product', 'stock_reservation'), this.#rows('product', 'stock_movement')]; // prettier-ignore
    for (const row of stock.rows) {
      const product = stock.get(row, 'product_id');
      const [onHand, allocated, version] = [stock.number(row, 'on_hand'), stock.number(row, 'allocated'), stock.number(row, 'version')]; // prettier-ignore
      if (allocated < 0 || allocated > onHand) return `I1 ${allocated} allocated of ${onHand}`;
      let [held, sold] = [0, 0];
      for (const reservation of reservations.rows) {
        if (reservations.get(reservation, 'product_id') !== product) continue;
        const state = reservations.get(reservation, 'state');
        if (state === 'HELD') held += reservations.number(reservation, 'quantity');
        if (state === 'COMMITTED') sold += reservations.number(reservation, 'quantity');
      }
      if (held !== allocated) return `I1 ${allocated} allocated, ${held} held`;
      const opening = this.#shop.products.find(({ id }) => id === idFromBytes(product as Buffer))?.onHand ?? onHand;
      const own = movements.filter('product_id', product);
      const isRestocked = (one: Values) =>
        movements.text(one, 'type') === 'RETURN' && movements.get(one, 'reservation_id') === null;
      const restocked = own.filter(isRestocked).reduce((sum, one) => sum + movements.number(one, 'on_hand_delta'), 0);
      if (opening - sold + restocked !== onHand)
        return `I1 ${onHand} on hand, ${sold} of ${opening} sold, ${restocked} back`;
      const replayed = own.reduce((sum, one) => sum + movements.number(one, 'on_hand_delta'), 0);
      const last = Math.max(0, ...own.map((one) => movements.number(one, 'seq')));
      if (replayed !== onHand || own.length !== version || last !== version) return `I1 the ledger says ${replayed} by ${own.length} movements, the stock ${onHand} at version ${version}`; // prettier-ignore
    }
    return null;
  }

  /** I5: an event tells only of what has been committed. */
  #events(): string | null {
    const [outbox, orders] = [this.#rows('order', 'outbox'), this.#rows('order', 'orders')];
    for (const row of outbox.rows) {
      const order = orders.find('id', outbox.get(row, 'aggregate_id'));
      const [type, state] = [outbox.text(row, 'type'), order ? orders.text(order, 'state') : 'nowhere'];
      // Of the audit log: it is of who did it.
      if (type === 'staff.acted') continue;
      const isTrue =
        type === 'order.closed'
          ? closedStates.has(state)
          : type === 'order.paid'
            ? paidStates.has(state) ||
              (givenBackStates.has(state) && order !== undefined && orders.get(order, 'paid_at') !== null)
            : order !== undefined;
      if (!isTrue) return `I5 ${type} is told of an order that is ${state}`;
    }
    const [told, payments] = [this.#rows('payment', 'outbox'), this.#rows('payment', 'payment')];
    for (const row of told.rows) {
      if (told.get(row, 'type') !== 'payment.succeeded') continue;
      const own = payments.filter('order_id', told.get(row, 'aggregate_id'));
      if (!own.some((one) => payments.number(one, 'captured_minor') > 0))
        return 'I5 payment.succeeded is told of no captured payment';
    }
    return null;
  }

  /** I3, I7, I8, I11: what an order is, what is held for it, and what its journal says. */
  #orders(): string | null {
    const [orders, events, reservations, payments] = [this.#rows('order', 'orders'), this.#rows('order', 'order_event'), this.#rows('product', 'stock_reservation'), this.#rows('payment', 'payment')]; // prettier-ignore
    const barrier = this.#rows('product', 'barrier');
    const sagas = this.#rows('order', 'saga');
    const keys = new Set<string>();
    for (const row of orders.rows) {
      const id = orders.get(row, 'id');
      const state = orders.text(row, 'state');
      const key = orders.text(row, 'remark').split(' ')[0] ?? '';
      if (keys.has(key)) return `I8 two orders of the key ${key}`;
      keys.add(key);
      const own = events.filter('order_id', id);
      const seq = orders.number(row, 'seq');
      if (
        own.length !== seq ||
        !own.some((one) => events.get(one, 'hash') === orders.get(row, 'last_hash')) ||
        own.some((one) => events.number(one, 'seq') > seq)
      )
        // prettier-ignore
        return `I7 the order is at ${seq}, its journal has ${own.length} entries`;
      const held = reservations.filter('order_id', id).map((one) => reservations.text(one, 'state'));
      const isKept = held.some((one) => keeps.has(one));
      if (openStates.has(state) && (held.length === 0 || !held.every((one) => keeps.has(one)))) return `I3 an order that is ${state} has its stock ${held.join(', ')}`; // prettier-ignore
      const wasPaid = givenBackStates.has(state) && orders.get(row, 'paid_at') !== null;
      if (held.includes('COMMITTED') && !paidStates.has(state) && !wasPaid)
        return `I3 stock of an order that is ${state} is sold`;
      const saga = sagas.find('order_id', id);
      const undone = barrier.rows.some((one) =>
        (barrier.get(one, 'saga_id') === id || (saga && barrier.get(one, 'saga_id') === sagas.get(saga, 'id'))) && barrier.get(one, 'op') === 'compensation'); // prettier-ignore
      if (undone && isKept) return `I11 an order's stock was given back, and is ${held.join(', ')}`;
      const expiresMs = orders.number(row, 'expires_at');
      if (state === 'EXPIRED' && orders.number(row, 'closed_at') < expiresMs)
        return 'I10 an order expired before its time';
      if (!paidStates.has(state)) continue;
      if (orders.number(row, 'paid_minor') < orders.number(row, 'total_minor'))
        return `I3 an order is ${state} with too little paid`;
      const paying = payments.filter('order_id', id).filter((one) => payments.number(one, 'captured_minor') > 0);
      if (paying.length === 0) return `I3 an order is ${state}, and no payment of it was captured`;
      if (orders.text(row, 'type') === 'STANDARD' && !paying.some((one) => payments.number(one, 'paid_at') < expiresMs))
        return `I3 an order is ${state} by money that came after its deadline`;
    }
    return null;
  }

  /** Nothing is delivered that was taken off, no piece goes back twice, and none comes back that was not sent. */
  #pieces(): string | null {
    const [lines, orders, returns] = [this.#rows('order', 'order_line'), this.#rows('order', 'orders'), this.#rows('order', 'order_return_line')]; // prettier-ignore
    for (const row of lines.rows) {
      const back = lines.number(row, 'returned_quantity');
      const received = returns.filter('line_id', lines.get(row, 'id')).reduce((sum, one) => sum + returns.number(one, 'received_quantity'), 0); // prettier-ignore
      if (back !== received || back > lines.number(row, 'quantity') - lines.number(row, 'cancelled_quantity'))
        return `I6 ${back} pieces came back, ${received} by returns`;
      const [quantity, sent, cancelled, refunded] = ['quantity', 'fulfilled_quantity', 'cancelled_quantity', 'refunded_quantity'].map((column) => lines.number(row, column)) as [number, number, number, number]; // prettier-ignore
      if (sent + cancelled > quantity || cancelled > refunded || refunded > quantity)
        return `I6 of ${quantity} pieces ${sent} are delivered, ${cancelled} taken off, ${refunded} refunded`;
      const order = orders.find('id', lines.get(row, 'order_id'));
      if (order && sent > 0 && givenBackStates.has(orders.text(order, 'state'))) return 'I3 a piece is delivered of an order that was given back'; // prettier-ignore
    }
    return null;
  }

  /** I13: a promotion counts the orders that have it and are not closed, in all and by customer, and no more than it may. */
  #promotions(): string | null {
    const [promotions, customers, orders] = [this.#rows('order', 'promotion'), this.#rows('order', 'promotion_customer'), this.#rows('order', 'orders')]; // prettier-ignore
    for (const row of promotions.rows) {
      const id = promotions.get(row, 'id');
      const having = orders.rows.filter((one) => {
        const ids = orders.get(one, 'promotion_ids');
        const own = ids === null ? [] : (JSON.parse(String(ids)) as string[]);
        return own.includes(idFromBytes(id as Buffer)) && !closedStates.has(orders.text(one, 'state'));
      });
      const [used, limit] = [promotions.number(row, 'used'), promotions.get(row, 'usage_limit')];
      if (used !== having.length || (limit !== null && used > Number(limit)))
        return `I13 a promotion for ${String(limit)} orders is used ${used} times, by ${having.length} orders`;
      const each = promotions.get(row, 'usage_per_customer');
      for (const one of customers.filter('promotion_id', id)) {
        const own = having.filter((order) => orders.get(order, 'customer_id') === customers.get(one, 'customer_id'));
        const count = customers.number(one, 'used');
        if (count !== own.length || (each !== null && count > Number(each)))
          return `I13 a promotion for ${String(each)} orders of a customer is used ${count} times, by ${own.length} orders`;
      }
    }
    return null;
  }

  /** I4: a saga that has ended stays so, and its order goes with it. */
  #sagas(): string | null {
    const [sagas, orders, payments, barrier] = [this.#rows('order', 'saga'), this.#rows('order', 'orders'), this.#rows('payment', 'payment'), this.#rows('payment', 'barrier')]; // prettier-ignore
    for (const row of sagas.rows) {
      const id = sagas.id(row, 'id');
      const state = sagas.text(row, 'state');
      const before = this.#ended.get(id);
      if (before !== undefined && before !== state) return `I4 a saga was ${before} and is ${state}`;
      if (endedSagas.has(state)) this.#ended.set(id, state);
      const order = orders.find('id', sagas.get(row, 'order_id'));
      if (!order) return 'I4 a saga has no order';
      const of = orders.text(order, 'state');
      const fits = state === 'RUNNING' ? of === 'PLACING' : state === 'SUCCEEDED' ? of !== 'PLACING' && of !== 'FAILED' : of === 'FAILED'; // prettier-ignore
      if (!fits) return `I4 a saga is ${state}, its order ${of}`;
      const isUndone = barrier.rows.some((one) => barrier.get(one, 'saga_id') === sagas.get(row, 'id') && barrier.get(one, 'op') === 'compensation'); // prettier-ignore
      const charged = payments.filter('order_id', sagas.get(row, 'order_id')).filter((one) => payments.get(one, 'method') === 'WALLET'); // prettier-ignore
      if (
        isUndone &&
        charged.some((one) => payments.number(one, 'refunding_minor') < payments.number(one, 'captured_minor'))
      )
        return 'I11 a wallet was charged although the charge was undone';
    }
    return null;
  }

  /**
   * I2: by the bank's books, an order is charged once at most, whether it is open or closed, and no more goes back than came. What was charged
   * late goes back (`#moneyAgrees`).
   */
  #charges(): string | null {
    const orders = this.#rows('order', 'orders');
    const payments = this.#rows('payment', 'payment');
    for (const row of orders.rows) {
      const { charges, takenMinor, refundedMinor } = this.#platform.bank.moneyOf(idFromBytes(orders.get(row, 'id') as Buffer)); // prettier-ignore
      if (charges > 1) return `I2 an order was charged ${charges} times`;
      if (refundedMinor > takenMinor) return `I2 ${refundedMinor} went back of ${takenMinor}`;
      const paid = payments.filter('order_id', orders.get(row, 'id'));
      const kept = paid.filter(
        (one) => payments.number(one, 'captured_minor') > payments.number(one, 'refunding_minor'),
      );
      if (kept.length > 1) return `I2 ${kept.length} payments of an order are kept`;
    }
    return this.#closedPayments();
  }

  /** I2: once payment has heard that an order is closed, none of its payments can be paid, or become so. */
  #closedPayments(): string | null {
    const [told, heard] = [this.#rows('order', 'outbox'), this.#rows('payment', 'inbox')];
    const [payments, attempts] = [this.#rows('payment', 'payment'), this.#rows('payment', 'attempt')];
    for (const event of told.rows) {
      if (told.get(event, 'type') !== 'order.closed' || !heard.find('event_id', told.get(event, 'id'))) continue;
      for (const payment of payments.filter('order_id', told.get(event, 'aggregate_id'))) {
        const own = attempts.filter('payment_id', payments.get(payment, 'id'));
        const isKnown = own.some((one) => attempts.get(one, 'provider_intent_id') !== null && attempts.get(one, 'live') !== null); // prettier-ignore
        const state = payments.text(payment, 'state');
        if (isKnown && ['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'].includes(state))
          return `I2 a payment of a closed order is ${state}, and can be paid`;
      }
    }
    return null;
  }

  /** I6: transfers sum to zero, and a wallet has what its entries say and never less than nothing. */
  #ledger(): string | null {
    const [accounts, entries] = [this.#rows('payment', 'ledger_account'), this.#rows('payment', 'ledger_entry')];
    const sums = new Map<unknown, number>();
    const add = (key: unknown, row: Values) =>
      sums.set(key, (sums.get(key) ?? 0) + entries.number(row, 'amount_minor'));
    for (const row of entries.rows) {
      add(entries.get(row, 'transfer_id'), row);
      add(entries.get(row, 'account_id'), row);
    }
    for (const row of entries.rows)
      if (sums.get(entries.get(row, 'transfer_id')) !== 0) return 'I6 a transfer does not sum to zero';
    for (const row of accounts.rows) {
      const balance = accounts.number(row, 'balance_minor');
      if ((sums.get(accounts.get(row, 'id')) ?? 0) !== balance)
        return `I6 an account has ${balance}, its entries say otherwise`;
      if (balance < 0 && ['AVAILABLE', 'HELD'].includes(accounts.text(row, 'kind')))
        return `I6 a wallet has ${balance}`;
    }
    return null;
  }

  /** I5, the half that holds at all times: nothing is applied twice. */
  #appliedOnce(): string | null {
    for (const [key, times] of this.#platform.applied)
      if (times > 1) return `I5 ${key.split(' ', 2).join(' has applied ')} ${times} times`;
    return null;
  }

  /** What is still to come; null when all is done. */
  unsettled(): string | null {
    const { redis, databases } = this.#platform;
    for (const name of ['order', 'payment'] as const) {
      const outbox = this.#rows(name, 'outbox');
      if (outbox.rows.some((row) => outbox.get(row, 'published_at') === null)) return `${name}: events to publish`;
    }
    if (!redis.isKnownTo(['order', 'payment'])) return 'a relay has not looked at Redis since it was emptied';
    for (const name of services)
      if (redis.unhandled(name, name === 'order' ? 'payment' : 'order') > 0) return `${name}: events to handle`;
    const [sagas, orders, payments, attempts, refunds, webhooks] = [this.#rows('order', 'saga'), this.#rows('order', 'orders'), this.#rows('payment', 'payment'), this.#rows('payment', 'attempt'), this.#rows('payment', 'refund'), this.#rows('payment', 'webhook_inbox')]; // prettier-ignore
    for (const row of sagas.rows)
      if (!endedSagas.has(sagas.text(row, 'state'))) return `a saga is ${sagas.text(row, 'state')}`;
    for (const row of orders.rows)
      if (['PLACING', 'PENDING_PAYMENT'].includes(orders.text(row, 'state')))
        return `an order is ${orders.text(row, 'state')}`;
    for (const row of payments.rows)
      if (['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'].includes(payments.text(row, 'state'))) return `a payment is ${payments.text(row, 'state')}`; // prettier-ignore
    for (const row of attempts.rows)
      if (attempts.get(row, 'live') !== null) return `an attempt is ${attempts.text(row, 'state')}`;
    for (const row of refunds.rows)
      if (['REQUESTED', 'PENDING'].includes(refunds.text(row, 'state')))
        return `a refund is ${refunds.text(row, 'state')}`;
    for (const row of webhooks.rows)
      if (webhooks.get(row, 'next_try_at') !== null) return `a webhook is ${webhooks.text(row, 'outcome')}`;
    return databases.order.memory.stored('orders').some(({ owner }) => owner) ? 'a transaction is open' : null;
  }

  /** What holds once all is quiet. */
  atEnd(): string | null {
    return this.#everyEventApplied() ?? this.#moneyAgrees() ?? this.#stockAgrees();
  }

  #everyEventApplied(): string | null {
    for (const source of ['order', 'payment'] as const) {
      const outbox = this.#rows(source, 'outbox');
      for (const row of outbox.rows)
        for (const name of services) {
          if (!acted[name].includes(outbox.text(row, 'type'))) continue;
          const id = idFromBytes(outbox.get(row, 'id') as Buffer);
          if (this.#platform.applied.get(`${name} ${outbox.text(row, 'type')} ${id}`) !== 1) return `I5 ${outbox.text(row, 'type')} was never applied by ${name}`; // prettier-ignore
        }
    }
    const buried = services.find((name) => this.#rows(name, 'dead_letter').rows.length > 0);
    return buried ? `I5 ${buried} has dead letters` : null;
  }

  /** Orders, payments and the bank agree to the minor unit, and a closed order keeps no money. */
  #moneyAgrees(): string | null {
    const [orders, payments] = [this.#rows('order', 'orders'), this.#rows('payment', 'payment')];
    for (const row of orders.rows) {
      const id = orders.get(row, 'id');
      const state = orders.text(row, 'state');
      const [paid, refunded] = [orders.number(row, 'paid_minor'), orders.number(row, 'refunded_minor')];
      const own = payments.filter('order_id', id);
      const sum = (column: string, of: readonly Values[]) =>
        of.reduce((total, one) => total + payments.number(one, column), 0);
      if (orders.number(row, 'refund_pending_minor') !== 0) return `I6 an order waits for ${orders.number(row, 'refund_pending_minor')} that nobody gives back`; // prettier-ignore
      if (closedStates.has(state) && state !== 'FAILED' && paid !== refunded) return `I3 an order is ${state} with ${paid} paid and ${refunded} refunded`; // prettier-ignore
      // The undone charge of an order that was never placed is between the saga and the wallet.
      if (state === 'FAILED') {
        if (sum('captured_minor', own) !== sum('refunded_minor', own)) return 'I3 a failed order keeps money';
      } else if (sum('captured_minor', own) !== paid || sum('refunded_minor', own) !== refunded)
        return `I6 an order has ${paid} paid and ${refunded} refunded, its payments ${sum('captured_minor', own)} and ${sum('refunded_minor', own)}`; // prettier-ignore
      const cards = own.filter((one) => payments.get(one, 'method') === 'SIMULATED_CARD');
      const { takenMinor, refundedMinor } = this.#platform.bank.moneyOf(idFromBytes(id as Buffer));
      if (sum('captured_minor', cards) !== Number(takenMinor) || sum('refunded_minor', cards) !== Number(refundedMinor))
        return `I2 the bank took ${takenMinor} and gave back ${refundedMinor}, the payments say otherwise`;
    }
    return null;
  }

  #stockAgrees(): string | null {
    const [orders, reservations] = [this.#rows('order', 'orders'), this.#rows('product', 'stock_reservation')];
    for (const row of reservations.rows) {
      const order = orders.find('id', reservations.get(row, 'order_id'));
      const [state, of] = [reservations.text(row, 'state'), order ? orders.text(order, 'state') : 'nowhere'];
      const fits = paidStates.has(of) ? state === 'COMMITTED' : state === 'RELEASED' || state === 'EXPIRED';
      if (!fits) return `I1 an order is ${of}, its stock ${state}`;
    }
    return null;
  }
}
