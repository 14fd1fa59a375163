import type { ServiceCaller } from '../../shared/calls/link.ts';
import { type DueWork, startDueWork } from '../../shared/process/due-work.ts';
import type { Runtime } from '../../shared/process/runtime.ts';
import type { UserDeps } from '../dependencies.ts';
import { workChannel } from './channels.ts';
import type { NotificationConfig } from './config.ts';
import { type DeliverDeps, deliverDue } from './deliver.ts';
import { readDueTimes } from './delivery-store.ts';
import { type Lane, lanes } from './kinds.ts';
import { openSealer } from './secrets.ts';
import { type Senders, openSenders, shopName } from './senders.ts';

const dueWorkEveryMs = 5_000;

/** What deliveries are made with here. */
export const deliverDeps = (
  { config: { identitySecret, publicUrl } }: Pick<Runtime, 'config'>,
  { db, log, newId, defaultLocale }: Pick<UserDeps, 'db' | 'log' | 'newId' | 'defaultLocale'>,
  own: { readonly call: ServiceCaller; readonly notifications: NotificationConfig; readonly senders: Senders },
): DeliverDeps => ({
  db, log, newId, defaultLocale, publicUrl,
  call: own.call,
  senders: own.senders,
  sealer: openSealer(identitySecret),
  shop: shopName(own.notifications, publicUrl),
}); // prettier-ignore

/** Sends what is due, in this process, until it is stopped: then what is being sent is waited for. */
export async function startDelivering(
  runtime: Runtime,
  deps: UserDeps,
  { call, notifications }: { call: ServiceCaller; notifications: NotificationConfig },
): Promise<{ stop(): Promise<void> }> {
  const { log, now, live, config } = runtime;
  const senders = await openSenders(notifications, { log, now, shop: shopName(notifications, config.publicUrl) });
  const delivering = deliverDeps(runtime, deps, { call, notifications, senders });
  const works = Object.fromEntries(lanes.map((lane) => [lane.name, () => deliverDue(delivering, lane)]));
  const work: DueWork<Lane['name']> = startDueWork({
    name: 'user',
    everyMs: dueWorkEveryMs,
    log,
    look: () => readDueTimes(deps.db.em()),
    works: works as Record<Lane['name'], () => Promise<void>>,
  });
  const stopListening = live.listen(workChannel, () => {
    for (const { name } of lanes) work[name].kick();
  });
  return {
    async stop() {
      stopListening();
      await work.stop();
      await Promise.all([...senders.values()].map((sender) => sender.close()));
    },
  };
}
