/** Asks until `found` answers something other than undefined, false or null, and returns that; an error after `timeoutMs`. */
export async function until<T>(
  found: () => Promise<T | undefined | false | null> | T | undefined | false | null,
  options: { timeoutMs?: number; everyMs?: number; what?: string } = {},
): Promise<T> {
  const { timeoutMs = 15_000, everyMs = 25, what = 'what was waited for' } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await found();
    if (value !== undefined && value !== false && value !== null) return value;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await new Promise((again) => setTimeout(again, everyMs));
  }
}
