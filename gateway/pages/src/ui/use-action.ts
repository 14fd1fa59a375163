import { useCallback, useState } from 'react';
import { ApiError } from '../api.ts';

export type Action = {
  readonly busy: boolean;
  /** Why it did not work, for people; null when it did or was not tried. */
  readonly problem: string | null;
  /** True when sending the same again is safe and may help. */
  readonly again: boolean;
  /** Forgets the problem. */
  readonly clear: () => void;
  readonly run: (work: () => Promise<string | null | void>) => Promise<void>;
};

/** Runs one piece of work at a time. Its result, or its error, is the sentence that says why it did not work. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [again, setAgain] = useState(false);
  const run = useCallback(async (work: () => Promise<string | null | void>) => {
    setBusy(true);
    setProblem(null);
    setAgain(false);
    try {
      setProblem((await work()) ?? null);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.message);
      setAgain(error.retryable);
    } finally {
      setBusy(false);
    }
  }, []);
  const clear = useCallback(() => setProblem(null), []);
  return { busy, problem, again, clear, run };
}
