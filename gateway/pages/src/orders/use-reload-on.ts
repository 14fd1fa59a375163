import { useEffect, useRef } from 'react';

/** Asks again each time the count of changes goes up. */
export function useReloadOn(changes: number, reload: (options: { requestPolicy: 'network-only' }) => void): void {
  const seen = useRef(changes);
  useEffect(() => {
    if (seen.current === changes) return;
    seen.current = changes;
    reload({ requestPolicy: 'network-only' });
  }, [changes, reload]);
}
