import { isStaff, requireUser } from '../../shared/auth/viewer.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import { transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import type { WebhookRow } from '../records.ts';
import { type Delivery, countDelivery, findDelivery, lockDelivery } from '../webhook-store.ts';
import { reapplyDelivery } from './receive-webhook.ts';

export type WebhookPayload = {
  readonly delivery: Delivery | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const refused = (userErrors: readonly Refusal[]): WebhookPayload => ({ delivery: null, replayed: false, userErrors });

/** Applies a stored delivery again. Only an authentic one: a forged body stays forged whoever asks. */
export async function replayWebhook(
  deps: PaymentDeps,
  asker: Asker,
  deliveryId: string,
  idempotencyKey: string | null | undefined,
): Promise<WebhookPayload> {
  const user = requireUser(asker.viewer);
  if (!isStaff(asker.viewer)) return refused([forbiddenError('Only staff may replay webhooks.')]);
  return orRefusals(async () => {
    if (!isId(deliveryId)) throw unknown(deliveryId);
    const claim = { ownerId: user.userId, operation: 'replayWebhook', key: idempotencyKey, input: { deliveryId } };
    const replayed = await transact(deps, async (unit) => {
      const claimed = await claimKey(unit.sql, claim, {});
      if (claimed.replayed) return true;
      const delivery = await lockDelivery(unit.sql, deliveryId);
      if (!delivery) throw unknown(deliveryId);
      const provider = requireReplayable(deps, delivery);
      await countDelivery(unit.sql, deliveryId);
      await reapplyDelivery(unit, deps, provider, delivery);
      await recordAct(unit.sql, deps, asker, {
        action: 'webhook.replayed',
        subject: `webhook:${deliveryId}`,
        before: { outcome: delivery.outcome },
      });
      unit.wake('outbox');
      return false;
    });
    return { delivery: await findDelivery(deps.db.em(), deliveryId), replayed, userErrors: [] };
  }, refused);
}

/** The provider of a delivery that may be applied again; refuses one that nobody vouches for or that is not the event's first. */
function requireReplayable(deps: PaymentDeps, delivery: WebhookRow): PaymentProvider {
  const refuse = (message: string) => new RefusedError(validationError(message, ['deliveryId']));
  if (delivery.outcome === 'DUPLICATE')
    throw refuse('This is a repetition: replay the first delivery of the same event.');
  if (delivery.body === '')
    throw refuse('What this delivery told is not kept: it was of no payment, or was erased with its customer.');
  if (delivery.authenticEventId === null)
    throw refuse('This delivery was not signed by the provider, or can not be read, and is never applied.');
  const provider = [...deps.providers.values()].find(({ name }) => name === delivery.provider);
  if (!provider) throw refuse(`The provider ${delivery.provider} is not configured here any more.`);
  return provider;
}

const unknown = (id: string): RefusedError =>
  new RefusedError(notFoundError('There is no such webhook delivery.', id, ['deliveryId']));
