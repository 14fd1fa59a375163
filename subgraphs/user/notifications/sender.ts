import type { Message } from './message.ts';

/** A message on its way out. */
export type Outgoing = {
  /** The same for each try, so that a receiver can tell repetitions. */
  readonly id: string;
  readonly to: string;
  readonly message: Message;
};

/** What came of one try. UNKNOWN: it may be out, so it is not sent again. */
export type Outcome =
  | { readonly outcome: 'SENT' }
  | { readonly outcome: 'REFUSED'; readonly error: string; readonly isForGood: boolean }
  | { readonly outcome: 'UNKNOWN'; readonly error: string };

/** Sends by one channel. Whatever happens is told as an outcome. */
export type Sender = { send(outgoing: Outgoing): Promise<Outcome>; close(): Promise<void> };

/** No sender takes longer than this for one message. */
export const sendTimeoutMs = 40_000;
