import { useSyncExternalStore } from 'react';

const shownMs = 4_000;

let current: { readonly text: string; readonly id: number } | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

const tell = () => {
  for (const listener of listeners) listener();
};

/** Says something in passing, on the screen and to screen readers. */
export function announce(text: string): void {
  clearTimeout(timer);
  current = { text, id: (current?.id ?? 0) + 1 };
  timer = setTimeout(() => {
    current = null;
    tell();
  }, shownMs);
  tell();
}

/** Takes back what was said, e.g. because its page has gone. */
export function hush(): void {
  clearTimeout(timer);
  if (current === null) return;
  current = null;
  tell();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

/** The place where announcements appear. */
export function Announcement() {
  const shown = useSyncExternalStore(subscribe, () => current);
  return (
    <div role="status" className="announcement">
      {shown !== null && <p key={shown.id}>{shown.text}</p>}
    </div>
  );
}
