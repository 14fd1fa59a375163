import type { OrderTold } from './journal.ts';
import type { Movement } from './provider.ts';
import type { Shop } from './shop.ts';

type Money = { readonly amount: number };

/** An order as the platform tells it to staff when all is over. */
export type PlatformOrder = {
  readonly id: string;
  readonly number: string;
  readonly state: string;
  readonly remark: string | null;
  readonly total: Money;
  readonly paidTotal: Money;
  readonly refundedTotal: Money;
  readonly customer: { readonly id: string };
  readonly lines: readonly { readonly quantity: number; readonly product: { readonly id: string } | null }[];
  readonly payments: readonly {
    readonly id: string;
    readonly method: string;
    readonly state: string;
    readonly captured: Money;
    readonly refunded: Money;
    readonly attempts: readonly { readonly providerTransactionId: string | null }[];
    readonly refunds: readonly {
      readonly id: string;
      readonly state: string;
      readonly automatic: boolean;
      readonly amount: Money;
    }[];
  }[];
  readonly history: { readonly edges: readonly { readonly node: { readonly seq: number; readonly toState: string | null } }[] };
}; // prettier-ignore

const closedStates: readonly string[] = ['CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED'];
const openStates: readonly string[] = ['PLACING', 'PENDING_PAYMENT'];

/** The oracle of one run: what the platform says, what clients were told, what the provider did. */
export function ordersAgainstJournals(options: {
  shop: Pick<Shop, 'journal' | 'buyers'>;
  platform: readonly PlatformOrder[];
  movements: readonly Movement[];
}): string[] {
  const { shop, platform, movements } = options;
  const { journal, buyers } = shop;
  const violations: string[] = [];
  const byId = new Map(platform.map((order) => [order.id, order]));
  const byKey = Map.groupBy(platform, ({ remark }) => remark ?? '');
  const toldOf = new Map(journal.orders.map((told) => [told.key, told]));
  const movementsOf = Map.groupBy(movements, ({ intent }) => intent);

  for (const told of journal.orders) {
    const own = byKey.get(told.key) ?? [];
    if (own.length > 1) violations.push(`key ${told.key} placed ${own.length} orders: ${own.map(({ number }) => number).join(', ')}`); // prettier-ignore
    if (told.id === undefined) {
      if (told.unanswered) violations.push(`the placing by key ${told.key} has no answer after the last fault`);
      else if (own.length > 0)
        violations.push(`key ${told.key} was refused (${told.refusal}), and there is order ${own[0]?.number}`);
      continue;
    }
    const order = byId.get(told.id);
    if (!order || own[0]?.id !== told.id) violations.push(`order ${told.number} was acknowledged and is missing`);
    else violations.push(...againstClient(told, order));
  }
  for (const order of platform) {
    if (!toldOf.has(order.remark ?? '')) violations.push(`order ${order.number} was never asked for`);
    violations.push(...moneyOf(order, movementsOf));
  }
  const intents = new Set(platform.flatMap(({ payments }) => payments.flatMap(({ attempts }) => attempts.map((attempt) => attempt.providerTransactionId)))); // prettier-ignore
  const confirmed = new Set(journal.payments.map(({ intent }) => intent));
  for (const { id, type, intent } of movements) {
    if (!intents.has(intent)) violations.push(`movement ${id} at the provider belongs to no attempt of any order`);
    if (type === 'charge' && !confirmed.has(intent)) violations.push(`charge ${id} is of ${intent}, which no client was told of`); // prettier-ignore
  }
  violations.push(...paymentsAgainstClient(shop, byId, movementsOf), ...refundsAgainstClient(shop, byId));
  for (const { watch, followed, person } of buyers) {
    for (const order of platform) {
      if (order.customer.id !== person.id) continue;
      const last = order.history.edges.at(-1)?.node.seq ?? 0;
      const fed = watch.seen.get(order.id)?.lastSeq ?? 0;
      if (fed !== last) violations.push(`the feed of ${person.mobile} told of order ${order.number} up to ${fed}, its journal ends with ${last}`); // prettier-ignore
      const alone = followed.get(order.id)?.lastSeq();
      if (alone !== undefined && alone !== last) violations.push(`the stream of order ${order.number} told up to ${alone}, its journal ends with ${last}`); // prettier-ignore
    }
  }
  return violations;
}

function againstClient(told: OrderTold, order: PlatformOrder): string[] {
  const { number, state, total, paidTotal, refundedTotal, history } = order;
  const violations: string[] = [];
  const states = history.edges.map(({ node }) => node.toState);
  if (total.amount !== told.totalMinor)
    violations.push(`order ${number} was acknowledged over ${told.totalMinor} and is over ${total.amount}`);
  if (history.edges.some(({ node }, index) => node.seq !== index + 1))
    violations.push(`the journal of order ${number} has a gap`);
  if (told.paid && (!states.includes('PAID') || paidTotal.amount < total.amount))
    violations.push(`order ${number} was said to be paid; it is ${state} with ${paidTotal.amount} of ${total.amount}`);
  if (told.paid && closedStates.includes(state) && refundedTotal.amount < paidTotal.amount)
    violations.push(`order ${number} was said to be paid, is ${state}, and its money is not back`);
  if (told.cancelled && state !== 'CANCELLED')
    violations.push(`the cancellation of order ${number} was acknowledged; it is ${state}`);
  if (told.refusal !== undefined && state !== 'FAILED')
    violations.push(`order ${number} was refused (${told.refusal}) and is ${state}`);
  return violations;
}

