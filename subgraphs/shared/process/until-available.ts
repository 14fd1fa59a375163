import { isUnavailable } from '../errors/errors.ts';
import { type Time, realTime } from '../time/time.ts';

const retryMs = 200;
/** Longer than a server takes to start again; then the start fails, and is tried again by whoever supervises it. */
const patienceMs = 60_000;

/**
 * What `work` gives, tried again while what it needs is away. For the steps of a start, whose failure ends the process: the
 * servers have answered already, and one of them may go in the midst of it.
 *
 * @param work can be done again after it failed half-way
 */
export async function untilAvailable<Result>(work: () => Promise<Result>, time: Time = realTime): Promise<Result> {
  const untilMs = time.monotonicMs() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || time.monotonicMs() > untilMs) throw error;
      await time.sleep(retryMs * (0.5 + time.random() / 2));
    }
  }
}
