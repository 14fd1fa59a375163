import type { Logger } from '../../shared/process/telemetry.ts';
import type { CodeSender } from '../codes/code-sender.ts';
import { insertDeliveries } from './delivery-store.ts';
import { channelsOf } from './kinds.ts';
import { insertNotification } from './notification-store.ts';
import type { Sealer } from './secrets.ts';
import type { TellDeps } from './tell.ts';

/** The account's own record never has the code; its delivery has it, sealed, until it has gone or ended. */
export const openCodeSender = (
  deps: TellDeps & { readonly sealer: Sealer; readonly log: Logger; readonly wake: () => void },
): CodeSender => ({
  async enqueue(tx, { userId, kind, to: { channel, address }, code, expiresAt }) {
    if (!deps.outward.has(channel)) {
      deps.log.error({ kind, userId, channel }, 'a code was not sent: nothing sends by this channel here');
      return;
    }
    const id = deps.newId(userId);
    const inApp = channelsOf[kind].includes('IN_APP');
    const created = { id, userId, kind, inApp, eventId: id, orderId: null, facts: {}, createdAt: deps.now() };
    await insertNotification(tx, created);
    const to = channel === 'SMS' ? `+${address}` : address;
    await insertDeliveries(tx, [
      { notificationId: id, channel, address: to, secret: deps.sealer.seal(code), expiresAt },
    ]);
  },
  wake: deps.wake,
});
