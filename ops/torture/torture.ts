import { setTimeout as sleep } from 'node:timers/promises';
import { type Fleet, startFleet } from '../fleet/fleet.ts';
import { type Tally, openApi } from './api.ts';
import { buy } from './buying.ts';
import { openFaults } from './faults.ts';
import { type Journal, openJournal } from './journal.ts';
import { kindOf } from './kind-of.ts';
import { openProvider } from './provider.ts';
import { randomOf } from './random.ts';
import { unexpectedRefusals } from './refusals.ts';
import { type Fault, scheduleOf } from './schedule.ts';
import { type Shop, credit, openShop } from './shop.ts';
import { noteHealed, replay, untilQuiet, verdictOn } from './verdict.ts';

export type TortureOptions = {
  readonly seed: number;
  /** How long buyers buy and faults happen. */
  readonly durationMs: number;
  /** Between two faults, on average. */
  readonly faultEveryMs: number;
  readonly ordersPerSecond: number;
  readonly buyers: number;
  readonly paymentWindowSeconds: number;
  /** More settings of every process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly print: (line: string) => void;
  /** Told when every process is ready, before anybody buys. */
  readonly onReady?: (fleet: Fleet) => Promise<void>;
};

/** What a run was like and what it broke. */
export type TortureReport = {
  /** Those of the schedule that found what they were for. */
  readonly faults: readonly Fault[];
  readonly journal: Journal;
  readonly tally: Tally;
  readonly counts: Readonly<
    Record<'orders' | 'placed' | 'paid' | 'cancelled' | 'refunded' | 'charges' | 'resumed', number>
  >;
  /** What the processes said from `warn` on, without ids and numbers, and how often. */
  readonly said: ReadonlyMap<string, number>;
  /** By process: how often it ended without being killed. */
  readonly crashes: ReadonlyMap<string, number>;
  /** Empty: every promise was kept. */
  readonly violations: readonly string[];
};

/** One run in so many takes cards' money only when staff say so. */
const manualCaptureEvery = 4;
const maxOrdersPerBuyer = 5;
const creditEveryMs = 20_000;
const closingMs = 15_000;
/** A process that was stopped or killed last starts and connects within this time, also on a slow machine. */
const healingMs = 60_000;
const minuteMs = 60_000;

