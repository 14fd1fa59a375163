import { type RefObject, useEffect, useRef, useState } from 'react';

const fields = 'input:not([type="hidden"]), select, textarea, button';

/**
 * Something that opens in the place of its button, for the keyboard too: what opens gets the focus, at what has `data-first` or at its
 * first field, and the button has it again when that closes. A question gives it to its "No": a key that is held down agrees to nothing.
 */
export function useOpening(): {
  readonly isOpen: boolean;
  readonly open: () => void;
  readonly close: () => void;
  readonly opener: RefObject<HTMLButtonElement | null>;
  readonly opened: RefObject<HTMLDivElement | null>;
} {
  const [isOpen, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const opened = useRef<HTMLDivElement>(null);
  const wasOpen = useRef(isOpen);
  useEffect(() => {
    const find = (what: string) => opened.current?.querySelector<HTMLElement>(what);
    if (wasOpen.current === isOpen) return;
    wasOpen.current = isOpen;
    if (isOpen) (find('[data-first]') ?? find(fields))?.focus();
    else opener.current?.focus();
  }, [isOpen]);
  return { isOpen, open: () => setOpen(true), close: () => setOpen(false), opener, opened };
}
