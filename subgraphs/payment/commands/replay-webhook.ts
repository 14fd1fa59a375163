import { type Viewer, isStaff, requireUser } from '../../shared/auth/viewer.ts';
import { type Row, run, select } from '../../shared/database/database.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { idToBytes, isId } from '../../shared/values/ids.ts';
import { transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import { webhookFrom } from '../queries.ts';
import type { WebhookRow } from '../records.ts';
import { reapplyDelivery } from './receive-webhook.ts';

export type WebhookPayload = {
  readonly delivery: WebhookRow | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const refused = (userErrors: readonly Refusal[]): WebhookPayload => ({ delivery: null, replayed: false, userErrors });

/** Applies a stored delivery again. Only an authentic one: a forged body stays forged whoever asks. */
export async function replayWebhook(
  deps: PaymentDeps,
  viewer: Viewer,
  deliveryId: string,
  idempotencyKey: string | null | undefined,
): Promise<WebhookPayload> {
  const user = requireUser(viewer);
  if (!isStaff(viewer)) return refused([forbiddenError('Only staff may replay webhooks.')]);
  return orRefusals(async () => {
    if (!isId(deliveryId)) throw unknown(deliveryId);
    const claim = { ownerId: user.userId, operation: 'replayWebhook', key: idempotencyKey, input: { deliveryId } };
    const replayed = await transact(deps, async (unit) => {
      const claimed = await claimKey(unit.sql, claim, {});
      if (claimed.replayed) return true;
      const [row] = await select(unit.sql, 'select * from webhook_inbox where id = ? for update', [
        idToBytes(deliveryId),
      ]);
      if (!row) throw unknown(deliveryId);
      const provider = requireReplayable(deps, row);
      await run(unit.sql, 'update webhook_inbox set attempts = attempts + 1 where id = ?', [idToBytes(deliveryId)]);
      await reapplyDelivery(unit, deps, provider, row);
      return false;
    });
    const [row] = await select(deps.db.em(), 'select * from webhook_inbox where id = ?', [idToBytes(deliveryId)]);
    return { delivery: row ? webhookFrom(row) : null, replayed, userErrors: [] };
  }, refused);
}

/** The provider of a delivery that may be applied again; refuses one that nobody vouches for or that is not the event's first. */
function requireReplayable(deps: PaymentDeps, row: Row): PaymentProvider {
  const refuse = (message: string) => new RefusedError(validationError(message, ['deliveryId']));
  if (row['outcome'] === 'DUPLICATE')
    throw refuse('This is a repetition: replay the first delivery of the same event.');
  if (row['authentic_event_id'] === null)
    throw refuse('This delivery was not signed by the provider, or can not be read, and is never applied.');
  const provider = [...deps.providers.values()].find(({ name }) => name === row['provider']);
  if (!provider) throw refuse(`The provider ${String(row['provider'])} is not configured here any more.`);
  return provider;
}

const unknown = (id: string): RefusedError =>
  new RefusedError(notFoundError('There is no such webhook delivery.', id, ['deliveryId']));
