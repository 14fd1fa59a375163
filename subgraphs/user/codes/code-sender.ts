import type { Sql } from '../../shared/database/database.ts';

/** Where a code goes. */
export type CodeAddress =
  | { readonly channel: 'EMAIL'; readonly address: string }
  /** Digits, as mobile numbers are kept. */
  | { readonly channel: 'SMS'; readonly address: string };

/** A one-time code for somebody. */
export type CodeMessage = {
  readonly kind: 'PASSWORD_RESET' | 'INVITATION' | 'EMAIL_VERIFICATION';
  readonly userId: string;
  readonly to: CodeAddress;
  readonly code: string;
  readonly expiresAt: Date;
};

/** Takes codes to be sent. */
export type CodeSender = {
  /** In the transaction that makes the code: it is sent once that has committed, and at most once. */
  enqueue(tx: Sql, message: CodeMessage): Promise<void>;
  /** After the commit: has it sent now. A call that is left out costs a few seconds. */
  wake(): void;
};

/** Whom a code reaches: the mailbox that the account has shown to be its own, else the phone, else the address it was given. */
export function codeAddressOf(account: {
  email: string | null;
  verifiedEmail: string | null;
  mobile: string | null;
}): CodeAddress | null {
  if (account.email !== null && account.verifiedEmail !== null) return { channel: 'EMAIL', address: account.email };
  if (account.mobile !== null) return { channel: 'SMS', address: account.mobile };
  return account.email === null ? null : { channel: 'EMAIL', address: account.email };
}