/** An order's payments against the provider's movements: one net charge at most, the same sums, none for closed orders. */
function moneyOf(
  { number, state, total, paidTotal, refundedTotal, payments }: PlatformOrder,
  movementsOf: ReadonlyMap<string, readonly Movement[]>,
): string[] {
  const violations: string[] = [];
  let kept = 0;
  for (const { method, captured, refunded, attempts } of payments) {
    if (method !== 'SIMULATED_CARD') continue;
    let net = 0;
    for (const { providerTransactionId: intent } of attempts) {
      const own = movementsOf.get(intent ?? '') ?? [];
      const sum = (type: Movement['type']) =>
        own.filter((movement) => movement.type === type).reduce((all, { amountMinor }) => all + amountMinor, 0);
      const charges = own.filter(({ type }) => type === 'charge').length;
      if (charges > 1) violations.push(`order ${number}: intent ${intent} was charged ${charges} times`);
      if (sum('charge') > sum('refund')) kept += 1;
      net += sum('charge') - sum('refund');
    }
    if (net !== captured.amount - refunded.amount)
      violations.push(`order ${number}: the provider kept ${net}, we say ${captured.amount} less ${refunded.amount}`);
  }
  if (kept > 1) violations.push(`order ${number} was charged twice`);
  if (openStates.includes(state)) violations.push(`order ${number} is still ${state}`);
  if (closedStates.includes(state) && paidTotal.amount !== refundedTotal.amount)
    violations.push(`order ${number} is ${state} and keeps ${paidTotal.amount - refundedTotal.amount}`);
  if (!closedStates.includes(state) && !openStates.includes(state) && paidTotal.amount !== total.amount)
    violations.push(`order ${number} is ${state} with ${paidTotal.amount} of ${total.amount} paid`);
  return violations;
}

function paymentsAgainstClient(
  { journal }: Pick<Shop, 'journal'>,
  byId: ReadonlyMap<string, PlatformOrder>,
  movementsOf: ReadonlyMap<string, readonly Movement[]>,
): string[] {
  const violations: string[] = [];
  for (const { orderId, paymentId, intent, charged } of journal.payments) {
    const order = byId.get(orderId);
    const payment = order?.payments.find(({ id }) => id === paymentId);
    if (!payment) violations.push(`payment ${paymentId} of order ${orderId} was acknowledged and is missing`);
    if (!charged) continue;
    if (!movementsOf.get(intent ?? '')?.some(({ type }) => type === 'charge'))
      violations.push(`the provider said that it took ${intent}, its journal does not`);
    const settled = ['SETTLED', 'PARTIALLY_REFUNDED', 'REFUNDED'];
    const back = payment?.refunds.some(({ automatic, state }) => automatic && state === 'SUCCEEDED');
    if (payment && !settled.includes(payment.state) && !back)
      violations.push(`the buyer paid ${intent} of order ${order?.number}; its payment is ${payment.state} and nothing went back`);
  } // prettier-ignore
  return violations;
}

/** Each refund that was acknowledged is there and done, once; and none that was not asked for. */
function refundsAgainstClient({ journal }: Pick<Shop, 'journal'>, byId: ReadonlyMap<string, PlatformOrder>): string[] {
  const violations: string[] = [];
  const known = new Set(journal.refunds.map(({ refundId }) => refundId));
  for (const { number, payments } of byId.values())
    for (const { id, automatic } of payments.flatMap(({ refunds }) => refunds))
      if (!automatic && !known.has(id)) violations.push(`refund ${id} of order ${number} was acknowledged to nobody`);
  for (const told of journal.refunds) {
    const payment = byId.get(told.orderId)?.payments.find(({ id }) => id === told.paymentId);
    const asked = payment?.refunds.filter(({ automatic }) => !automatic) ?? [];
    if (told.refundId === undefined) {
      if (told.refusal === undefined)
        violations.push(`the refund of payment ${told.paymentId} has no answer after the last fault`);
      else if (asked.length > 0)
        violations.push(`the refund of payment ${told.paymentId} was refused (${told.refusal}), and there is one`);
      continue;
    }
    const refund = asked.find(({ id }) => id === told.refundId);
    if (refund?.state !== 'SUCCEEDED' || refund.amount.amount !== told.amountMinor)
      violations.push(`refund ${told.refundId} over ${told.amountMinor} was acknowledged; it is ${refund?.state} over ${refund?.amount.amount}`);
    if (asked.length > 1) violations.push(`one refund of payment ${told.paymentId} was asked for, there are ${asked.length}`);
  } // prettier-ignore
  return violations;
}
