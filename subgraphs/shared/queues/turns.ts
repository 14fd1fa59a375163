/** Lets work that is long for one turn of the event loop go on in the next ones. */
export type Turns = {
  /**
   * Resolves in a turn that other work of this kind has no part in, but for such as is small beside it; first come, first
   * served. `share` says how much of a turn the work needs, 1 for all of it.
   */
  next(share?: number): Promise<void>;
};

export function openTurns(): Turns {
  const waiting: { readonly resolve: () => void; readonly share: number }[] = [];
  const admit = (): void => {
    let admitted = 0;
    for (let next = waiting[0]; next && (admitted === 0 || admitted + next.share <= 1); next = waiting[0]) {
      waiting.shift();
      admitted += next.share;
      next.resolve();
    }
    if (waiting.length > 0) setImmediate(admit);
  };
  return {
    next: (share = 1) =>
      new Promise((resolve) => {
        if (waiting.push({ resolve, share }) === 1) setImmediate(admit);
      }),
  };
}
