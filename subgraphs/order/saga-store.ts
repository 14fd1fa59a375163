import { sql as raw } from 'kysely';
import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { byId as orderById, findOfEach } from '../shared/database/find-of-each.ts';
import { byIndex, change, find, prepare } from '../shared/database/tables.ts';
import { databaseNow } from '../shared/tables/records.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { Saga, SagaState } from './domain/saga.ts';
import { SagaRecord, tables } from './records.ts';

/** Seconds for which a run of a saga belongs to one process. */
export const sagaLeaseSeconds = 8;
const maxErrorLength = 1024;

/** With its fence: each take-over raises it, and only the holder of the last one may write. */
export type StoredSaga = Saga & { readonly fence: number };

const read = readerOf(SagaRecord);
const rowOf = writerOf(SagaRecord);

function toSaga(row: object): StoredSaga {
  const { leaseOwner: _, leaseUntil: __, ...saga } = read(row);
  return saga;
}

const all = tables.selectFrom('saga').selectAll();
const leaseEnd = raw<Date>`${databaseNow} + interval ${raw.lit(sagaLeaseSeconds)} second`;

const insert = prepare<ReturnType<typeof rowOf>>()((param) =>
  tables.insertInto('saga').values({
    id: param.id,
    kind: param.kind,
    order_id: param.order_id,
    state: param.state,
    steps: param.steps,
    attempts: param.attempts,
    next_retry_at: param.next_retry_at,
    last_error: param.last_error,
    lease_owner: param.lease_owner,
    lease_until: leaseEnd,
    fence: param.fence,
    created_at: param.created_at,
    finished_at: param.finished_at,
  }),
);

/** Inserts a saga that `owner` is running already. */
export async function insertSaga(tx: Sql, saga: Saga, owner: string): Promise<void> {
  await change(tx, insert, rowOf({ ...saga, leaseOwner: owner, leaseUntil: null, fence: 1 }), 'any');
}

const update = (leaseUntil: typeof leaseEnd | null) =>
  prepare<ReturnType<typeof rowOf>>()((param) =>
    tables
      .updateTable('saga')
      .set({
        state: param.state,
        steps: param.steps,
        attempts: param.attempts,
        next_retry_at: param.next_retry_at,
        last_error: param.last_error,
        finished_at: param.finished_at,
        lease_until: leaseUntil,
      })
      .where('id', '=', param.id)
      .where('fence', '=', param.fence),
  );
const keeping = update(leaseEnd);
const lettingGo = update(null);

/** Saves a saga under its fence; false when another process has taken it over since. */
export async function saveSaga(sql: Sql, saga: Saga, fence: number, keepLease: boolean): Promise<boolean> {
  const lastError = saga.lastError?.slice(0, maxErrorLength) ?? null;
  const row = rowOf({ ...saga, lastError, fence, leaseOwner: null, leaseUntil: null });
  return (await change(sql, keepLease ? keeping : lettingGo, row, 1)) === 1;
}

const byId = prepare<{ id: Buffer }>()((param) => all.where('id', '=', param.id));
const claim = prepare<{ id: Buffer; owner: Buffer }>()((param) =>
  tables
    .updateTable('saga')
    .set((eb) => ({ lease_owner: param.owner, lease_until: leaseEnd, fence: eb('fence', '+', 1) }))
    .where('id', '=', param.id)
    .where('state', 'in', ['RUNNING', 'COMPENSATING'])
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', databaseNow)])),
);

/** Takes a saga over when no process runs it: by conditional UPDATE on the database's clock, with a new fence. Else null. */
export async function claimSaga(sql: Sql, sagaId: string, owner: string): Promise<StoredSaga | null> {
  const id = idToBytes(sagaId);
  return (await change(sql, claim, { id, owner: idToBytes(owner) })) === 1 ? findSaga(sql, sagaId) : null;
}

export async function findSaga(sql: Sql, sagaId: string): Promise<StoredSaga | null> {
  const [row] = await find(sql, byId, { id: idToBytes(sagaId) });
  return row ? toSaga(row) : null;
}

export async function findSagas(sql: Sql, sagaIds: readonly string[]): Promise<StoredSaga[]> {
  return (await find(sql, all.where('id', 'in', sagaIds.map(idToBytes)))).map(toSaga);
}

export async function findSagasOfOrders(sql: Sql, orderIds: readonly string[]): Promise<StoredSaga[]> {
  return (await find(sql, all.where('order_id', 'in', orderIds.map(idToBytes)))).map(toSaga);
}

const byIdDown = orderById(true);

/** Sagas, newest first: at most `limit`, older than the one with id `before`, in these states; null for any. */
export async function listSagas(
  sql: Sql,
  { before, states, limit }: { before: string | null; states: readonly SagaState[] | null; limit: number },
): Promise<StoredSaga[]> {
  let listed = tables.selectFrom('saga').selectAll('saga').orderBy('id', 'desc').limit(limit);
  if (before !== null) listed = listed.where('id', '<', idToBytes(before));
  const lists =
    states === null
      ? [listed]
      : [...new Set(states)].map((state) =>
          byIndex(listed.where('state', '=', state), { table: 'saga', index: 'saga_state' }),
        );
  return (await findOfEach(sql, lists, { compare: byIdDown, limit })).map(toSaga);
}

const due = prepare<{ at: Date; limit: number }>()((param) =>
  tables
    .selectFrom('saga')
    .select('id')
    .where('state', 'in', ['RUNNING', 'COMPENSATING'])
    .where('next_retry_at', '<=', param.at)
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', databaseNow)]))
    .orderBy('next_retry_at')
    .limit(param.limit),
);

/** Those that are to go on and that no process runs; the earliest first. */
export async function findDueSagas(sql: Sql, at: Date, limit: number): Promise<string[]> {
  return (await find(sql, due, { at, limit })).map(({ id }) => idFromBytes(id));
}

/** Lets a saga that is STUCK compensate again, with its count of runs begun anew. Others stay as they are. */
export async function unstick(tx: Sql, sagaId: string, at: Date): Promise<void> {
  const again = tables
    .updateTable('saga')
    .set({ state: 'COMPENSATING', attempts: 0, next_retry_at: at })
    .where('id', '=', idToBytes(sagaId))
    .where('state', '=', 'STUCK');
  await change(tx, again, 'any');
}

const openStates: readonly SagaState[] = ['RUNNING', 'COMPENSATING', 'STUCK'];

/** Sagas that are not over, and the age of the oldest, by state: each state is there. */
export async function readOpenSagas(
  sql: Sql,
): Promise<readonly { readonly state: SagaState; readonly count: number; readonly oldestSeconds: number }[]> {
  const rows = await find(
    sql,
    tables
      .selectFrom('saga')
      .select((eb) => ['state', eb.fn.countAll<string>().as('count')])
      .select(raw<string>`timestampdiff(second, min(created_at), ${databaseNow})`.as('seconds'))
      .where('state', 'in', openStates)
      .groupBy('state'),
  );
  return openStates.map((state) => {
    const row = rows.find((one) => one.state === state);
    return { state, count: Number(row?.count ?? 0), oldestSeconds: Math.max(0, Number(row?.seconds ?? 0)) };
  });
}
