import { useSyncExternalStore } from 'react';

/** What is known of the last answer over HTTP. */
export type AnswerFacts = { readonly status: number; readonly ms: number; readonly bytes: number };
/** An event of a subscription, or a note about its connection. */
export type LogEntry = { readonly id: number; readonly at: Date; readonly text: string; readonly event: unknown };
export type Activity = { readonly answer: AnswerFacts | null; readonly operation: string | null; readonly log: readonly LogEntry[]; readonly confirmUrl: string | null }; // prettier-ignore

/** Older entries go. */
export const mostEntries = 500;

let current: Activity = { answer: null, operation: null, log: [], confirmUrl: null };
let nextId = 1;
const listeners = new Set<() => void>();

function change(next: Activity): void {
  current = next;
  for (const listener of listeners) listener();
}

export const noteAnswer = (answer: AnswerFacts): void => change({ ...current, answer });

/** A subscription begins: its log is empty. */
export const beginLog = (operation: string): void => change({ ...current, answer: null, operation, log: [] });

export function logEvent(text: string, event?: unknown): void {
  const entry = { id: nextId++, at: new Date(), text, event };
  change({ ...current, log: [...current.log, entry].slice(-mostEntries) });
}

/** A payment at the simulated provider was started: where its test card is to be sent; null once it was. */
export const notePayment = (confirmUrl: string | null): void => change({ ...current, confirmUrl });

export const clearLog = (): void => change({ ...current, log: [] });

export const useActivity = (): Activity =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
