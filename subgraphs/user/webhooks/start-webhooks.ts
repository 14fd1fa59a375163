import { type DueWork, startDueWork } from '../../shared/process/due-work.ts';
import type { UserDeps } from '../dependencies.ts';
import { createDeliverer } from './deliverer.ts';
import { findFirstDue } from './endpoint-store.ts';
import type { WebhookMetrics } from './metrics.ts';
import { deliveryPolicy } from './policy.ts';
import { createSender } from './send-webhook.ts';
import { wakeChannel } from './webhook-deps.ts';

const lookEveryMs = 10_000;

/** Sends what is due, in the process that does the background work. */
export function startWebhooks(
  deps: Pick<UserDeps, 'db' | 'live' | 'log' | 'now' | 'newId' | 'webhooks' | 'outward' | 'codes'>,
  metrics: WebhookMetrics,
): { wake(): void; stop(): Promise<void> } {
  const { db, live, log, now, webhooks } = deps;
  const { timeoutMs } = deliveryPolicy;
  const sender = createSender({ ...webhooks, now }, { ...webhooks.addresses, timeoutMs });
  const deliverer = createDeliverer({ ...deps, sender, metrics, onIdle: () => wake() });
  const work: DueWork<'webhooks'> = startDueWork({
    name: 'user',
    everyMs: lookEveryMs,
    log,
    async look() {
      const dueAt = await findFirstDue(db.em());
      return { webhooks: dueAt === null ? null : dueAt.getTime() - now().getTime() };
    },
    works: { webhooks: deliverer.deliverDue },
  });
  const wake = (): void => work.webhooks.kick();
  const stopListening = live.listen(wakeChannel, wake);
  return {
    wake,
    async stop() {
      stopListening();
      await work.stop();
      await deliverer.stop();
      await sender.close();
    },
  };
}
