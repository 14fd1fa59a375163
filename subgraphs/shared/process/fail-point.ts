import { readFileSync } from 'node:fs';

/** How often each point was passed: the one piece of state that counting passes of a process needs. */
const passes = new Map<string, number>();

/**
 * A place at which a test may kill this process, as kill -9 would: when `FAIL_POINT` names it, `name` at its first pass
 * and `name@3` at its third. Nothing is flushed, closed or rolled back here. Never in production.
 *
 * An absolute path instead of a name is a file that holds the name, or nothing: it is read at each pass, so that a test
 * chooses the place while the process runs.
 *
 * Names are `<service>.<what has just happened>`, e.g. `order.placed` after the transaction that stores a new order.
 */
export function failPoint(name: string): void {
  const setting = process.env['FAIL_POINT'];
  if (setting === undefined || process.env['NODE_ENV'] === 'production') return;
  const wanted = setting.startsWith('/') ? readFileSync(setting, 'utf8').trim() : setting;
  const [point, nth = '1'] = wanted.split('@');
  if (point !== name) return;
  const pass = (passes.get(name) ?? 0) + 1;
  passes.set(name, pass);
  if (pass === Number(nth)) process.kill(process.pid, 'SIGKILL');
}
