import { setTimeout as sleep } from 'node:timers/promises';
import { type Shop } from '../../support/platform.ts';
import { type Person, type StartedPayment, cards, newKey } from '../../support/shop.ts';
import { type Got, place, readOrder, startPayment } from './clients.ts';
import { kindOf } from './judge.ts';

/** What a buyer was told, and may rely on from then on. */
export type Told = { readonly orderId: string; readonly placedAtMs: number; isPaid: boolean };

const againMs = 100;

type Payloads = {
  order?: { state: string } | null;
  placeOrder?: { order: { id: string; state: string } | null; userErrors: { code: string; message: string }[] };
  createPayment?: { payment: StartedPayment | null; userErrors: { code: string; message: string }[] };
};

/** A buyer who waits and repeats with the same keys, as a well-behaved client does. */
export type Attempt = {
  /** Whether somebody still waits for it; a buyer who has given up repeats no more. */
  readonly isWanted: () => boolean;
  /** Told of each answer that is neither right nor a refusal in form. */
  readonly onWrong: (what: string) => void;
  /** True where the database may have forgotten its last second: a buyer whose order is gone gives up. */
  readonly mayForget?: boolean;
};

/** Repeats until an answer brings what is looked for. */
async function insist<T>(
  what: string,
  { isWanted, onWrong, mayForget = false }: Attempt,
  ask: () => Promise<Got>,
  read: (payloads: Payloads) => T | null | undefined,
): Promise<T | undefined> {
  while (isWanted()) {
    try {
      const got = await ask();
      const found = read(got.body.data ?? {});
      if (found !== null && found !== undefined) return found;
      const kind = kindOf(got);
      if (mayForget && kind.includes('NOT_FOUND')) return undefined;
      // The first use of the key still runs.
      const runs = kind.includes('IDEMPOTENCY_CONFLICT');
      if (kind.startsWith('wrong') && !runs) onWrong(`${what}: ${kind}`);
    } catch (error) {
      onWrong(
        `${what}: no answer (${(error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message})`,
      );
    }
    await sleep(againMs);
  }
  return undefined;
}

/** Places an order of one unit; undefined when nobody waits any more. */
export async function placeInsisting(
  shop: Shop,
  buyer: Person,
  productId: string,
  attempt: Attempt,
): Promise<Told | undefined> {
  const key = newKey();
  const order = await insist('placing', attempt, () => place(shop, buyer, productId, key), (data) => data.placeOrder?.order); // prettier-ignore
  return order && { orderId: order.id, placedAtMs: Date.now(), isPaid: false };
}

/** Pays it with a card and waits until the order says so. */
export async function payInsisting(shop: Shop, buyer: Person, told: Told, attempt: Attempt): Promise<boolean> {
  const key = newKey();
  const { orderId } = told;
  // A placement that takes longer than 2.5 s is answered before it is decided.
  await insist('reading', attempt, () => readOrder(shop, buyer, orderId), ({ order }) => (order && order.state !== 'PLACING' ? order : null)); // prettier-ignore
  const payment = await insist(
    'paying',
    attempt,
    () => startPayment(shop, buyer, orderId, key),
    // Without its URL the provider has not answered yet: the same key asks again.
    ({ createPayment }) => (createPayment?.payment?.attempts.at(-1)?.clientParams?.confirmUrl ? createPayment.payment : null), // prettier-ignore
  );
  const url = payment?.attempts.at(-1)?.clientParams.confirmUrl;
  if (url === undefined || !(await confirmInsisting(shop, url, attempt))) return false;
  const paid = await insist(
    'reading',
    attempt,
    () => readOrder(shop, buyer, orderId),
    ({ order }) => (order && ['PAID', 'PROCESSING', 'COMPLETED'].includes(order.state) ? order : null),
  );
  told.isPaid = paid !== undefined;
  return told.isPaid;
}

async function confirmInsisting(shop: Shop, confirmUrl: string, { isWanted, onWrong }: Attempt): Promise<boolean> {
  while (isWanted()) {
    try {
      const response = await fetch(new URL(confirmUrl, shop.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ card: cards.pays }),
        signal: AbortSignal.timeout(15_000),
      });
      const text = await response.text();
      if (response.ok || text.includes('succeeded')) return true;
      if (response.status !== 503) onWrong(`confirming: ${response.status} ${text.slice(0, 300)}`);
    } catch (error) {
      onWrong(`confirming: no answer (${(error as Error).message})`);
    }
    await sleep(againMs);
  }
  return false;
}

/** Buyers who place and pay, one order after the other. */
export type Load = {
  readonly told: readonly { readonly buyer: Person; readonly told: Told }[];
  /** Lets each buyer finish what was begun. */
  stop(): Promise<void>;
};

const pauseMs = 250;
/** How long a buyer goes on with what was begun before the load was stopped. */
const finishMs = 15_000;

export function startLoad(
  shop: Shop,
  buyers: readonly Person[],
  productId: string,
  options: Pick<Attempt, 'onWrong' | 'mayForget'>,
): Load {
  const told: { buyer: Person; told: Told }[] = [];
  let stopping = false;
  let deadlineMs = Infinity;
  const attempt: Attempt = { isWanted: () => Date.now() < deadlineMs, ...options };
  const run = async (buyer: Person): Promise<void> => {
    while (!stopping) {
      const order = await placeInsisting(shop, buyer, productId, attempt);
      if (order) {
        if (await payInsisting(shop, buyer, order, attempt)) told.push({ buyer, told: order });
        else if (!options.mayForget) {
          told.push({ buyer, told: order });
          options.onWrong(`an order placed was not paid within ${finishMs / 1000} s of the load's end`);
        }
      }
      await sleep(pauseMs);
    }
  };
  const running = buyers.map(run);
  return {
    told,
    async stop() {
      stopping = true;
      deadlineMs = Date.now() + finishMs;
      await Promise.all(running);
    },
  };
}
