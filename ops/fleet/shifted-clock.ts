// Preloaded (`--import`) into a process of the fleet: its wall clock is wrong by as many milliseconds as the file at
// FLEET_CLOCK_FILE says, read at the start and at each SIGUSR2. Monotonic clocks, timers and other processes stay right.
import { readFileSync } from 'node:fs';

const path = process.env['FLEET_CLOCK_FILE'];
const RightDate = globalThis.Date;
let offsetMs = 0;

const read = (): void => {
  offsetMs = path === undefined ? 0 : Number(readFileSync(path, 'utf8'));
};

globalThis.Date = new Proxy(RightDate, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [target.now() + offsetMs] : given, newTarget) as Date,
  apply: (target) => new target(target.now() + offsetMs).toString(),
  get: (target, name) => (name === 'now' ? () => target.now() + offsetMs : (Reflect.get(target, name) as unknown)),
});

read();
process.on('SIGUSR2', read);
