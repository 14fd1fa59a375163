import { useEffect, useState } from 'react';

type Kept<T> = { readonly place: string; readonly value: T };

/**
 * State that survives a reload of this tab, each owner's own: who signs in after somebody else finds nothing of theirs. What
 * was nobody's, `owner` '', becomes that of who signs in. JSON only.
 */
export function useKept<T>(name: string, owner: string, initial: T): [value: T, set: (value: T) => void] {
  const nobodys = `${name}:`;
  const place = `${nobodys}${owner}`;
  const stored = (): T => read<T>(place) ?? read<T>(nobodys) ?? initial;
  const [kept, setKept] = useState<Kept<T>>(() => ({ place, value: stored() }));
  let shown = kept;
  if (kept.place !== place) {
    const movesAlong = kept.place === nobodys && !isSame(kept.value, initial);
    shown = { place, value: movesAlong ? kept.value : stored() };
    setKept(shown);
  }
  const { value } = shown;
  useEffect(() => {
    write(place, isSame(value, initial) ? null : value);
    if (place !== nobodys) write(nobodys, null);
  }, [place, value]);
  return [value, (next) => setKept((now) => ({ ...now, value: next }))];
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function read<T>(place: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(place) ?? 'null') as T | null;
  } catch {
    // Storage is switched off: then it lives as long as the page.
    return null;
  }
}

function write(place: string, value: unknown): void {
  try {
    if (value === null) sessionStorage.removeItem(place);
    else sessionStorage.setItem(place, JSON.stringify(value));
  } catch {
    // As above.
  }
}
