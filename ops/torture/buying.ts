import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cancelDocument, captureDocument, fulfilDocument, payDocument, payMixedDocument, placeDocument, retryPaymentDocument,
} from './documents.ts'; // prettier-ignore
import type { OrderTold } from './journal.ts';
import type { Random } from './random.ts';
import { refund } from './refunding.ts';
import type { Buyer, Product, Shop } from './shop.ts';

/** What a buyer has in mind, and how often. */
const intentions = {
  card: 30,
  'card that is declined first': 9,
  'card with a confirmation': 9,
  wallet: 12,
  mixed: 10,
  prepay: 10,
  'bank transfer': 7,
  cancel: 6,
  'cancel and pay': 4,
  leave: 4,
} as const;
const cards = { pays: '4242424242424242', declines: '4000000000000002', asks: '4000002760003184' } as const;
const refunded = 0.12;
const fulfilled = 0.1;
const followed = 0.25;
const maxFollowedPerBuyer = 20;
const otherInput = 0.02;
const paidTimeoutMs = 45_000;
const pollMs = 100;
const maxCaptures = 30;
const captureRetryMs = 1_000;
const dayMs = 86_400_000;

type Refusals = { userErrors: { code: string; message: string }[] };
type Placed = {
  placeOrder: { order: { id: string; number: string; state: string; total: { amount: number } } | null } & Refusals;
};
type Started = {
  id: string;
  state: string;
  attempts: { clientParams: { intent?: string; confirmUrl?: string } | null }[];
};
type Changed = { order: { id: string; state: string } | null } & Refusals;

/** One order from the shelf to its end, as one buyer lives through it. */
export async function buy(shop: Shop, buyer: Buyer, random: Random): Promise<void> {
  const intention = random.weighted(intentions);
  const order = await place(shop, buyer, { random, isPrepaid: intention === 'prepay' });
  if (order.id === undefined || order.refusal !== undefined) return;
  if (random.chance(followed) && buyer.followed.size < maxFollowedPerBuyer)
    buyer.followed.set(order.id, buyer.watch.follow(order));
  switch (intention) {
    case 'leave':
      return;
    case 'cancel':
      await cancel(shop, buyer, { order, random });
      return;
    case 'cancel and pay': {
      const started = await pay(shop, buyer, { order, random, method: 'SIMULATED_CARD' });
      // In this order, in the other, or at once: the money is kept or goes back, never both.
      await Promise.all([cancel(shop, buyer, { order, random }), confirm(shop, started, cards.pays)]);
      return;
    }
    case 'prepay':
      break;
    case 'wallet':
      await pay(shop, buyer, { order, random, method: 'WALLET' });
      break;
    case 'bank transfer':
      await capture(shop, order, await pay(shop, buyer, { order, random, method: 'BANK_TRANSFER' }));
      break;
    case 'card':
    case 'card with a confirmation': {
      const started = await pay(shop, buyer, { order, random, method: 'SIMULATED_CARD' });
      await confirm(shop, started, intention === 'card' ? cards.pays : cards.asks);
      await capture(shop, order, shop.manualCapture ? started : undefined);
      break;
    }
    case 'card that is declined first':
      await payAfterDecline(shop, buyer, { order, random });
      break;
    case 'mixed': {
      const started = await payMixed(shop, buyer, { order, random });
      await confirm(shop, started, cards.pays);
      await capture(shop, order, shop.manualCapture ? started : undefined);
    }
  }
  await outcome(shop, buyer, order);
  if (!order.paid) return;
  if (random.chance(fulfilled)) await fulfil(shop, order, random);
  if (random.chance(refunded)) await refund(shop, buyer, { order, random });
}

function linesOf(products: readonly Product[], random: Random, isPrepaid: boolean): { type: string; lines: object[] } {
  const product = random.pick(products);
  if (product.kind === 'BOOKABLE' && !isPrepaid) {
    const from = Date.now() + random.between(1, 60) * dayMs;
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    const stay = { stayFrom: day(from), stayTo: day(from + random.between(1, 3) * dayMs), guests: 2 };
    return { type: 'BOOKING', lines: [{ productId: product.id, quantity: 1, ...stay }] };
  }
  const stocked = products.filter(({ kind }) => kind === 'STOCKED');
  const chosen = new Set([random.pick(stocked), random.pick(stocked)]);
  const lines = [...chosen].map(({ id }) => ({ productId: id, quantity: random.between(1, 2) }));
  return { type: isPrepaid ? 'PREPAY' : 'STANDARD', lines };
}

