import { useSearchParams } from 'wouter';

/** What the address of a page asks it to show, and how to ask for something else; '' is as good as nothing. */
export function useSearch(): readonly [valueOf: (name: string) => string, set: (name: string, value: string) => void] {
  const [params, setParams] = useSearchParams();
  return [
    (name) => params.get(name) ?? '',
    (name, value) =>
      setParams(
        (known) => {
          const next = new URLSearchParams(known);
          if (value === '') next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: true },
      ),
  ];
}
