import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { type AdmissionLimits, openAdmission } from '../../../gateway/turns/admission.ts';
import { createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';

const limits: AdmissionLimits = { maxRunning: 200, maxRunningPerClient: 200, maxQueued: 1_000, maxWaitMs: 500 };

/** An admission on a clock of the test's own, with work that ends when told. */
function stage(bent: Partial<AdmissionLimits> = {}) {
  jest.useFakeTimers();
  let busy = false;
  const metrics = createMetrics();
  const admission = openAdmission({ ...limits, ...bent }, { metrics, nowMs: () => Date.now(), isBusy: () => busy });
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const refused: string[] = [];
  const ask = (client: string, isGone?: () => boolean) => {
    void admission
      .run({ client, isGone }, () => {
        begun.push(client);
        return new Promise<void>((resolve) => ends.push(resolve));
      })
      .catch((error: { extensions: { code: string } }) => refused.push(`${client} ${error.extensions.code}`));
  };
  return {
    admission, metrics, begun, ends, refused, ask,
    askTimes: (count: number, client: string) => { for (let n = 0; n < count; n += 1) ask(client); },
    setBusy: (value: boolean) => { busy = value; },
    pass: (ms: number) => jest.advanceTimersByTimeAsync(ms),
    endOne: async () => { ends.shift()?.(); await jest.advanceTimersByTimeAsync(0); },
  }; // prettier-ignore
}
afterEach(() => {
  jest.useRealTimers();
});

describe('admission', () => {
  test('lets 24 run while the processor is busy; each that ends lets the next in', async () => {
    const { admission, askTimes, setBusy, pass, endOne } = stage();
    setBusy(true);
    askTimes(30, 'a');
    await pass(100);
    expect(admission.counts()).toEqual({ running: 24, queued: 6 });
    await endOne();
    expect(admission.counts()).toEqual({ running: 24, queued: 5 });
  });

  test('lets more in while the processor has time to spare, up to the limit, and fewer once it has none', async () => {
    const { admission, askTimes, setBusy, pass, endOne, ends } = stage();
    askTimes(250, 'a');
    await pass(60);
    expect(admission.counts().running).toBe(96);
    await pass(200);
    expect(admission.counts()).toEqual({ running: 200, queued: 50 });
    setBusy(true);
    await pass(1_100);
    // Held for more than a second: they wait for somebody else, and don't count.
    while (ends.length > 0) await endOne();
    askTimes(30, 'b');
    await pass(100);
    expect(admission.counts()).toEqual({ running: 24, queued: 6 });
  });

  test('operations that a slow service holds do not keep the others out although the processor is busy', async () => {
    const { admission, askTimes, setBusy, pass, begun } = stage();
    askTimes(24, 'slow');
    setBusy(true);
    await pass(900);
    askTimes(1, 'b');
    expect(admission.counts()).toEqual({ running: 24, queued: 1 });
    await pass(200);
    expect(begun.at(-1)).toBe('b');
  });

  test('takes turns among clients, and none has more than its share of what runs', async () => {
    const { begun, refused, askTimes, ask, endOne } = stage({ maxRunning: 4, maxRunningPerClient: 3 });
    askTimes(10, 'a');
    expect(begun).toEqual(['a', 'a', 'a']);
    ask('b');
    ask('c');
    expect(begun.slice(3)).toEqual(['b']);
    await endOne();
    await endOne();
    expect(begun.slice(4)).toEqual(['a', 'c']);
    expect(refused).toEqual([]);
  });

  test('refuses whom it has no room for: of the client that has most waiting, with Retry-After', async () => {
    const { admission, metrics, refused, ask, askTimes, pass } = stage({ maxRunning: 1, maxQueued: 3 });
    askTimes(4, 'a');
    ask('b');
    await pass(0);
    expect(refused).toEqual(['a OVERLOADED']);
    expect(admission.counts()).toEqual({ running: 1, queued: 3 });
    await expect(Promise.all([admission.run({ client: 'a' }, async () => 1), pass(0)])).rejects.toMatchObject({
      extensions: { http: { status: 503, headers: new Map([['retry-after', '1']]) } },
    });
    expect(await metrics.registry.metrics()).toContain('gateway_operations_shed_total{reason="queue full"} 2');
    expect(await metrics.registry.metrics()).toContain('gateway_operations{state="queued"} 3');
  });

  test('refuses who has waited too long', async () => {
    const { admission, refused, ask, pass } = stage({ maxRunning: 1 });
    ask('a');
    ask('a');
    ask('b');
    await pass(480);
    expect(refused).toEqual([]);
    await pass(40);
    expect(refused).toEqual(['a OVERLOADED', 'b OVERLOADED']);
    expect(admission.counts()).toEqual({ running: 1, queued: 0 });
  });

  test('does not begin what nobody waits for any more', async () => {
    const { begun, refused, ask, endOne } = stage({ maxRunning: 1 });
    ask('a');
    ask('b', () => true);
    ask('c');
    await endOne();
    expect(begun).toEqual(['a', 'c']);
    expect(refused).toEqual(['b OVERLOADED']);
  });

  test('work that fails gives its place back', async () => {
    const { admission } = stage({ maxRunning: 1 });
    await expect(admission.run({ client: 'a' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(admission.counts()).toEqual({ running: 0, queued: 0 });
    expect(await admission.run({ client: 'a' }, async () => 'next')).toBe('next');
  });

  test('work that throws at once fails by itself: its place is free, and nobody else is concerned', async () => {
    const { admission } = stage({ maxRunning: 1 });
    const throws = (): Promise<string> => {
      throw new Error('at once');
    };
    await expect(admission.run({ client: 'a' }, throws)).rejects.toThrow('at once');
    const first = admission.run({ client: 'a' }, async () => 'first');
    const waiting = admission.run({ client: 'b' }, throws);
    const last = admission.run({ client: 'c' }, async () => 'last');
    await expect(waiting).rejects.toThrow('at once');
    expect(await Promise.all([first, last])).toEqual(['first', 'last']);
    expect(admission.counts()).toEqual({ running: 0, queued: 0 });
  });

  test('refusals are what the caller makes of them', async () => {
    const { admission } = stage({ maxRunning: 1, maxQueued: 0 });
    let end: ((value: string) => void) | undefined;
    const running = admission.run({ client: 'a' }, () => new Promise<string>((resolve) => (end = resolve)));
    const refused = await admission.run({ client: 'b' }, async () => 'never', (error) => String(error.extensions['code'])); // prettier-ignore
    expect(refused).toBe('OVERLOADED');
    end?.('done');
    expect(await running).toBe('done');
  });
});
