/** Counts the turns of the event loop from now on. Not counting any more, it lets the process end. */
export function countTurns(): { turns(): number; stop(): void } {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  return {
    turns: () => turns,
    stop() {
      isOver = true;
    },
  };
}