/** Starts a fleet, has buyers buy while faults happen by their schedule, waits until it is quiet, and judges. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { seed, print } = options;
  const schedule = scheduleOf({ seed, durationMs: options.durationMs, everyMs: options.faultEveryMs });
  const manualCapture = seed % manualCaptureEvery === 0;
  const journal = openJournal((line) => print(`VIOLATION ${line}`));
  const crashes = new Map<string, number>();
  const said = new Map<string, number>();
  const fleet = await startFleet({
    env: {
      PAYMENT_WINDOW_SECONDS: String(options.paymentWindowSeconds),
      PAYMENT_CAPTURE: manualCapture ? 'manual' : 'automatic',
      BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051',
      BANK_TRANSFER_HOLDER: 'Torture Ltd',
      TRUSTED_PROXY_HOPS: '1',
      // On a slow machine a buyer's orders wait for their end.
      OPEN_ORDERS_PER_CUSTOMER: '1000',
      OPEN_UNITS_PER_CUSTOMER: '10000',
      ...options.env,
    },
    print(name, line) {
      print(`[${name}] ${line}`);
      const text = `${name.replace(/-\d$/, '')}: ${messageOf(line)}`;
      said.set(text, (said.get(text) ?? 0) + 1);
      if (line.startsWith('ended with exit code')) crashes.set(name, (crashes.get(name) ?? 0) + 1);
    },
    onGiveUp: (error) => void journal.violate(error.message),
  });
  const api = openApi(fleet.url, journal);
  const provider = openProvider(fleet.providerUrl);
  const shop = await openShop(fleet, { api, journal, buyers: options.buyers, manualCapture }).catch(async (error: Error) => {
    await fleet.stop();
    await api.close();
    throw error;
  });
  try {
    await options.onReady?.(fleet);
    const intents = () => journal.payments.flatMap(({ intent }) => intent ?? []);
    const faults = openFaults(fleet, { provider, intents });
    const begun = performance.now();
    print(`${schedule.length} faults in ${options.durationMs / 1_000} s${manualCapture ? ', cards captured by staff' : ''}`);
    const inflicted = Promise.all(
      schedule.map(async (fault) => {
        await sleep(fault.atMs - (performance.now() - begun));
        print(`${(fault.atMs / 1_000).toFixed(1)} s: ${fault.kind} ${fault.target} ${fault.durationMs} ${fault.detail}`);
        const happened = await faults.inflict(fault).catch((error: Error) => {
          journal.violate(`${fault.kind} of ${fault.target} could not be undone: ${error.message}`);
          return true;
        });
        return happened ? [fault] : [];
      }),
    );
    const bought = await shopping(shop, options);
    const happened = (await inflicted).flat();
    const healing = faults.heal().catch((error: Error) => journal.violate(`a fault can't be undone: ${error.message}`));
    if (!(await within(healingMs, healing)))
      journal.violate(`not every process is ready ${healingMs / 1_000} s after the last fault`);
    const healed = await noteHealed(shop);
    print('the last fault is over');
    await within(closingMs, Promise.all(bought));
    shop.closing = true;
    if (!(await within(closingMs, Promise.all(bought))))
      journal.violate(`orders are still under way ${(2 * closingMs) / 1_000} s after the last fault`);
    await replay(shop);
    const unrest = await untilQuiet(shop, { provider, paymentWindowMs: options.paymentWindowSeconds * 1_000, healed });
    print('it is quiet');
    const broken = [...unrest, ...(await verdictOn(shop, provider))];
    for (const [name, times] of crashes) broken.push(`${name} ended by itself, ${times} times`);
    broken.push(...unexpectedRefusals(api.tally.refusals));
    for (const line of broken) print(`VIOLATION ${line}`);
    const violations = [...journal.violations, ...broken];
    return {
      faults: happened,
      journal,
      tally: api.tally,
      said,
      crashes,
      violations,
      counts: {
        orders: journal.orders.length,
        placed: journal.orders.filter(({ id, refusal }) => id !== undefined && refusal === undefined).length,
        paid: journal.orders.filter(({ paid }) => paid).length,
        cancelled: journal.orders.filter(({ cancelled }) => cancelled).length,
        refunded: journal.refunds.filter(({ refundId }) => refundId !== undefined).length,
        charges: (await provider.journal()).filter(({ type }) => type === 'charge').length,
        resumed: shop.buyers.reduce((sum, { watch }) => sum + watch.resumed(), 0),
      },
    };
  } finally {
    shop.closing = true;
    await Promise.all(shop.buyers.map(({ watch }) => watch.end()));
    await fleet.stop();
    await api.close();
  }
} // prettier-ignore

/** The message of a line of a log; what is no such line is told by its beginning. */
const messageOf = (line: string): string => /"msg":"([^"]*)"\}$/.exec(line)?.[1] ?? kindOf(line.slice(0, 80));

/** False when the time is over first. */
const within = (timeMs: number, done: Promise<unknown>): Promise<boolean> =>
  Promise.race([done.then(() => true), sleep(timeMs, false, { ref: false })]);

/** Buyers come at their rate for as long as the run lasts; resolves with the orders that are still under way. */
async function shopping(
  shop: Shop,
  { seed, durationMs, ordersPerSecond, print }: TortureOptions,
): Promise<Promise<void>[]> {
  const random = randomOf(seed + 1);
  const begun = performance.now();
  const underWay = new Set<Promise<void>>();
  let credited = 0;
  let minute = 0;
  for (let orders = 0; performance.now() - begun < durationMs; orders += 1) {
    const dueMs = (orders * 1_000) / ordersPerSecond - (performance.now() - begun);
    if (dueMs > 0) await sleep(dueMs);
    if (performance.now() - begun > (minute + 1) * minuteMs) {
      minute += 1;
      print(`${minute} min: ${shop.journal.orders.length} orders begun, ${underWay.size} under way`);
    }
    const free = shop.buyers.filter(({ busy }) => busy < maxOrdersPerBuyer);
    if (free.length === 0) continue;
    const buyer = random.pick(free);
    buyer.busy += 1;
    const done: Promise<void> = buy(shop, buyer, randomOf(seed * 1_000_003 + orders))
      .catch((error: Error) => void shop.journal.violate(`buyer ${buyer.index} met ${error.stack}`))
      .finally(() => {
        buyer.busy -= 1;
        underWay.delete(done);
      });
    underWay.add(done);
    if (performance.now() - begun > (credited + 1) * creditEveryMs) {
      const next = shop.buyers[credited % shop.buyers.length];
      credited += 1;
      if (next) underWay.add(credit(shop, next).catch((error: Error) => void shop.journal.violate(error.message)));
    }
  }
  return [...underWay];
}
