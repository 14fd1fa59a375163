import { writerOf } from '../../../subgraphs/shared/database/reader.ts';
import { newNumber } from '../../../subgraphs/shared/values/ids.ts';
import { type Saga, afterAction, afterCompensation, newPlacingSaga } from '../../../subgraphs/order/domain/saga.ts';
import { SagaRecord } from '../../../subgraphs/order/records.ts';
import type { Batch } from './batch.ts';
import { type Chance, skewed } from './chance.ts';
import { OrderLife, type Wanted, returnWindowDays, windowMs } from './order-life.ts';
import { PaymentLife } from './payment-life.ts';
import type { People } from './people.ts';
import type { SalesBook } from './sales-book.ts';
import type { Article, StockBook } from './stock-book.ts';

const sagaRow = writerOf(SagaRecord);
const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** How long the newest unpaid orders are payable: the platform that reads them must not close them meanwhile. */
const openMs = 30 * dayMs;

/** What becomes of an order, of a thousand. The rest is delivered and stays so. */
const endings = { failed: 10, cancelled: 30, expired: 40, cancelledPaid: 15, returned: 25, paid: 8, partly: 4, attention: 2, open: 2 } as const; // prettier-ignore
type Ending = keyof typeof endings | 'delivered';

export type Town = {
  readonly chance: Chance;
  readonly batch: Batch;
  readonly people: People;
  readonly stock: StockBook;
  readonly sales: SalesBook;
  readonly articles: readonly Article[];
  readonly now: Date;
  readonly nextFeedSeq: () => bigint;
};

function endingOf(chance: Chance): Ending {
  let left = chance.integer(0, 999);
  for (const [ending, share] of Object.entries(endings)) {
    if (left < share) return ending as Ending;
    left -= share;
  }
  return 'delivered';
}

const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms);

/** Tells the whole story of one order that was placed at `at`: its rows in all schemas. */
export function tellStory(town: Town, at: Date): void {
  const { chance, batch, people, stock, now } = town;
  const ending = endingOf(chance);
  const wanted = wantedOf(town);
  const type = wanted.every(({ article }) => article.kind === 'DIGITAL') ? 'DIGITAL' : 'STANDARD';
  const customerId = people.customers[skewed(chance, people.customers.length)] as string;
  const placedAt = ending === 'open' ? later(now, -chance.integer(1, 600) * secondMs) : at;
  const expiresAt = later(placedAt, ending === 'open' ? openMs : windowMs);
  const life = new OrderLife(chance, { customerId, type, wanted, at: placedAt, expiresAt });
  const told = tellLife(town, life, { ending, wanted, placedAt });
  life.write(batch, town.nextFeedSeq);
  batch.add(
    'order',
    'saga',
    sagaRow({ ...sagaOf(chance, life, ending), leaseOwner: null, leaseUntil: null, fence: 1 }),
  );
  town.sales.count(batch, life.order, wanted, told.refundedAt);
  told.payment?.write(batch, now);
  if (ending === 'failed') return;
  const lines = wanted.map(({ article, quantity }) => ({ productId: article.id, quantity }));
  stock.reserve(batch, { orderId: life.order.id, lines, at: later(placedAt, secondMs), expiresAt, settled: told.settled, newId: (when) => chance.idAt(when) }); // prettier-ignore
}

function wantedOf({ chance, articles }: Town): Wanted[] {
  const chosen = new Map<string, Wanted>();
  for (let count = chance.integer(1, 3); count > 0; count -= 1) {
    const article = articles[skewed(chance, articles.length)] as Article;
    chosen.set(article.id, { article, quantity: chance.integer(1, 3) });
  }
  return [...chosen.values()];
}

function sagaOf(chance: Chance, life: OrderLife, ending: Ending): Saga {
  const { id, placedAt } = life.order;
  const step = { branchId: 'reserve-stock', service: 'product', action: 'ReserveStock' };
  const saga = newPlacingSaga(chance.idAt(placedAt), id, placedAt, [step]);
  const at = later(placedAt, secondMs);
  if (ending !== 'failed') return afterAction(saga, step.branchId, { kind: 'done' }, at, windowMs);
  const turned = afterAction(saga, step.branchId, { kind: 'refused', reason: 'OUT_OF_STOCK', detail: null }, at, windowMs); // prettier-ignore
  return afterCompensation(turned, step.branchId, null, at);
}

