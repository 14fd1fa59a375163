import { afterEach, expect, jest, test } from '@jest/globals';
import { type Clock, openClock } from '../../../../subgraphs/shared/process/clock.ts';
import { createLogger } from '../../../../subgraphs/shared/process/telemetry.ts';

const ownClock = Date.now;
const log = createLogger('test', 'silent');
let clock: Clock | undefined;
afterEach(async () => {
  jest.restoreAllMocks();
  await clock?.close();
  clock = undefined;
});
const offNow = (): number => Math.abs((clock?.now().getTime() ?? 0) - ownClock());

test.each([600_000, -600_000])('a clock that steps by %d ms while the process runs changes nothing, not even until the next measurement', async (stepMs) => {
  clock = await openClock({ readSharedMs: async () => ownClock(), log });
  jest.spyOn(Date, 'now').mockImplementation(() => ownClock() + stepMs);
  expect(offNow()).toBeLessThan(100);
}); // prettier-ignore

test.each([600_000, -600_000])('a clock that is %d ms off is put right by a measurement that took its time, as far as that can tell', async (offMs) => {
  jest.spyOn(Date, 'now').mockImplementation(() => ownClock() + offMs);
  const slowly = async (): Promise<number> => {
    await new Promise((later) => setTimeout(later, 700));
    return ownClock();
  };
  clock = await openClock({ readSharedMs: slowly, log });
  expect(offNow()).toBeLessThan(1_000);
}); // prettier-ignore

test('a measurement that took its time leaves a clock alone that may be right', async () => {
  jest.spyOn(Date, 'now').mockImplementation(() => ownClock() + 900);
  const slowly = async (): Promise<number> => {
    await new Promise((later) => setTimeout(later, 700));
    return ownClock();
  };
  clock = await openClock({ readSharedMs: slowly, log });
  expect(Math.abs(offNow() - 900)).toBeLessThan(100);
});
