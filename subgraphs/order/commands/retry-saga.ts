import { isStaff } from '../../shared/auth/viewer.ts';
import { run, select } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, forbiddenError, notFoundError, orRefusals } from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { idToBytes, isId } from '../../shared/values/ids.ts';
import type { OrderDeps } from '../deps.ts';
import type { Saga } from '../domain/saga.ts';
import { toSaga } from '../rows.ts';
import { resumeSaga } from '../saga.ts';
import type { Asker } from './context.ts';

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
        const [row] = isId(id) ? await select(deps.db.em(), 'select * from saga where id = ?', [idToBytes(id)]) : [];
        if (!row) throw new RefusedError(notFoundError('There is no such saga.', id, ['id']));
        return toSaga(row);
      };
      await read();
      const { replayed } = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey(
          tx,
          { ownerId: asker.viewer.userId, operation: 'retrySaga', key: input.idempotencyKey, input: { id } },
          { sagaId: id },
        );
        if (!claimed.replayed)
          await run(
            tx,
            "update saga set state = 'COMPENSATING', attempts = 0, next_retry_at = ? where id = ? and state = 'STUCK'",
            [deps.now(), idToBytes(id)],
          );
        return claimed;
      });
      if (!replayed) await resumeSaga(deps, id);
      return { saga: await read(), replayed, userErrors: [] };
    },
    (userErrors): SagaPayload => ({ saga: null, replayed: false, userErrors }),
  );
}
