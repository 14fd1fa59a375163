import type { Sql } from '../../shared/database/statements.ts';
import type { Runtime } from '../../shared/process/runtime.ts';
import { insertDeliveries } from './delivery-store.ts';
import { type NotificationKind, type OutwardChannel, channelsOf } from './kinds.ts';
import type { Facts } from './notification.ts';
import { insertNotification } from './notification-store.ts';
import { type Recipient, readRecipient } from './recipient-store.ts';

/** What telling needs. */
export type TellDeps = Pick<Runtime, 'now' | 'newId'> & {
  /** The channels that something sends by here. */
  readonly outward: ReadonlySet<OutwardChannel>;
};

export type News = {
  readonly userId: string;
  readonly kind: NotificationKind;
  readonly eventId: string;
  /** When it happened. */
  readonly at: Date;
  readonly orderId: string | null;
  readonly facts: Facts;
};

/** Older news is only shown: a mail about last week's order, after an outage or from a new installation's first look, helps nobody. */
const maxMailedAgeMs = 24 * 3_600_000;

/**
 * Tells a person of an event, in the transaction that handles it: at most once for each event and person, and by each
 * channel. Returns whether there is something new for the person; nobody is told who has no account any more.
 */
export async function tell(tx: Sql, deps: TellDeps, news: News): Promise<boolean> {
  const recipient = await readRecipient(tx, news.userId);
  if (!recipient) return false;
  const { userId, kind, eventId, orderId, facts, at } = news;
  const id = deps.newId(userId);
  const inApp = channelsOf[kind].includes('IN_APP');
  const createdAt = deps.now();
  if (!(await insertNotification(tx, { id, userId, kind, eventId, orderId, facts, inApp, createdAt }))) return false;
  const expiresAt = new Date(at.getTime() + maxMailedAgeMs);
  const outward = createdAt > expiresAt ? [] : outwardFor(deps, recipient, kind);
  await insertDeliveries(
    tx,
    outward.map((channel) => ({ notificationId: id, channel, address: null, secret: null, expiresAt })),
  );
  return true;
}

const outwardFor = (
  { outward }: Pick<TellDeps, 'outward'>,
  { addresses }: Recipient,
  kind: NotificationKind,
): OutwardChannel[] =>
  channelsOf[kind].filter(
    (channel): channel is OutwardChannel => channel !== 'IN_APP' && outward.has(channel) && addresses[channel] !== null,
  );
