import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import type { Passage, Balancer } from '../fleet/balancer.ts';
import type { Fleet, FleetProcess } from '../fleet/fleet.ts';
import type { ProviderControl } from './provider.ts';
import type { Fault } from './schedule.ts';

/** Carries out faults on a fleet. */
export type Faults = {
  /** Does it, waits, and undoes it. Faults of one target follow one another. False when there was nothing to do it to. */
  inflict(fault: Fault): Promise<boolean>;
  /** Undoes whatever may be left. */
  heal(): Promise<void>;
};

/** How the provider treats its webhooks otherwise. */
const usual = { duplicate: 0, delayMs: 0, reorder: false, drop: false };

type FaultOptions = {
  readonly provider: ProviderControl;
  /** The provider's intents that clients were told of, oldest first. */
  readonly intents: () => readonly string[];
};

/** The ways to get at a fleet. */
function toolsFor(fleet: Fleet) {
  const processOf = (name: string): FleetProcess => {
    const found = fleet.processes.find((one) => one.name === name);
    if (!found) throw new Error(`the fleet has no process ${name}`);
    return found;
  };
  /** The balancer before a service, or between one process and one of its servers. */
  function balancerOf(target: string): Balancer {
    const [name = '', server] = target.split('/');
    if (server === 'mariadb' || server === 'redis') return processOf(name)[server];
    const found = [...fleet.balancers].find(([service]) => service === name)?.[1];
    if (!found) throw new Error(`the fleet has no balancer before ${name}`);
    return found;
  }
  async function hold(target: string, passage: Passage, durationMs: number): Promise<boolean> {
    const balancer = balancerOf(target);
    const isUsed = balancer.size() > 0;
    balancer.set(passage);
    await sleep(durationMs);
    balancer.set({ kind: 'open' });
    return isUsed;
  }
  function reset(target: string): boolean {
    const balancer = balancerOf(target);
    const isUsed = balancer.size() > 0;
    balancer.reset();
    return isUsed;
  }
  async function stop(signal: (what: 'SIGSTOP' | 'SIGCONT') => boolean | void, durationMs: number): Promise<boolean> {
    if (signal('SIGSTOP') === false) return false;
    await sleep(durationMs);
    signal('SIGCONT');
    return true;
  }
  async function restart(server: 'mariadb' | 'redis', signal: 'SIGKILL' | 'SIGTERM', awayMs: number): Promise<void> {
    await fleet[server].end(signal);
    await sleep(awayMs);
    await fleet[server].start();
  }
  async function emptyRedis(): Promise<void> {
    const client = createClient({ url: fleet.env['REDIS_URL'] ?? '' }).on('error', () => undefined); // the command says so
    await client.connect();
    await client.flushAll();
    client.destroy();
  }
  return { processOf, hold, reset, stop, restart, emptyRedis };
}

/** Does a fault, waits, and undoes it; answers with false where there is nothing to do it to. */
function actor(fleet: Fleet, options: FaultOptions): (fault: Fault) => Promise<boolean | void> {
  const { provider } = options;
  const { processOf, hold, reset, stop, restart, emptyRedis } = toolsFor(fleet);
  async function misbehave(how: Partial<typeof usual>, durationMs: number): Promise<void> {
    const before = options.intents().length;
    await provider.control(how);
    await sleep(durationMs);
    await provider.control(usual);
    if (!how.drop) return;
    for (const intent of options.intents().slice(before)) await provider.control({ intent, ...usual, resend: true });
  }

  return async ({ kind, target, durationMs, detail }) => {
    switch (kind) {
      case 'kill -9':
        return processOf(target).signal('SIGKILL');
      case 'kill -9 of both':
        return fleet.processes.filter(({ service }) => service === target).map(({ signal }) => signal('SIGKILL')).includes(true); // prettier-ignore
      case 'SIGSTOP':
        return stop(processOf(target).signal, durationMs);
      case 'link cut':
      case 'service cut':
        return hold(target, { kind: 'cut' }, durationMs);
      case 'link stalled':
      case 'service stalled':
        return hold(target, { kind: 'stalled' }, durationMs);
      case 'link slow':
      case 'service slow':
        return hold(target, { kind: 'slow', delayMs: Number(detail) }, durationMs);
      case 'connections reset':
        return reset(target);
      case 'Redis emptied':
        return emptyRedis();
      case 'Redis restarted':
        return restart('redis', 'SIGKILL', durationMs);
      case 'Redis restarted without its data':
        await emptyRedis();
        return restart('redis', 'SIGKILL', durationMs);
      case 'Redis SIGSTOP':
        return stop(fleet.redis.signal, durationMs);
      case 'MariaDB restarted':
        return restart('mariadb', 'SIGTERM', durationMs);
      case 'MariaDB kill -9':
        return restart('mariadb', 'SIGKILL', durationMs);
      case 'MariaDB SIGSTOP':
        return stop(fleet.mariadb.signal, durationMs);
      case 'clock wrong':
        await processOf(target).shiftClock(Number(detail));
        await sleep(durationMs);
        return processOf(target).shiftClock(0);
      case 'webhooks doubled':
        return misbehave({ duplicate: 3 }, durationMs);
      case 'webhooks reordered':
        return misbehave({ reorder: true }, durationMs);
      case 'webhooks late':
        return misbehave({ delayMs: Number(detail) }, durationMs);
      case 'webhooks lost and sent later':
        return misbehave({ drop: true }, durationMs);
      case 'webhook forged': {
        const intent = options.intents().at(-1);
        if (intent !== undefined) await provider.forge(intent, detail);
        return intent !== undefined;
      }
    }
  };
}

export function openFaults(fleet: Fleet, options: FaultOptions): Faults {
  const act = actor(fleet, options);
  const busy = new Map<string, Promise<void>>();
  return {
    inflict(fault) {
      // What two faults do to one thing would undo one another.
      const done = (busy.get(fault.target) ?? Promise.resolve()).then(() => act(fault));
      busy.set(
        fault.target,
        done.then(
          () => undefined,
          () => undefined,
        ),
      ); // the caller is told
      return done.then((happened) => happened !== false);
    },
    async heal() {
      for (const one of fleet.processes) {
        one.signal('SIGCONT');
        await one.shiftClock(0);
        one.mariadb.set({ kind: 'open' });
        one.redis.set({ kind: 'open' });
      }
      for (const balancer of fleet.balancers.values()) balancer.set({ kind: 'open' });
      for (const server of [fleet.mariadb, fleet.redis]) {
        server.signal('SIGCONT');
        await server.start();
      }
      await fleet.ready();
      await options.provider.control({ ...usual, hurry: true });
    },
  };
}