type Told = {
  readonly payment: PaymentLife | null;
  readonly settled: Parameters<StockBook['reserve']>[1]['settled'];
  readonly refundedAt: Date | null;
};

function tellLife(
  town: Town,
  life: OrderLife,
  { ending, placedAt }: { ending: Ending; wanted: readonly Wanted[]; placedAt: Date },
): Told {
  const { chance, batch, people, now } = town;
  const reservedAt = later(placedAt, secondMs);
  if (ending === 'failed') {
    life.do({ type: 'FailPlacing', reason: 'OUT_OF_STOCK', detail: null }, reservedAt);
    return { payment: null, settled: [], refundedAt: null };
  }
  life.do({ type: 'ConfirmStock' }, reservedAt);
  if (ending === 'open') return { payment: null, settled: [], refundedAt: null };
  if (ending === 'cancelled') {
    const at = later(placedAt, 60 * secondMs);
    life.do({ type: 'Cancel', reason: 'CUSTOMER', note: null }, at, { type: 'CUSTOMER', id: life.order.customerId });
    people.tell(batch, life.order, 'ORDER_CANCELLED', { at, now });
    return { payment: null, settled: [{ how: 'release', at }], refundedAt: null };
  }
  const payment = new PaymentLife(chance, life.order, later(placedAt, 20 * secondMs));
  if (ending === 'expired') {
    const at = life.order.expiresAt;
    life.do({ type: 'Expire' }, at);
    payment.expire(at);
    people.tell(batch, life.order, 'ORDER_EXPIRED', { at, now });
    return { payment, settled: [{ how: 'expire', at }], refundedAt: null };
  }
  const paidAt = later(placedAt, chance.integer(30, 600) * secondMs);
  payment.settle(paidAt);
  const advances = life.order.type === 'DIGITAL';
  life.do({ type: 'MarkPaid', paymentId: payment.id, amountMinor: life.order.totalMinor, method: 'STRIPE', paidAt, advances }, paidAt); // prettier-ignore
  people.tell(batch, life.order, 'ORDER_PAID', { at: paidAt, now });
  return tellDelivery(town, { life, payment, ending, paidAt });
}

function tellDelivery(
  town: Town,
  { life, payment, ending, paidAt }: { life: OrderLife; payment: PaymentLife; ending: Ending; paidAt: Date },
): Told {
  const { chance, batch, people, now } = town;
  const commit = { how: 'commit', at: paidAt } as const;
  const kept: Told = { payment, settled: [commit], refundedAt: null };
  if (ending === 'cancelledPaid') {
    const at = later(paidAt, hourMs);
    life.do({ type: 'Cancel', reason: 'CUSTOMER', note: null }, at, { type: 'CUSTOMER', id: life.order.customerId });
    giveBack(town, { life, payment, requestId: life.order.id, amountMinor: life.order.paidMinor, whole: true, requestedBy: null, at }); // prettier-ignore
    return { payment, settled: [commit, { how: 'giveBack', at }], refundedAt: at };
  }
  if (life.order.type === 'DIGITAL') {
    life.do({ type: 'Complete' }, later(paidAt, secondMs));
    return kept;
  }
  if (ending === 'attention') {
    life.do({ type: 'NeedAttention', error: 'The carrier knows of no such address.' }, later(paidAt, hourMs));
    return kept;
  }
  if (ending === 'paid') return kept;
  const actorId = chance.pick(people.staff);
  const fulfilledAt = later(paidAt, chance.integer(2, 48) * hourMs);
  const [first, ...others] = life.order.lines.filter((line) => line.needsFulfilment);
  const part = ending === 'partly' && first && others.length > 0 ? [{ lineId: first.id, quantity: first.quantity }] : null; // prettier-ignore
  const fulfilmentId = chance.idAt(fulfilledAt);
  const tracking = { carrier: 'DHL', trackingNumber: `JD${chance.integer(1e9, 9e9)}`, trackingUrl: null };
  life.do({ type: 'Fulfil', fulfilmentId, lines: part, ...tracking }, fulfilledAt, { type: 'STAFF', id: actorId });
  people.act(batch, life.order, { action: 'order.fulfilled', actorId, at: fulfilledAt });
  people.tell(batch, life.order, 'ORDER_SHIPPED', { at: fulfilledAt, now });
  if (part !== null) return kept;
  if (life.order.state !== 'COMPLETED') completeRest(life, fulfilledAt);
  return ending === 'returned' ? tellReturn(town, { life, payment, fulfilledAt, commit }) : kept;
}

