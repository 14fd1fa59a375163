import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from '../audit.ts';
import { allOrdersDocument, placeDocument, stockDocument, unrestDocument, walletDocument } from './documents.ts';
import { tell } from './buying.ts';
import { askForRefund, confirmRefund } from './refunding.ts';
import type { ProviderControl } from './provider.ts';
import { type Shop, askForCredit } from './shop.ts';
import { type PlatformOrder, ordersAgainstJournals } from './order-verdict.ts';

const quietPollMs = 1_000;
/** I4: sagas end within 60 s after the last fault; what buyers begin after it has the payment window beside that. */
const sagaTimeoutMs = 60_000;
/** Repetitions of placings long ago, at most. */
const maxReplays = 300;
const replaysAtOnce = 8;
const settleTimeoutMs = 15_000;

type Unrest = {
  sagas: { id: string; state: string; lastError: string | null }[];
  waiting: { totalCount: number };
  refunds: {
    edges: { node: { id: string; state: string; failureMessage: string | null; payment: { method: string } } }[];
  };
};

/** When the last fault was over, and the sagas that were under way then. */
export type Healed = { readonly atMs: number; readonly sagas: ReadonlySet<string> };

export async function noteHealed({ api, staff }: Shop): Promise<Healed> {
  const atMs = performance.now();
  const unrest = await api.ask<Unrest>({ document: unrestDocument, person: staff });
  return { atMs, sagas: new Set(unrest?.sagas.map(({ id }) => id)) };
}

/** Waits until nothing is under way on the platform any more; tells what still is when the time is up. */
export async function untilQuiet(
  { api, staff }: Shop,
  options: { provider: ProviderControl; paymentWindowMs: number; healed: Healed },
): Promise<string[]> {
  const { provider, paymentWindowMs, healed } = options;
  const late = new Map<string, string>();
  const startedAt = performance.now();
  for (;;) {
    const unrest = await api.ask<Unrest>({ document: unrestDocument, person: staff });
    const sagas = unrest?.sagas ?? [];
    const refunds = unrest?.refunds.edges ?? [];
    const owed = await provider.owed();
    // A transfer that came after its order had closed goes back by hand.
    for (const { node } of refunds)
      if (node.payment.method === 'BANK_TRANSFER') await confirmRefund({ api, staff }, node.id);
    const passedMs = performance.now() - startedAt;
    if (performance.now() - healed.atMs > sagaTimeoutMs)
      for (const { id, state, lastError } of sagas)
        if (healed.sagas.has(id)) late.set(id, `saga ${id} is ${state} a minute after the last fault: ${lastError}`);
    if (unrest && owed === 0 && sagas.length === 0 && refunds.length === 0 && unrest.waiting.totalCount === 0)
      return [...late.values()];
    if (passedMs > sagaTimeoutMs + paymentWindowMs)
      return [
        ...(unrest ? [] : ['nobody answers what is under way']),
        ...(owed > 0 ? [`the provider could not deliver ${owed} webhooks`] : []),
        ...late.values(),
        ...sagas.filter(({ id }) => !late.has(id)).map(({ id, state, lastError }) => `saga ${id} of a late placing is ${state}: ${lastError}`),
        ...refunds.map(({ node }) => `refund ${node.id} is ${node.state} long after the last fault: ${node.failureMessage}`),
        ...(unrest && unrest.waiting.totalCount > 0 ? [`${unrest.waiting.totalCount} orders are neither paid nor closed after their deadline`] : []),
      ]; // prettier-ignore
    await sleep(quietPollMs);
  }
}

/**
 * Asks every oracle: the platform's own audit, the clients' journal, the provider's journal. Lists what is broken. What is
 * only on its way, as the last event between two services, is asked for again until it has settled.
 */
export async function verdictOn(shop: Shop, provider: ProviderControl): Promise<string[]> {
  const startedAt = performance.now();
  for (let looks = 1; ; looks += 1) {
    const broken = await judge(shop, provider).catch((error: Error) => [`the verdict failed: ${error.stack}`]);
    // One look at many orders takes longer than that.
    if (broken.length === 0 || (looks > 1 && performance.now() - startedAt > settleTimeoutMs)) return broken;
    await sleep(quietPollMs);
  }
}

async function judge(shop: Shop, provider: ProviderControl): Promise<string[]> {
  const movements = await provider.journal();
  const platform = await readOrders(shop);
  const findings = await audit({ env: shop.fleet.env, graceSeconds: 0 });
  return [
    ...ordersAgainstJournals({ shop, platform, movements }),
    ...(await stockAgainstOrders(shop, platform)),
    ...(await walletsAgainstJournals(shop, platform)),
    ...findings.flatMap(({ invariant, broken }) => broken.map((line) => `${invariant}: ${line}`)),
  ];
}

