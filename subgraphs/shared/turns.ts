/** Lets work that is long for one turn of the event loop go on in the next ones. */
export type Turns = {
  /** Resolves in a turn that no other work of this kind has; first come, first served. */
  next(): Promise<void>;
};

export function openTurns(): Turns {
  const waiting: (() => void)[] = [];
  const admit = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(admit);
  };
  return {
    next: () =>
      new Promise((resolve) => {
        if (waiting.push(resolve) === 1) setImmediate(admit);
      }),
  };
}
