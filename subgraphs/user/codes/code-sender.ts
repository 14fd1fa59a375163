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

type Account = { readonly email: string | null; readonly mobile: string | null };
type Channels = ReadonlySet<CodeAddress['channel']>;

const mailTo = ({ email }: Pick<Account, 'email'>): CodeAddress | null =>
  email === null ? null : { channel: 'EMAIL', address: email };
const textTo = ({ mobile }: Pick<Account, 'mobile'>): CodeAddress | null =>
  mobile === null ? null : { channel: 'SMS', address: mobile };
/** The first one by whose channel something sends; where nothing does, the first one, so that the log tells what is missing. */
const reached = (addresses: readonly (CodeAddress | null)[], channels: Channels): CodeAddress | null => {
  const known = addresses.filter((address) => address !== null);
  return known.find(({ channel }) => channels.has(channel)) ?? known[0] ?? null;
};

/** Where an account's code goes: to the mailbox that it has shown to be its own, else the phone. Nobody knows whose another address is. */
export const codeAddressOf = (
  account: Account & { readonly verifiedEmail: string | null },
  channels: Channels,
): CodeAddress | null => reached([account.verifiedEmail === null ? null : mailTo(account), textTo(account)], channels);

/** Where an invitation goes: to the address that came with it, else the phone. */
export const invitationAddressOf = (account: Account, channels: Channels): CodeAddress | null =>
  reached([mailTo(account), textTo(account)], channels);
