import { useSyncExternalStore } from 'react';

let count = 0;
const listeners = new Set<() => void>();

/** What the user was told has changed: there is more of it, or some of it was read. */
export function noteChange(): void {
  count += 1;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

/** Goes up with every change, wherever on the page it was seen. */
export const useChanges = (): number => useSyncExternalStore(subscribe, () => count);
