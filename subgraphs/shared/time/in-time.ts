import { type Time, realTime } from './time.ts';

/** As Node and the drivers say it. */
const timedOut = 'ETIMEDOUT';

/**
 * What `work` gives, or an error that says "not now" (`isUnavailable`) after `timeoutMs`; the work itself goes on. An answer
 * that has arrived, and was not read because this process was busy, is in time.
 */
export async function inTime<Result>(work: Promise<Result>, timeoutMs: number, time: Time = realTime): Promise<Result> {
  let stopTimer = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    stopTimer = time.after(timeoutMs, () => {
      const error = Object.assign(new Error(`nothing within ${timeoutMs} ms`), { code: timedOut });
      void time.caughtUp().then(() => reject(error));
    });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stopTimer();
  }
}
