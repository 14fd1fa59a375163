/**
 * Gives back what a start leaves behind, where the process runs with `--expose-gc`: code that ran once, and garbage among
 * old objects, through which V8 looks only once there are twice as many. Takes about 0.3 s, in which nothing else runs.
 */
export async function collectGarbage(): Promise<void> {
  await globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' });
}
