const baseMs = 1_000;
const maxMs = 300_000;
const maxDoublings = 10;

/** How long to wait after so many failures before the one that has just happened: from a second, doubled, up to 5 minutes. */
export const backOffMs = (failures: number): number => Math.min(maxMs, baseMs * 2 ** Math.min(failures, maxDoublings));
