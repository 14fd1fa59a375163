import { useSearchParams } from 'wouter';

/** As many pages as stand below one another: what changes is asked for anew with all of them. */
const mostPages = 10;

export type ListPlace = {
  /** The end of what stands before the first page that is shown; null for the list's start. */
  readonly from: string | null;
  readonly pages: number;
  /** Shows the page after the last one, which ends with this cursor. */
  readonly goOn: (endCursor: string) => void;
  readonly toStart: () => void;
};

/** How far a long list is shown, in the address: a reload finds it again, and Back from what is in it. */
export function useListPlace(): ListPlace {
  const [params, setParams] = useSearchParams();
  const from = params.get('from');
  const pages = Math.min(mostPages, Math.max(1, Number.parseInt(params.get('pages') ?? '', 10) || 1));
  const set = (changed: { from: string | null; pages: number }, replace: boolean) =>
    setParams(
      (known) => {
        const next = withoutPlace(known);
        if (changed.from !== null) next.set('from', changed.from);
        if (changed.pages > 1) next.set('pages', String(changed.pages));
        return next;
      },
      { replace },
    );
  return {
    from,
    pages,
    goOn(endCursor) {
      if (pages < mostPages) {
        set({ from, pages: pages + 1 }, true);
        return;
      }
      set({ from: endCursor, pages: 1 }, false);
      window.scrollTo(0, 0);
    },
    toStart: () => set({ from: null, pages: 1 }, false),
  };
}

/** The address of a list with another choice begins at its start. */
export function withoutPlace(params: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(params);
  next.delete('from');
  next.delete('pages');
  return next;
}
