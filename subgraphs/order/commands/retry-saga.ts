import { isStaff } from '../../shared/auth/viewer.ts';
import { type Refusal, RefusedError, forbiddenError, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { recordAct } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import type { OrderDeps } from '../deps.ts';
import type { Saga } from '../domain/saga.ts';
import { resumeSaga } from '../saga.ts';
import { findOrder } from '../order-store.ts';
import { findSaga, unstick } from '../saga-store.ts';
import { type Asker, staffOfOthers } from './context.ts';

export type SagaPayload = {
  readonly saga: Saga | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

/** Runs a saga now, for staff; a STUCK one goes on compensating with its count of runs begun anew. A finished one is left alone. */
export async function retrySaga(
  deps: OrderDeps,
  asker: Asker,
  input: { id: string; idempotencyKey?: string | null },
): Promise<SagaPayload> {
  const { id } = input;
  return orRefusals(
    async () => {
      if (!isStaff(asker.viewer)) throw new RefusedError(forbiddenError('Only staff may do this.'));
      const read = async () => {
        const found = isId(id) ? await findSaga(deps.db.em(), id) : null;
        if (!found) throw new RefusedError(notFoundError('There is no such saga.', id, ['id']));
        return found;
      };
      const { state, orderId } = await read();
      const order = await findOrder(deps.db.em(), orderId);
      if (order) staffOfOthers(asker.viewer)(order);
      const { replayed } = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey(
          tx,
          { ownerId: asker.viewer.userId, operation: 'retrySaga', key: input.idempotencyKey, input: { id } },
          { sagaId: id },
        );
        if (claimed.replayed) return claimed;
        await unstick(tx, id, deps.now());
        await recordAct(tx, deps, asker, { action: 'saga.retried', subject: `saga:${id}`, before: { state } });
        return claimed;
      });
      deps.kickRelay();
      if (!replayed) await resumeSaga(deps, id);
      return { saga: await read(), replayed, userErrors: [] };
    },
    (userErrors): SagaPayload => ({ saga: null, replayed: false, userErrors }),
  );
}
