/** Asks again and again for something that is away, until it is back. */
export type Probing = {
  /** Begins, unless it is under way. */
  begin(): void;
  /** Ends it for good. */
  close(): void;
};

/**
 * @param options.delayMs how long to wait before each time; with some chance in it not all processes ask at once
 * @param options.probe asks; whatever comes of it, `isOver` tells whether that is all
 */
export function openProbing(options: {
  delayMs: () => number;
  probe: () => Promise<unknown>;
  isOver: () => boolean;
}): Probing {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  function begin(): void {
    if (isClosed) return;
    timer ??= setTimeout(() => void options.probe().then(goOn, goOn), options.delayMs()).unref();
  }
  function goOn(): void {
    timer = undefined;
    if (!options.isOver()) begin();
  }
  return {
    begin,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
