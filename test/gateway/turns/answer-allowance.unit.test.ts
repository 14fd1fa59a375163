import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { type AnswerAllowance, openAnswerAllowance } from '../../../gateway/turns/answer-allowance.ts';
import { answerTooLarge, defaultAnswerLimits, noteSize } from '../../../subgraphs/shared/answers/answer-size.ts';
import { createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';

const MiB = 1024 * 1024;
const maxAnswerBytes = 8 * MiB;
const small = (): ExecutionResult => ({ data: { small: true } });
const large = (bytes: number) => (): ExecutionResult => noteSize({ data: { bytes } }, bytes);
const tooLarge = (): ExecutionResult => ({ errors: [answerTooLarge(defaultAnswerLimits)] });

let allowance: AnswerAllowance;
beforeEach(() => {
  jest.useFakeTimers();
  allowance = openAnswerAllowance({ maxAnswerBytes, metrics: createMetrics(), nowMs: () => Date.now() });
});
afterEach(() => {
  allowance.close();
  jest.useRealTimers();
});

type Ended = { readonly atMs: number; readonly code: string };

/** Asks, and tells when the answer was there, from now, and what came. The clock goes on meanwhile. */
async function ask(client: string, answer: () => ExecutionResult, isGone?: () => boolean): Promise<Ended> {
  const startedMs = Date.now();
  const refused = (error: GraphQLError): ExecutionResult => ({ errors: [error] });
  const asked = allowance.run({ client, isGone }, async () => answer(), refused);
  const ended = asked.then(({ errors }) => ({
    atMs: Date.now() - startedMs,
    code: (errors?.[0]?.extensions['code'] as string | undefined) ?? 'OK',
  }));
  return ended;
}
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('the large answers of a client', () => {
  test('are given at once as long as it has as much as the largest in hand, and small ones cost nothing', async () => {
    for (let number = 0; number < 100; number += 1) expect(await ask('a', small)).toEqual({ atMs: 0, code: 'OK' });
    for (let number = 0; number < 8; number += 1) expect(await ask('a', large(MiB))).toEqual({ atMs: 0, code: 'OK' });
    expect(await ask('a', small)).toEqual({ atMs: 0, code: 'OK' });
  });

  test('make it wait until they are earned, and nobody else', async () => {
    await ask('a', large(5 * MiB));
    await ask('a', large(5 * MiB));
    const waiting = ask('a', small);
    expect(await ask('b', small)).toEqual({ atMs: 0, code: 'OK' });
    await pass(2_000);
    // Two MiB more than it had, at two in a second.
    expect(await waiting).toEqual({ atMs: 1_000, code: 'OK' });
  });

  test('come one at a time while it waits, each earned before the next', async () => {
    await Promise.all([ask('a', large(maxAnswerBytes)), ask('a', large(MiB))]);
    const ended = [ask('a', large(2 * MiB)), ask('a', large(2 * MiB)), ask('a', small)];
    await pass(5_000);
    expect((await Promise.all(ended)).map(({ atMs }) => atMs)).toEqual([500, 1_500, 2_500]);
  });

  test('that were too large cost as much as the largest', async () => {
    expect(await ask('a', tooLarge)).toEqual({ atMs: 0, code: 'ANSWER_TOO_LARGE' });
    expect(await ask('a', tooLarge)).toEqual({ atMs: 0, code: 'ANSWER_TOO_LARGE' });
    const waiting = ask('a', small);
    await pass(4_000);
    expect(await waiting).toEqual({ atMs: 4_000, code: 'OK' });
  });

  test('are refused as OVERLOADED when what it had could not be earned in five seconds, and given later', async () => {
    // Asked for at once, before any was charged.
    await Promise.all([1, 2, 3].map(() => ask('a', large(maxAnswerBytes))));
    let runs = 0;
    const counted = () => {
      runs += 1;
      return small();
    };
    expect(await ask('a', counted)).toEqual({ atMs: 0, code: 'OVERLOADED' });
    expect(runs).toBe(0);
    await pass(8_000);
    expect(await ask('a', counted)).toEqual({ atMs: 0, code: 'OK' });
  });

  test('are not made for a client that is gone, nor for one that waited five seconds in the line', async () => {
    await Promise.all([ask('a', large(maxAnswerBytes)), ask('a', large(6 * MiB))]);
    let isGone = false;
    let runs = 0;
    const counted = (bytes: number) => () => {
      runs += 1;
      return large(bytes)();
    };
    const gone = ask('a', counted(1), () => isGone);
    isGone = true;
    const next = ask('a', counted(maxAnswerBytes));
    const last = ask('a', counted(1));
    const late = ask('a', counted(1));
    await pass(10_000);
    expect(await gone).toEqual({ atMs: 3_000, code: 'OVERLOADED' });
    expect(await next).toEqual({ atMs: 3_000, code: 'OK' });
    expect(await last).toEqual({ atMs: 7_000, code: 'OK' });
    expect((await late).code).toBe('OVERLOADED');
    expect(runs).toBe(2);
  });

  test('of an operation that throws are not charged, and the error goes to who asked', async () => {
    const broken = allowance.run({ client: 'a' }, async () => Promise.reject(new Error('broken')), () => small()); // prettier-ignore
    await expect(broken).rejects.toThrow('broken');
    expect(await ask('a', small)).toEqual({ atMs: 0, code: 'OK' });
  });
});
