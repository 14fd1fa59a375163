/** How often each point was passed: the one piece of state that counting passes of a process needs. */
const passes = new Map<string, number>();

/**
 * A place at which a test may kill this process, as kill -9 would: when `FAIL_POINT` names it, `name` at its first pass
 * and `name@3` at its third. Nothing is flushed, closed or rolled back here. Never in production.
 *
 * Names are `<service>.<what has just happened>`, e.g. `order.placed` after the transaction that stores a new order.
 */
export function failPoint(name: string): void {
  const wanted = process.env['FAIL_POINT'];
  if (wanted === undefined || process.env['NODE_ENV'] === 'production') return;
  const [point, nth = '1'] = wanted.split('@');
  if (point !== name) return;
  const pass = (passes.get(name) ?? 0) + 1;
  passes.set(name, pass);
  if (pass === Number(nth)) process.kill(process.pid, 'SIGKILL');
}