async function place(
  shop: Shop,
  buyer: Buyer,
  { random, isPrepaid }: { random: Random; isPrepaid: boolean },
): Promise<OrderTold> {
  const key = randomUUID();
  const { type, lines } = linesOf(shop.products, random, isPrepaid);
  const input = { type, currency: 'EUR', lines, remark: key };
  const told: OrderTold = {
    key, buyer: buyer.index, lines: lines as OrderTold['lines'], input, paid: false, cancelled: false,
  }; // prettier-ignore
  shop.journal.orders.push(told);
  const placed = await shop.api.ask<Placed>({
    document: placeDocument,
    variables: { input, idempotencyKey: key },
    person: buyer.person,
    random,
    mark: (data: Placed) => data.placeOrder.order?.id,
  });
  tell(told, placed);
  if (random.chance(otherInput)) {
    const other = { ...input, remark: `${key} changed` };
    const answer = await shop.api.ask<Placed>({
      document: placeDocument,
      variables: { input: other, idempotencyKey: key },
      person: buyer.person,
    });
    const code = answer?.placeOrder.userErrors[0]?.code;
    if (answer && code !== 'IDEMPOTENCY_CONFLICT')
      shop.journal.violate(`key ${key} was taken with other input: ${JSON.stringify(answer)}`);
  }
  return told;
}

/** Notes what an answer to the placing says. */
export function tell(told: OrderTold, placed: Placed | undefined): void {
  if (!placed) {
    told.unanswered = true;
    return;
  }
  told.unanswered = false;
  const { order, userErrors } = placed.placeOrder;
  if (order) {
    told.id = order.id;
    told.number = order.number;
    told.totalMinor = order.total.amount;
    told.paid ||= order.state === 'PAID';
  }
  const refusal = userErrors[0]?.code;
  if (refusal !== undefined) told.refusal = refusal;
}

type Way = { order: OrderTold; random: Random };

async function pay(
  { api, journal }: Shop,
  buyer: Buyer,
  { order, random, method }: Way & { method: string },
): Promise<Started | undefined> {
  type Paid = { createPayment: { payment: Started | null } & Refusals };
  const paid = await api.ask<Paid>({
    document: payDocument,
    variables: { input: { orderId: order.id, method }, idempotencyKey: randomUUID() },
    person: buyer.person,
    random,
    mark: (data: Paid) => data.createPayment.payment?.id,
  });
  return note(journal.payments, order, paid?.createPayment.payment);
}

async function payMixed({ api, journal }: Shop, buyer: Buyer, { order, random }: Way): Promise<Started | undefined> {
  const parts = [{ method: 'WALLET', amount: { amount: 300, currency: 'EUR' } }, { method: 'SIMULATED_CARD' }];
  type Paid = { createMixedPayment: { payments: Started[] } & Refusals };
  const paid = await api.ask<Paid>({
    document: payMixedDocument,
    variables: { input: { orderId: order.id, parts }, idempotencyKey: randomUUID() },
    person: buyer.person,
    random,
    mark: (data: Paid) => data.createMixedPayment.payments.map(({ id }) => id).join(' ') || undefined,
  });
  const [wallet, card] = paid?.createMixedPayment.payments ?? [];
  note(journal.payments, order, wallet);
  return note(journal.payments, order, card);
}

