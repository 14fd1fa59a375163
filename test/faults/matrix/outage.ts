import { setTimeout as sleep } from 'node:timers/promises';
import { type Person, createProduct, logIn, newKey, register } from '../../support/shop.ts';
import { type Told, payInsisting, placeInsisting, startLoad } from './buyers.ts';
import { type Payable, answerMs, askAll, emptySeen, withoutIds } from './asking.ts';
import { openCatalogue } from './catalogue.ts';
import { readOrder } from './clients.ts';
import { inject, ownOf } from './inject.ts';
import { type Said, linesFrom, oddLines, otherMessages, saidOf } from './logs.ts';
import type { Stage } from './stage.ts';
import type { Dependency, Expected, Outage, Probe } from './table.ts';
import { type Times, openTimes } from './times.ts';
import { watch } from './watcher.ts';
import type { Yardstick } from './yardstick.ts';

/** The people and goods of a stage's whole life, and what its buyers were told. */
export type World = {
  readonly stage: Stage;
  readonly productId: string;
  readonly buyers: readonly Person[];
  readonly prober: Person;
  readonly staff: Person;
  readonly yardstick: Yardstick;
  /** Every order that a buyer was told of. */
  readonly told: { buyer: Person; told: Told }[];
};

/** What a outage has shown. */
export type Report = {
  /** What clients got, in the table's words, and how often. */
  readonly seen: Readonly<Record<Probe, Readonly<Record<string, number>>>>;
  /** What it took to end the fault: a start, where a process or a server was killed. */
  readonly returnMs: number;
  /** From the return until an order was placed and paid; undefined when that did not happen. */
  readonly backMs: number | undefined;
  /** What did not hold. */
  readonly violations: readonly string[];
  /** Beside the two lines that an outage is worth. */
  readonly said: Readonly<Record<string, number>>;
};

const buyersUnderLoad = 3;
/** The last one's payment is asked for again and again. */
const payableOrders = 4;
const backWithinMs = 5_000;
/** Until a process that was killed can work again, on two processors; several at once share them. */
const startWithinMs = 5_000;
/** What one order placed and paid takes on an idle machine. */
const usualMs = 500;
const giveUpBackMs = 40_000;
const logsWithinMs = 5_000;
const againMs = 500;
/** What a process says beside the two lines is told of what it has done, not again and again. */
const mostOfOneMessage = 5;
/** So much slower than by itself, and who asks whether a server is there gets no answer in time. */
const busySlowdown = 4;
/** Such a short absence may pass without anybody's notice. */
const noticedMs = 2_000;
const onHand = 1_000_000;

export async function openWorld(stage: Stage, yardstick: Yardstick): Promise<World> {
  const staff = await persistently(() => logIn(stage.shop, stage.admin));
  const { id: productId } = await persistently(() => createProduct(stage.shop, staff, { onHand }));
  const join = (): Promise<Person> => persistently(() => register(stage.shop));
  const buyers: Person[] = [];
  for (let count = 0; count < buyersUnderLoad; count += 1) buyers.push(await join());
  return { stage, productId, buyers, prober: await join(), staff, yardstick, told: [] };
}

