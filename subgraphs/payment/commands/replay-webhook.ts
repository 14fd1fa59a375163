import { type Viewer, isStaff, requireUser } from '../../shared/auth.ts';
import { select, write } from '../../shared/database.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors.ts';
import { claimKey } from '../../shared/idempotency.ts';
import { idToBytes, isId } from '../../shared/ids.ts';
import { type PaymentDeps, providerNamed, transact } from '../context.ts';
import { WebhookRecord, type WebhookRow } from '../records.ts';
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
      if (row['authentic_event_id'] === null) {
        throw new RefusedError(
          validationError('This delivery was not signed by the provider, or can not be read, and is never applied.', [
            'deliveryId',
          ]),
        );
      }
      await write(unit.sql, 'update webhook_inbox set attempts = attempts + 1 where id = ?', [idToBytes(deliveryId)]);
      await reapplyDelivery(unit, deps, providerNamed(deps, String(row['provider'])), row);
      return false;
    });
    return { delivery: await deps.db.em().findOne(WebhookRecord, { id: deliveryId }), replayed, userErrors: [] };
  }, refused);
}

const unknown = (id: string): RefusedError =>
  new RefusedError(notFoundError('There is no such webhook delivery.', id, ['deliveryId']));