async function payAfterDecline(shop: Shop, buyer: Buyer, { order, random }: Way): Promise<void> {
  const declined = await pay(shop, buyer, { order, random, method: 'SIMULATED_CARD' });
  await confirm(shop, declined, cards.declines);
  if (!declined) return;
  type Retried = { retryPayment: { payment: Started | null } & Refusals };
  // The provider's word that it was declined takes its way.
  for (let tries = 0; tries < maxCaptures && !shop.closing; tries += 1) {
    const retried = await shop.api.ask<Retried>({
      document: retryPaymentDocument,
      variables: { paymentId: declined.id, idempotencyKey: randomUUID() },
      person: buyer.person,
      random,
      mark: (data: Retried) => data.retryPayment.payment?.attempts.map(({ clientParams }) => clientParams?.intent).join(' '),
    }); // prettier-ignore
    const started = note(shop.journal.payments, order, retried?.retryPayment.payment);
    if (started) {
      await confirm(shop, started, cards.pays);
      await capture(shop, order, shop.manualCapture ? started : undefined);
      return;
    }
    if (isClosed(buyer, order)) return;
    await sleep(captureRetryMs);
  }
}

function note(payments: Shop['journal']['payments'], order: OrderTold, started: Started | null | undefined): Started | undefined {
  if (!started || order.id === undefined) return undefined;
  const intent = started.attempts.at(-1)?.clientParams?.intent ?? null;
  payments.push({ orderId: order.id, paymentId: started.id, intent, charged: false });
  return started;
} // prettier-ignore

/** Gives a card to the provider, as the buyer's browser does. */
async function confirm({ api, journal, manualCapture }: Shop, started: Started | undefined, card: string): Promise<void> {
  const { confirmUrl, intent } = started?.attempts.at(-1)?.clientParams ?? {};
  if (confirmUrl === undefined) return;
  let answer = await api.post(confirmUrl, { card });
  if (answer?.body['status'] === 'requires_action') answer = await api.post(confirmUrl, { authentication: 'confirmed' });
  const told = journal.payments.find((payment) => payment.intent === intent);
  if (told && answer?.body['status'] === 'succeeded' && !manualCapture) told.charged = true;
} // prettier-ignore

/** Staff take held money, or note that a transfer has arrived: as soon as they see that there is something to take. */
async function capture(shop: Shop, order: OrderTold, started: Started | undefined): Promise<void> {
  if (!started) return;
  type Captured = { capturePayment: { payment: { state: string } | null } & Refusals };
  for (let tries = 0; tries < maxCaptures && !shop.closing && !order.paid; tries += 1) {
    const captured = await shop.api.ask<Captured>({
      document: captureDocument,
      variables: { paymentId: started.id, idempotencyKey: randomUUID() },
      person: shop.staff,
    });
    if (captured?.capturePayment.payment) return;
    await sleep(captureRetryMs);
  }
}

async function cancel({ api }: Shop, buyer: Buyer, { order, random }: Way): Promise<void> {
  type Cancelled = { cancelOrder: Changed };
  const cancelled = await api.ask<Cancelled>({
    document: cancelDocument,
    variables: { id: order.id, idempotencyKey: randomUUID() },
    person: buyer.person,
    random,
    mark: (data: Cancelled) => data.cancelOrder.order?.state,
  });
  order.cancelled = cancelled?.cancelOrder.order?.state === 'CANCELLED';
}

async function fulfil({ api, staff }: Shop, order: OrderTold, random: Random): Promise<void> {
  type Fulfilled = { fulfilOrder: Changed };
  await api.ask<Fulfilled>({
    document: fulfilDocument,
    variables: { id: order.id, idempotencyKey: randomUUID() },
    person: staff,
    random,
    mark: (data: Fulfilled) => data.fulfilOrder.order?.id,
  });
}

const closedStates: readonly string[] = ['CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED'];
const isClosed = (buyer: Buyer, order: OrderTold): boolean =>
  closedStates.includes(buyer.watch.seen.get(order.id ?? '')?.state ?? '');

/** Waits until the feed has told that the order is paid or closed. */
async function outcome(shop: Shop, buyer: Buyer, order: OrderTold): Promise<void> {
  const until = performance.now() + paidTimeoutMs;
  while (performance.now() < until && !shop.closing) {
    if (buyer.watch.seen.get(order.id ?? '')?.paid) order.paid = true;
    if (order.paid || isClosed(buyer, order)) return;
    await sleep(pollMs);
  }
}
