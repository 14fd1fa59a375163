import { useEffect, useState } from 'react';

/** State that survives a reload of this tab, as long as its key stays the same. JSON only. */
export function useKept<T>(key: string, initial: T): [value: T, set: (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? initial;
    } catch {
      // Storage is switched off: then it lives as long as the page.
      return initial;
    }
  });
  useEffect(() => {
    try {
      if (JSON.stringify(value) === JSON.stringify(initial)) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      // As above.
    }
  }, [key, value]);
  return [value, setValue];
}
