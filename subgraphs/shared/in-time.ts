import { setImmediate as turn } from 'node:timers/promises';

/**
 * What `work` gives, or an error that says "not now" (`isUnavailable`) after `timeoutMs`; the work itself goes on. An answer
 * that has arrived, and was not read because this process was busy, is in time.
 */
export async function inTime<Result>(work: Promise<Result>, timeoutMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = Object.assign(new Error(`nothing within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
      void turn()
        .then(() => turn())
        .then(() => reject(error));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