/** Lines that need no hand are there with the rest. */
function completeRest(life: OrderLife, at: Date): void {
  life.do({ type: 'Complete' }, at);
}

function tellReturn(
  town: Town,
  given: { life: OrderLife; payment: PaymentLife; fulfilledAt: Date; commit: { how: 'commit'; at: Date } },
): Told {
  const { chance, people, batch, now } = town;
  const { life, payment, fulfilledAt, commit } = given;
  const at = later(fulfilledAt, chance.integer(1, 20) * dayMs);
  const line = chance.pick(life.order.lines.filter(({ needsFulfilment }) => needsFulfilment));
  const returnId = chance.idAt(at);
  const lines = [{ lineId: line.id, quantity: chance.integer(1, line.quantity) }];
  life.do(
    { type: 'RequestReturn', returnId, number: newNumber('RE', at, chance.bytes(8)), lines, reason: 'It does not fit.', windowDays: returnWindowDays, returns: [] },
    at,
    { type: 'CUSTOMER', id: life.order.customerId },
  ); // prettier-ignore
  const staff = { type: 'STAFF', id: chance.pick(people.staff) } as const;
  const known = () => life.returns[0] as (typeof life.returns)[number];
  const outcome = chance.integer(0, 9);
  const none: Told = { payment, settled: [commit], refundedAt: null };
  if (outcome === 0) return none;
  const decidedAt = later(at, dayMs);
  const approve = outcome > 1;
  life.do({ type: 'DecideReturn', known: known(), approve, reason: approve ? null : 'It was worn.' }, decidedAt, staff);
  people.act(batch, life.order, { action: 'return.decided', actorId: staff.id, at: decidedAt });
  people.tell(batch, life.order, 'RETURN_DECIDED', { at: decidedAt, now });
  if (!approve || outcome === 2) return none;
  const receivedAt = later(at, 5 * dayMs);
  const requestId = chance.idAt(receivedAt);
  const received = lines.map((each) => ({ ...each, restock: 0 }));
  const events = life.do({ type: 'ReceiveReturn', known: known(), lines: received, requestId, requestedBy: staff.id }, receivedAt, staff); // prettier-ignore
  const amountMinor = events.reduce((sum, event) => sum + (event.type === 'RefundRequested' ? event.amountMinor : 0n), 0n); // prettier-ignore
  giveBack(town, { life, payment, requestId, amountMinor, whole: false, requestedBy: staff.id, at: receivedAt });
  return { ...none, refundedAt: receivedAt };
}

function giveBack(
  { chance, people, batch, now }: Town,
  back: { life: OrderLife; payment: PaymentLife; requestId: string; amountMinor: bigint; whole: boolean; requestedBy: string | null; at: Date }, // prettier-ignore
): void {
  const { life, payment, requestId, amountMinor, whole, requestedBy, at } = back;
  const refundId = chance.idAt(at);
  payment.giveBack({ id: refundId, requestId, amountMinor, whole, reason: whole ? 'Cancelled.' : 'It does not fit.', requestedBy, at }); // prettier-ignore
  const known = { received: true, refused: false, refundIds: [], refundedMinor: 0n };
  life.do({ type: 'RecordRefund', paymentId: payment.id, refundId, amountMinor, requestId, known }, at);
  people.tell(batch, life.order, 'ORDER_REFUNDED', { at, now });
}