/** On a machine with too much to do a server may be taken for one that hangs before anything was done to it. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  const deadlineMs = Date.now() + giveUpBackMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadlineMs || !String(error).includes('SERVICE_UNAVAILABLE')) throw error;
      await sleep(againMs);
    }
  }
}

/** Lets an outage happen and says what did not hold. */
export async function runOutage(world: World, outage: Outage, expected: Expected): Promise<Report> {
  const { stage, productId } = world;
  const { shop } = stage;
  const violations = new Set<string>();
  const [buyers, prober] = [await signedIn(world, world.buyers), (await signedIn(world, [world.prober]))[0] as Person];
  const baselineMs = (await placedAndPaid(world, prober, giveUpBackMs, violations)) ?? giveUpBackMs;
  const clock = openTimes(world.yardstick);
  const begunMs = performance.now();
  if (violations.size > 0) return { seen: emptySeen(), returnMs: 0, backMs: undefined, violations: [...violations].map((what) => `before the fault: ${what}`), said: {} }; // prettier-ignore

  const open = await placeInsisting(shop, prober, productId, patient(giveUpBackMs, violations));
  if (!open) throw new Error('no order could be placed before the fault');
  const payable: Payable[] = [];
  for (let count = 0; count < payableOrders; count += 1) {
    const told = await placeInsisting(shop, prober, productId, patient(giveUpBackMs, violations));
    if (told) payable.push({ orderId: told.orderId, key: newKey() });
  }
  const catalogue = await openCatalogue(stage, (await signedIn(world, [world.staff]))[0] as Person, productId);
  const watchers = (['WebSocket', 'SSE'] as const).map((way) => watch(stage, prober, open.orderId, way));
  const load = outage.moment === 'at rest' ? undefined : startLoad(shop, buyers, productId, {
    onWrong: (what) => violations.add(`load: ${withoutIds(what)}`),
    mayForget: outage.dependencies.includes('database') && outage.fault === 'restarted without its last second',
  }); // prettier-ignore
  if (load) await sleep(1_000);
  const pids = () => stage.processes().map(({ name, pid }) => `${name} ${pid()}`);
  const processesBefore = pids();
  const mayEnd = outage.dependencies.filter((dependency) => isKill(outage, dependency)).map((dependency) => ownOf(stage, dependency).name); // prettier-ignore
  const newLines = linesFrom(stage);

  const asked = askAll(world, prober, open.orderId, expected, { outage, clock, violations, payable });
  const injected = await inject(stage, outage);
  asked.faultBegan();
  if (injected.holdMs >= noticedMs) {
    void catalogue.tryToChange();
    await Promise.all([sleep(injected.holdMs), readiness(stage, outage, expected, violations)]);
  } else await sleep(injected.holdMs);
  const endingMs = performance.now();
  await injected.end();
  asked.faultEnds();
  const returnMs = performance.now() - endingMs;
  if (mayEnd.length > 0) clock.took(`the start of ${mayEnd.join(', ')}`, returnMs, startWithinMs * mayEnd.length);
  const backMs = await placedAndPaid(world, prober, giveUpBackMs, violations);
  if (backMs === undefined) violations.add('no order was placed and paid after the return');
  else clock.took('the first order placed and paid after the return', backMs, backWithinMs);
  const seen = await asked.end();
  await readyAgain(stage, clock, violations);
  await catalogue.end(violations);

  await payInsisting(shop, prober, open, patient(giveUpBackMs, violations));
  world.told.push({ buyer: prober, told: open });
  for (const watcher of watchers) await watcher.end(expected, violations);
  await load?.stop();
  world.told.push(...(load?.told ?? []));
  if (stage.processes().length !== processesBefore.length) violations.add(`processes before: ${processesBefore.join(', ')}; after: ${pids().join(', ')}`); // prettier-ignore
  const ended = pids().filter((process) => !processesBefore.includes(process) && !mayEnd.includes(process.split(' ')[0] as string)); // prettier-ignore
  if (ended.length > 0) violations.add(`ended and started again: ${ended.join(', ')}`);
  const slowdown = world.yardstick.slowdownSince(begunMs);
  const said = await judgeLines(outage, newLines, { lastedMs: injected.holdMs, slowdown, violations });
  const afterMs = (await placedAndPaid(world, prober, giveUpBackMs, violations)) ?? giveUpBackMs;
  for (const late of clock.late(Math.max(baselineMs, afterMs) - usualMs)) violations.add(late);
  return { seen, returnMs, backMs, violations: [...violations], said };
}

/** Every order that a buyer was told of is there, and every one that was paid is. */
export async function expectAllKept({ stage, told }: World): Promise<void> {
  const lost: string[] = [];
  const people = new Map<string, Person>();
  for (const { buyer, told: order } of told) {
    const viewer = people.get(buyer.id) ?? (await logIn(stage.shop, buyer));
    people.set(buyer.id, viewer);
    const { body } = await readOrder(stage.shop, viewer, order.orderId);
    const { state } = (body.data?.['order'] ?? {}) as { state?: string };
    const isRight = order.isPaid ? ['PAID', 'PROCESSING', 'COMPLETED'].includes(state ?? '') : state !== undefined && state !== 'PLACING'; // prettier-ignore
    if (!isRight)
      lost.push(`${order.orderId}, ${order.isPaid ? 'paid' : 'placed'}: ${state ?? JSON.stringify(body.errors)}`);
  }
  if (lost.length > 0) throw new Error(`${lost.length} of ${told.length} orders: ${lost.slice(0, 20).join('; ')}`);
}

/** Faults that are the end of one of our processes, or of the provider's. */
const isKill = ({ fault }: Outage, dependency: Dependency): boolean =>
  !['redis', 'database', 'job store'].includes(dependency) &&
  (fault === 'restarted without its last second' || fault === 'out of memory');

