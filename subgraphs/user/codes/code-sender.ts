import type { Sql } from '../../shared/database/database.ts';
import type { Logger } from '../../shared/process/telemetry.ts';

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
  /** In the transaction that makes the code: it is sent once that has committed. */
  enqueue(tx: Sql, message: CodeMessage): Promise<void>;
};

/**
 * Where nothing sends: the log has the code in development, so that every flow can be tried. In production it says only that
 * a code was not sent.
 */
export const codesInLog = (log: Logger, { production }: { production: boolean }): CodeSender => ({
  async enqueue(_, { kind, userId, to, code }) {
    if (production) log.error({ kind, userId, channel: to.channel }, 'a code was not sent: no sender is configured');
    else log.warn({ kind, to: to.address, code }, 'no sender is configured: this code would have been sent');
  },
});

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