/** The same key once more: all that got no answer, which may be done now, and some placings of those that got one. */
export async function replay(shop: Shop): Promise<void> {
  for (const told of shop.journal.credits)
    if (!told.acknowledged) await askForCredit(shop, told).catch((error: Error) => shop.journal.violate(error.message));
  for (const told of shop.journal.refunds)
    if (told.refundId === undefined && told.refusal === undefined) await askForRefund(shop, told);
  await replayPlacings(shop);
}

async function replayPlacings({ api, journal, buyers }: Shop): Promise<void> {
  const unanswered = journal.orders.filter((order) => order.unanswered);
  const answered = journal.orders.filter((order) => !order.unanswered && order.id !== undefined);
  const step = Math.max(1, Math.ceil(answered.length / maxReplays));
  const queue = [...unanswered, ...answered.filter((_, index) => index % step === 0)];
  const worker = async (): Promise<void> => {
    for (let told = queue.pop(); told; told = queue.pop()) {
      const person = buyers[told.buyer]?.person;
      const before = told.id;
      const answer = await api.ask<Parameters<typeof tell>[1] & object>({
        document: placeDocument,
        variables: { input: told.input, idempotencyKey: told.key },
        ...(person && { person }),
      });
      tell(told, answer);
      if (before !== undefined && told.id !== before)
        journal.violate(`key ${told.key} was answered with order ${before}, long afterwards with ${told.id}`);
    }
  };
  await Promise.all(Array.from({ length: replaysAtOnce }, worker));
}

/** Every order that staff can see, but for those of the demo shop. */
async function readOrders({ api, staff }: Shop): Promise<PlatformOrder[]> {
  type Page = {
    orders: { pageInfo: { hasNextPage: boolean; endCursor: string }; edges: { node: PlatformOrder }[] };
  };
  const orders: PlatformOrder[] = [];
  let after: string | null = null;
  do {
    const page: Page | undefined = await api.ask<Page>({
      document: allOrdersDocument,
      variables: { after },
      person: staff,
    });
    if (!page) throw new Error('the orders could not be read');
    orders.push(...page.orders.edges.map(({ node }) => node));
    after = page.orders.pageInfo.hasNextPage ? page.orders.pageInfo.endCursor : null;
  } while (after !== null);
  return orders;
}

const soldStates: readonly string[] = ['PAID', 'PROCESSING', 'COMPLETED', 'NEEDS_ATTENTION', 'LAPSED'];

async function stockAgainstOrders(
  { api, staff, products }: Shop,
  platform: readonly PlatformOrder[],
): Promise<string[]> {
  const violations: string[] = [];
  const sold = new Map<string, number>();
  for (const { state, lines } of platform)
    if (soldStates.includes(state))
      for (const { product, quantity } of lines)
        sold.set(product?.id ?? '', (sold.get(product?.id ?? '') ?? 0) + quantity);
  for (const { id, kind, onHand } of products) {
    if (kind !== 'STOCKED') continue;
    type Stock = { product: { stock: { onHand: number; allocated: number } } };
    const read = await api.ask<Stock>({ document: stockDocument, variables: { id }, person: staff });
    const stock = read?.product.stock;
    const expected = onHand - (sold.get(id) ?? 0);
    if (stock?.onHand !== expected || stock.allocated !== 0)
      violations.push(`product ${id} has ${stock?.onHand} on hand and ${stock?.allocated} allocated; ${expected} and 0 are right`);
  } // prettier-ignore
  return violations;
}

async function walletsAgainstJournals(
  { api, buyers, journal }: Shop,
  platform: readonly PlatformOrder[],
): Promise<string[]> {
  const violations: string[] = [];
  for (const { index, person } of buyers) {
    const own = journal.credits.filter(({ buyer }) => buyer === index);
    if (own.some(({ acknowledged }) => !acknowledged))
      violations.push(`a credit of buyer ${index} has no answer after the last fault`);
    let expected = own.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
    for (const { customer, payments } of platform) {
      if (customer.id !== person.id) continue;
      for (const { method, captured, refunded } of payments)
        if (method === 'WALLET') expected += refunded.amount - captured.amount;
    }
    type Read = { me: { wallet: { balance: { amount: number }; held: { amount: number } } } };
    const read = await api.ask<Read>({ document: walletDocument, person });
    const { balance, held } = read?.me.wallet ?? {};
    if (balance?.amount !== expected || held?.amount !== 0)
      violations.push(`buyer ${index} has ${balance?.amount} and ${held?.amount} held; ${expected} and 0 are right`);
  }
  return violations;
}