/** Access tokens end after ten minutes; sign-in is not what every outage is about. */
const signedIn = ({ stage }: World, people: readonly Person[]): Promise<Person[]> =>
  Promise.all(people.map((person) => persistently(() => logIn(stage.shop, person))));

const patient = (forMs: number, violations: Set<string>) => {
  const deadlineMs = Date.now() + forMs;
  return { isWanted: () => Date.now() < deadlineMs, onWrong: (what: string) => void violations.add(withoutIds(what)) };
};

/** Places an order and pays it; how long that took. */
async function placedAndPaid(
  world: World,
  buyer: Person,
  forMs: number,
  violations: Set<string>,
): Promise<number | undefined> {
  const begun = performance.now();
  const attempt = patient(forMs, violations);
  const told = await placeInsisting(world.stage.shop, buyer, world.productId, attempt);
  if (!told) return undefined;
  world.told.push({ buyer, told });
  return (await payInsisting(world.stage.shop, buyer, told, attempt)) ? performance.now() - begun : undefined;
}

/** What readiness says in the middle of the fault. */
async function readiness(stage: Stage, outage: Outage, expected: Expected, violations: Set<string>): Promise<void> {
  await sleep(noticedMs);
  const response = await fetch(`${stage.shop.url}/health/ready`, { signal: AbortSignal.timeout(answerMs * 2) }).catch((error: Error) => error); // prettier-ignore
  if (response instanceof Error) {
    violations.add(`readiness: no answer (${response.message})`);
    return;
  }
  const text = await response.text();
  const namesIt = response.status === 503 && outage.dependencies.some((dependency) => text.includes(dependency));
  if (expected.readiness === 'may say so' && (namesIt || response.status === 200)) return;
  if (expected.readiness === 'ready') {
    if (response.status !== 200) violations.add(`readiness: ${response.status} ${text.slice(0, 200)}, expected 200`);
  } else if (!namesIt)
    violations.add(
      `readiness: ${response.status} ${text.slice(0, 200)}, expected 503 that names ${outage.dependencies.join(' or ')}`,
    );
}

async function readyAgain(stage: Stage, clock: Times, violations: Set<string>): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const response = await fetch(`${stage.shop.url}/health/ready`);
    const text = await response.text();
    const tookMs = performance.now() - begun;
    if (response.ok) {
      clock.took('readiness after the return', tookMs, backWithinMs);
      return;
    }
    if (tookMs > giveUpBackMs) {
      violations.add(`readiness after the return: ${response.status} ${text.slice(0, 200)}`);
      return;
    }
    await sleep(100);
  }
}

/** Names that the log gives to dependencies are the table's. */
async function judgeLines(
  outage: Outage,
  newLines: () => ReturnType<Stage['lines']>,
  { lastedMs, slowdown, violations }: { lastedMs: number; slowdown: number; violations: Set<string> },
): Promise<Record<string, number>> {
  const deadlineMs = Date.now() + logsWithinMs;
  const all = (): Said[] => outage.dependencies.map((dependency) => saidOf(newLines(), dependency));
  const isOver = (): boolean => all().every(({ away, back }) => [...away].every(([process, times]) => back.get(process) === times)); // prettier-ignore
  while (!isOver() && Date.now() < deadlineMs) await sleep(100);
  const lines = newLines();
  for (const [place, { away, back }] of all().entries()) {
    const dependency = outage.dependencies[place] as Dependency;
    for (const process of new Set([...away.keys(), ...back.keys()])) {
      const [went, came] = [away.get(process) ?? 0, back.get(process) ?? 0];
      // A server may be too late for a question on a machine that is as busy as this, and is away once more.
      const isTold = went === came && (went === 1 || slowdown > busySlowdown);
      if (!isTold)
        violations.add(`${process} said ${went} times that ${dependency} is away, ${came} times that it is back`);
    }
    if (away.size === 0 && lastedMs >= noticedMs && isAbsence(outage, dependency))
      violations.add(`no process said that ${dependency} is away`);
  }
  for (const line of oddLines(lines)) violations.add(withoutIds(line));
  const others = otherMessages(lines, outage.dependencies);
  for (const [message, times] of Object.entries(others))
    if (times > mostOfOneMessage) violations.add(`said ${times} times: ${message}`);
  return others;
}

const isAbsence = ({ fault }: Outage, dependency: Dependency): boolean =>
  dependency !== 'worker' && (fault.startsWith('refuses') || fault === 'hangs' || fault === 'resets');
