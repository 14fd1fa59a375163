import { Invariants } from './invariants.ts';
import type { Guards } from './mutations.ts';
import { operations } from './operations.ts';
import { Platform } from './platform.ts';
import { type Faults, Scheduler, noFaults } from './schedule.ts';
import { Shop } from './shop.ts';

export type Result = {
  /** What was broken, and after which step; null when nothing was. */
  readonly broken: string | null;
  readonly steps: number;
  readonly faults: number;
  readonly virtualMs: number;
  /** Step by step, where a trace was asked for. */
  readonly trace: readonly string[];
};

const maxSteps = 20_000;
const maxVirtualMs = 15 * 60_000;
const light: Faults = { crash: 0.002, loss: 0.006, pause: 0.002, deadlock: 0.01, clients: 0.02, calls: 0.03 };
const heavy: Faults = { crash: 0.008, loss: 0.03, pause: 0.006, deadlock: 0.03, clients: 0.06, calls: 0.12 };

/** The calls of one operation hardly arrive for a few seconds. */
function cutOperation(scheduler: Scheduler, { outside, network }: Platform): void {
  const { random } = scheduler;
  const operation = random.pick(Object.keys(operations));
  scheduler.after(outside, random.integer(0, 3_000), () => {
    network.cut = operation;
    scheduler.after(outside, random.integer(4_000, 20_000), () => {
      network.cut = null;
    });
  });
}

/** One run: everything in it follows from the seed. */
export async function simulate(seed: number, guards: Guards, options: { trace?: boolean } = {}): Promise<Result> {
  const scheduler = new Scheduler(seed, { trace: options.trace ?? false });
  const { random } = scheduler;
  const begunMs = scheduler.nowMs;
  const platform = new Platform(scheduler, guards);
  const shop = new Shop(platform);
  const invariants = new Invariants(platform, shop);
  scheduler.afterStep = () => invariants.afterStep();
  scheduler.onCrash = () => {
    scheduler.after(platform.outside, random.integer(300, 8_000), () => void platform.start());
  };

  let isOpen = false;
  const opening = shop.open().then(() => (isOpen = true));
  let broken = await scheduler.run({ isDone: () => isOpen, maxSteps, untilMs: begunMs + maxVirtualMs });
  await opening;
  platform.start();
  if (random.chance(0.5)) platform.start(random.chance(0.5));
  scheduler.faults = random.pick([noFaults, light, light, heavy]);
  if (random.chance(0.1)) {
    const atMs = random.integer(500, 15_000);
    // Half of them once more, while relays may still look after the first.
    scheduler.after(platform.outside, atMs, () => platform.redis.lose('restarted'));
    if (atMs % 2 === 0) scheduler.after(platform.outside, atMs + (atMs % 100), () => platform.redis.lose('emptied'));
  }
  if (random.chance(0.4)) cutOperation(scheduler, platform);
  let isHealed = false;
  scheduler.after(platform.outside, random.integer(3_000, 15_000), () => {
    platform.heal();
    isHealed = true;
  });
  const isDone = (): boolean => isHealed && shop.isQuiet && invariants.unsettled() === null;
  broken ??= await scheduler.run({ isDone, maxSteps, untilMs: begunMs + maxVirtualMs });
  if (broken === 'it comes to no end') broken = `it comes to no end: ${invariants.unsettled() ?? 'clients still wait'}`;
  broken ??= invariants.atEnd();
  const { steps, faultCount, nowMs, trace } = scheduler;
  return { broken, steps, faults: faultCount, virtualMs: nowMs - begunMs, trace: trace ?? [] };
}
