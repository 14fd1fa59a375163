import { describe, expect, test } from '@jest/globals';
import { faultKinds, scheduleOf } from '../../ops/torture/schedule.ts';

const long = { durationMs: 1_200_000, everyMs: 5_000 };

describe('the schedule of faults', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(scheduleOf({ seed: 7, ...long })).toEqual(scheduleOf({ seed: 7, ...long }));
    expect(scheduleOf({ seed: 8, ...long })).not.toEqual(scheduleOf({ seed: 7, ...long }));
  });

  test('has at least 200 faults in 20 minutes, every kind among them, whatever the seed', () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const schedule = scheduleOf({ seed, ...long });
      expect(schedule.length).toBeGreaterThanOrEqual(200);
      expect(new Set(schedule.map(({ kind }) => kind)).size).toBe(faultKinds.length);
    }
  });

  test('comes in the order of time, and each fault is over before the run is', () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const schedule = scheduleOf({ seed, durationMs: 45_000, everyMs: 2_000 });
      for (const [index, { atMs, durationMs }] of schedule.entries()) {
        expect(atMs).toBeGreaterThan(schedule[index - 1]?.atMs ?? 0);
        expect(atMs + durationMs).toBeLessThanOrEqual(45_000);
      }
    }
  });

  test('stops processes for longer than the longest lease', () => {
    const stops = scheduleOf({ seed: 1, ...long }).filter(({ kind }) => kind === 'SIGSTOP');
    expect(stops.length).toBeGreaterThan(0);
    for (const { durationMs } of stops) expect(durationMs).toBeGreaterThan(30_000);
  });
});
