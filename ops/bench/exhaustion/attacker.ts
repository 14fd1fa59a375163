import { constants, setPriority } from 'node:os';
import { exhaustionCases } from './cases.ts';
import type { Scene } from './case.ts';

/** What the benchmark tells an attacker's process: begin, or end and say what came of it. */
export type Order = { readonly begin: { readonly name: string; readonly scene: Scene } } | { readonly end: true };
/** How often each outcome was met; told when the first was, and at the end. */
export type Outcomes = Readonly<Record<string, number>>;

// An attacker has machines of its own: here it gets the processors only when the platform and the honest clients have no use for them.
setPriority(constants.priority.PRIORITY_LOW);

const over = new AbortController();
const outcomes: Record<string, number> = {};
let attacking: Promise<void> | undefined;

const count = (outcome: string | number): void => {
  if (Object.keys(outcomes).length === 0) process.send?.({ [outcome]: 1 } satisfies Outcomes);
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
};

process.on('message', (order: Order) => {
  if ('begin' in order) {
    const { name, scene } = order.begin;
    attacking = exhaustionCases.find((one) => one.name === name)?.attack(scene, over.signal, count);
  } else {
    over.abort();
    void attacking?.finally(() => process.send?.(outcomes, () => process.exit(0)));
  }
});
// Whoever measures is gone: nobody would end it.
process.on('disconnect', () => process.exit(1));
