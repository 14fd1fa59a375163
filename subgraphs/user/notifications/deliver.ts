import { randomBytes } from 'node:crypto';
import type { ServiceCaller } from '../../shared/calls/link.ts';
import type { Database } from '../../shared/database/database.ts';
import { isUnavailable } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import { type ClaimedDelivery, claimDue, endDelivery, putOff, startSending } from './delivery-store.ts';
import type { Locale } from '../domain/locale.ts';
import type { Lane } from './kinds.ts';
import { type Message, messageOf } from './message.ts';
import { readNotifications } from './notification-store.ts';
import { findOrderFacts } from './order-facts.ts';
import { readRecipient } from './recipient-store.ts';
import type { Sealer } from './secrets.ts';
import { sendTimeoutMs } from './sender.ts';
import type { Senders } from './senders.ts';

export type DeliverDeps = {
  readonly db: Database;
  readonly call: ServiceCaller;
  readonly log: Logger;
  readonly newId: () => string;
  readonly senders: Senders;
  readonly sealer: Sealer;
  readonly defaultLocale: Locale;
  readonly shop: string;
  readonly publicUrl: string;
};

/** So many of a lane are sent side by side. */
const batchSize = 8;
/** Well beyond what one message may take. A process that dies delays what it has not begun by as much. */
const claimSeconds = (3 * sendTimeoutMs) / 1_000;
/** Seconds until the next try, by the tries so far: about half a day in all. */
const retrySeconds = [30, 120, 480, 1_800, 7_200, 14_400, 21_600];
export const maxTries = retrySeconds.length + 1;
/** While a service that knows what the message says is away: that is no try. */
const awaySeconds = 15;

/** Sends what is due of a lane, until nothing is. */
export async function deliverDue(deps: DeliverDeps, lane: Lane): Promise<void> {
  for (;;) {
    const claim = deps.newId();
    const claimed = await claimDue(deps.db.em(), lane, { claim, limit: batchSize, seconds: claimSeconds });
    await Promise.all(claimed.map((delivery) => deliver(deps, delivery)));
    if (claimed.length === 0) return;
  }
}

/** What is sent to whom; or why it never will be. */
type Prepared = { readonly to: string; readonly message: Message } | { readonly never: string };

async function deliver(deps: DeliverDeps, delivery: ClaimedDelivery): Promise<void> {
  // The process that was sending it died, or stood still, before it could say what came of it.
  if (delivery.state === 'SENDING')
    return bury(deps, delivery, 'It may have been sent: the process that sent it stopped before it could tell.');
  if (delivery.isOver) return bury(deps, delivery, delivery.secret ? 'Its code ended before it could be sent.' : 'It is too old to be sent.'); // prettier-ignore
  let prepared: Prepared;
  try {
    prepared = await prepare(deps, delivery);
  } catch (cause) {
    const { message: error } = cause as Error;
    if (isUnavailable(cause)) return putOff(deps.db.em(), delivery, { error, seconds: awaySeconds, isTry: false });
    deps.log.error({ err: cause, notificationId: delivery.notificationId }, 'a message can’t be made');
    return tryAgain(deps, { ...delivery, attempts: delivery.attempts + 1 }, { error, isTry: true });
  }
  if ('never' in prepared) return bury(deps, delivery, prepared.never);
  await send(deps, delivery, prepared);
}

async function send(
  deps: DeliverDeps,
  delivery: ClaimedDelivery,
  { to, message }: { to: string; message: Message },
): Promise<void> {
  const { notificationId: id, channel } = delivery;
  const sender = deps.senders.get(channel);
  if (!sender) return bury(deps, delivery, 'Nothing sends by this channel here any more.');
  const sql = deps.db.em();
  if (!(await startSending(sql, delivery, { seconds: claimSeconds }))) return;
  failPoint('user.sending');
  const outcome = await sender.send({ id, to, message });
  failPoint('user.sent');
  if (outcome.outcome === 'SENT') return endDelivery(sql, delivery, { state: 'SENT' });
  // Servers like to say whom they refuse.
  const error = outcome.error.replaceAll(to, '(address)');
  if (outcome.outcome === 'UNKNOWN') return bury(deps, delivery, `It may have been sent: ${error}`);
  if (outcome.isForGood) return bury(deps, delivery, error);
  return tryAgain(deps, { ...delivery, attempts: delivery.attempts + 1 }, { error, isTry: false });
}

/** `attempts` counts the try that has just failed; `isTry` says that it is not counted in the database yet. */
async function tryAgain(
  deps: DeliverDeps,
  delivery: ClaimedDelivery,
  { error, isTry }: { error: string; isTry: boolean },
): Promise<void> {
  const seconds = retrySeconds[delivery.attempts - 1];
  if (seconds === undefined) return bury(deps, delivery, error);
  // Not all at once after an outage.
  const spread = 1 + randomBytes(1).readUInt8() / 1_024;
  return putOff(deps.db.em(), delivery, { error, seconds: Math.round(seconds * spread), isTry });
}

async function bury(deps: DeliverDeps, delivery: ClaimedDelivery, error: string): Promise<void> {
  const { notificationId, channel } = delivery;
  deps.log.warn({ notificationId, channel, err: error }, 'a message is given up');
  await endDelivery(deps.db.em(), delivery, { state: 'DEAD', error });
}

async function prepare(deps: DeliverDeps, delivery: ClaimedDelivery): Promise<Prepared> {
  const sql = deps.db.em();
  const notification = (await readNotifications(sql, [delivery.notificationId])).get(delivery.notificationId);
  const recipient = notification && (await readRecipient(sql, notification.userId));
  if (!notification || !recipient) return { never: 'Its account or its record is gone.' };
  const to = delivery.address ?? recipient.addresses[delivery.channel];
  if (to === null) return { never: 'The account has no address for this channel any more.' };
  const { kind, orderId } = notification;
  const order = orderId === null ? null : await findOrderFacts(deps.call, orderId, traceIdOf(orderId));
  if (orderId !== null && order === null) return { never: 'Its order is gone.' };
  if (kind === 'CHECK_IN_CODE' && order?.confirmationCode === null)
    return { never: 'The booking has no valid check-in code any more.' };
  if (kind === 'PAYMENT_ACTION_NEEDED' && order?.state !== 'PENDING_PAYMENT')
    return { never: 'The order needs no payment any more.' };
  const code = delivery.secret && deps.sealer.open(delivery.secret);
  const { shop, publicUrl } = deps;
  const locale = recipient.locale ?? deps.defaultLocale;
  return { to, message: messageOf({ notification, name: recipient.name, locale, order, code, shop, publicUrl }) };
}

/** Calls about one order share a trace, whichever try they belong to. */
const traceIdOf = (orderId: string): string => orderId.replaceAll('-', '');
