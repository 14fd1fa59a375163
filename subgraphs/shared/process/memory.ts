/**
 * Gives back what a start leaves behind, where the process runs with `--expose-gc`: code that ran once, and garbage among
 * old objects, through which V8 looks only once there are twice as many. Nothing else runs meanwhile: 0.4 to 2 s on a machine whose processors were busy.
 */
export async function collectGarbage(): Promise<void> {
  await globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' });
}
