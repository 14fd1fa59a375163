import { GraphQLError } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { unavailable } from '../../../subgraphs/shared/errors/errors.ts';
import { idFromBytes, idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { newPlacingSaga } from '../../../subgraphs/order/domain/saga.ts';
import { recoverSagas, runPlacingSaga } from '../../../subgraphs/order/saga.ts';
import { StaleOrderError, findOrder } from '../../../subgraphs/order/order-store.ts';
import { reserveStock } from '../../../subgraphs/order/steps/reserve-stock.ts';
import { claimSaga, insertSaga, saveSaga } from '../../../subgraphs/order/saga-store.ts';
import {
  type Intercept,
  type OrderWorld,
  openOrderWorld,
  orderMutation,
  orderQuery,
  placeMutation,
  userViewer,
} from './order-world.ts';
import { until } from '../../support/until.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld({ env: { PLACING_WAIT_MS: '600', PLACING_DEADLINE_MS: '2000' } });
});
afterEach(() => {
  world.intercept = (_, next) => next();
  world.clockOffsetMs = 0;
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const staff = userViewer('OPERATOR');
const place = async (productId: string, key = newId()) =>
  (await world.run(buyer, placeMutation, { input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] }, key })).data
    .placeOrder;
const read = async (id: string) => (await world.run(staff, orderQuery, { id })).data.order;
const isCall = (name: string, request: { query: string }): boolean => request.query.includes(`mutation ${name}`);
/** Ends every lease, as if its holder had died long ago. */
const endLeases = () => world.rows("update saga set lease_until = '2026-01-01' where lease_until is not null");
const barrierOf = (sagaId: string) =>
  world.productRows('select op, inserted_by from barrier where saga_id = ? order by op', [idToBytes(sagaId)]);

/** The product service does the call `name`, and its answer is lost. */
const loseReplies =
  (name: string, times = Infinity, lost = { count: 0 }): Intercept =>
  async (request, next) => {
    const result = await next();
    if (!isCall(name, request) || lost.count >= times) return result;
    lost.count += 1;
    throw unavailable('the answer was lost');
  };
const down =
  (...names: string[]): Intercept =>
  async (request, next) => {
    if (names.some((name) => isCall(name, request))) throw unavailable('product is down');
    return next();
  };

describe('failure after the action committed [GM-10]', () => {
  test('the order is FAILED, the stock restored, the saga COMPENSATED', async () => {
    const productId = await world.make(1);
    world.intercept = loseReplies('ReserveStock');
    const first = await place(productId);
    expect(first.order.state).toBe('PLACING');
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 1 });

    world.clockOffsetMs = 2_500;
    await endLeases();
    expect(await recoverSagas(world.deps)).toBe(1);
    expect(await read(first.order.id)).toMatchObject({
      state: 'FAILED',
      cancelReason: 'SAGA_ROLLBACK',
      saga: { state: 'COMPENSATED', steps: [{ actionState: 'FAILED', compensationState: 'DONE' }] },
    });
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 0 });
    expect(await barrierOf(first.saga.id)).toEqual([
      { op: 'action', inserted_by: 'action' },
      { op: 'compensation', inserted_by: 'compensation' },
    ]);
    // The event order.closed comes after the compensation and finds nothing more to give back.
    await world.deliver();
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 0 });
  });

  test('a reply lost once is asked for again: the same answer, the stock taken once', async () => {
    const productId = await world.make(5);
    world.intercept = loseReplies('ReserveStock', 1);
    const key = newId();
    const payload = await place(productId, key);
    const outcome = await until(async () => {
      await endLeases();
      await recoverSagas(world.deps);
      const order = await read(payload.order.id);
      return order.state !== 'PLACING' && order;
    });
    expect(outcome).toMatchObject({ state: 'PENDING_PAYMENT', saga: { state: 'SUCCEEDED', attempts: 2 } });
    expect(await world.stock(productId)).toEqual({ onHand: 5, allocated: 1 });
    expect(await place(productId, key)).toMatchObject({ replayed: true, order: { id: payload.order.id, state: 'PENDING_PAYMENT' }, userErrors: [] }); // prettier-ignore
  });

  test('an action that comes after its compensation is refused for ever', async () => {
    const productId = await world.make(1);
    let late: (() => Promise<unknown>) | undefined;
    world.intercept = async (request, next) => {
      if (!isCall('ReserveStock', request)) return next();
      late = next;
      throw unavailable('on its way for a long time');
    };
    const { order, saga } = await place(productId);
    world.clockOffsetMs = 2_500;
    await endLeases();
    await recoverSagas(world.deps);
    expect(await late?.()).toMatchObject({ errors: [{ extensions: { code: 'BRANCH_COMPENSATED' } }] });
    expect(await read(order.id)).toMatchObject({ state: 'FAILED', saga: { state: 'COMPENSATED' } });
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 0 });
    expect((await barrierOf(saga.id)).map((row) => row['inserted_by'])).toEqual(['compensation', 'compensation']);
  });
});

describe('recovery', () => {
  /** An order as a process leaves it that dies right after recording it. */
  const crashed = async (productId: string): Promise<{ orderId: string; sagaId: string }> => {
    world.intercept = down('ReserveStock');
    const { order, saga } = await place(productId);
    await world.rows('update saga set lease_owner = ?, lease_until = ?, steps = ?, attempts = 1, next_retry_at = created_at where id = ?', [
      idToBytes(newId()), new Date('2026-01-01'), JSON.stringify(newPlacingSaga(saga.id, order.id, new Date(), [reserveStock]).steps), idToBytes(saga.id),
    ]); // prettier-ignore
    world.intercept = (_, next) => next();
    return { orderId: order.id, sagaId: saga.id };
  };

  test('a saga left RUNNING by a crash is finished', async () => {
    const productId = await world.make(1);
    const { orderId } = await crashed(productId);
    expect(await recoverSagas(world.deps)).toBe(1);
    expect(await read(orderId)).toMatchObject({ state: 'PENDING_PAYMENT', saga: { state: 'SUCCEEDED' } });
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 1 });
    expect(await recoverSagas(world.deps)).toBe(0);
  });

  test('a saga whose holder is alive is left alone, and two recoveries at once run it once', async () => {
    const productId = await world.make(1);
    const { orderId, sagaId } = await crashed(productId);
    await world.rows('update saga set lease_until = utc_timestamp(3) + interval 5 second where id = ?', [idToBytes(sagaId)]); // prettier-ignore
    expect(await recoverSagas(world.deps)).toBe(0);
    await endLeases();
    const taken = await Promise.all([recoverSagas(world.deps), recoverSagas(world.deps), recoverSagas(world.deps)]);
    expect(taken.reduce((sum, one) => sum + one, 0)).toBe(1);
    expect((await read(orderId)).history.edges).toHaveLength(2);
  });

  test('the old holder of a lease that was taken over writes nothing more', async () => {
    const productId = await world.make(1);
    const { orderId, sagaId } = await crashed(productId);
    const old = await claimSaga(world.deps.db.em(), sagaId, newId());
    await endLeases();
    const next = await claimSaga(world.deps.db.em(), sagaId, newId());
    if (!old || !next) throw new Error('not claimed');
    expect(next.fence).toBe(old.fence + 1);
    expect(await saveSaga(world.deps.db.em(), { ...old, state: 'STUCK' }, old.fence, false)).toBe(false);
    const order = await findOrder(world.deps.db.em(), orderId);
    if (!order) throw new Error('no order');
    await expect(runPlacingSaga(world.deps, { saga: old, fence: old.fence, order, untilMs: 0 })).rejects.toThrow(StaleOrderError); // prettier-ignore
    // Order and saga are one transaction: with the saga's fence refused, the order is still PLACING.
    expect(await read(orderId)).toMatchObject({ state: 'PLACING', saga: { state: 'RUNNING' } });
    await endLeases();
    await recoverSagas(world.deps);
    expect(await read(orderId)).toMatchObject({ state: 'PENDING_PAYMENT' });
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 1 });
  });

  test('a buyer whose process lost its saga to another still gets the outcome', async () => {
    const productId = await world.make(1);
    world.intercept = async (request, next) => {
      const result = await next();
      if (isCall('ReserveStock', request)) {
        world.intercept = (_, again) => again();
        await endLeases();
        await recoverSagas({ ...world.deps, processId: newId() });
      }
      return result;
    };
    expect(await place(productId)).toMatchObject({ order: { state: 'PENDING_PAYMENT' }, userErrors: [] });
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 1 });
  });

  test('one saga that can not be run does not keep the others waiting', async () => {
    for (let count = 0; count < 9; count += 1)
      await insertSaga(
        world.deps.db.em(),
        newPlacingSaga(newId(), newId(), new Date('2026-01-01'), [reserveStock]),
        newId(),
      ); // of no order
    const productId = await world.make(1);
    const { orderId } = await crashed(productId);
    await endLeases();
    await recoverSagas(world.deps);
    expect(await read(orderId)).toMatchObject({ state: 'PENDING_PAYMENT' });
    await world.rows("delete from saga where created_at = '2026-01-01'");
  });
});

describe('while the product service is away', () => {
  test('the buyer is answered in time with the order PLACING, which is tried again as soon as its back-off is over', async () => {
    const productId = await world.make(1);
    world.intercept = down('ReserveStock');
    const started = Date.now();
    const { order, userErrors } = await place(productId);
    expect(Date.now() - started).toBeLessThan(2_000);
    expect([order.state, userErrors]).toEqual(['PLACING', []]);
    world.intercept = (_, next) => next();
    // The lease was given back: nobody has to wait for its end.
    world.clockOffsetMs = 1_500;
    expect(await recoverSagas(world.deps)).toBe(1);
    expect(await read(order.id)).toMatchObject({ state: 'PENDING_PAYMENT' });
  });

  test('a compensation waits for a callee out of reach, is STUCK when the callee refuses too often, and retrySaga finishes it', async () => {
    const productId = await world.make(1);
    world.intercept = loseReplies('ReserveStock');
    const { order, saga } = await place(productId);
    world.intercept = down('ReserveStock', 'ReleaseStock');
    world.clockOffsetMs = 3_000;
    await endLeases();
    await recoverSagas(world.deps);
    expect(await read(order.id)).toMatchObject({ state: 'FAILED', saga: { state: 'COMPENSATING' } });

    const tire = () =>
      world.rows('update saga set attempts = 60, next_retry_at = created_at, lease_until = null where id = ?', [
        idToBytes(saga.id),
      ]);
    await tire();
    await recoverSagas(world.deps);
    expect(await read(order.id)).toMatchObject({ saga: { state: 'COMPENSATING' } });

    world.intercept = async (request, next) =>
      isCall('ReleaseStock', request) ? { errors: [new GraphQLError('a mistake in the callee')] } : next();
    await tire();
    await recoverSagas(world.deps);
    expect(await read(order.id)).toMatchObject({
      saga: { state: 'STUCK', lastError: expect.stringContaining('a mistake') },
    });
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 1 });

    const actions = async (viewer: typeof staff) =>
      (await world.run(viewer, 'query ($id: ID!) { order(id: $id) { allowedActions } }', { id: order.id })).data.order.allowedActions; // prettier-ignore
    expect([await actions(staff), await actions(buyer)]).toEqual([['ARCHIVE', 'RETRY'], ['ARCHIVE']]);
    const retry = 'mutation ($id: ID!, $key: String) { retrySaga(id: $id, idempotencyKey: $key) { replayed saga { state } userErrors { __typename } } }'; // prettier-ignore
    const key = newId();
    const run = async (viewer = staff, id = saga.id) => (await world.run(viewer, retry, { id, key })).data.retrySaga;
    expect(await run(buyer)).toMatchObject({ saga: null, userErrors: [{ __typename: 'ForbiddenError' }] });
    expect(await run(staff, newId())).toMatchObject({ saga: null, userErrors: [{ __typename: 'NotFoundError' }] });
    const own = { ...staff, userId: buyer.userId };
    expect(await run(own)).toMatchObject({ saga: null, userErrors: [{ __typename: 'ForbiddenError' }] });
    expect(await actions(own)).toEqual(['ARCHIVE']);
    world.intercept = (_, next) => next();
    expect(await run()).toEqual({ replayed: false, saga: { state: 'COMPENSATED' }, userErrors: [] });
    expect(await run()).toEqual({ replayed: true, saga: { state: 'COMPENSATED' }, userErrors: [] });
    expect(await actions(staff)).toEqual(['ARCHIVE']);
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 0 });
  });
});

test('a remark that comes while the stock is being taken does not hold the order up', async () => {
  const productId = await world.make(1);
  const remark = orderMutation('updateOrderRemark', '$id: ID!', 'id: $id, remark: "Ring twice"');
  world.intercept = async (request, next) => {
    const result = await next();
    if (isCall('ReserveStock', request)) {
      const [row] = await world.rows("select id from orders where state = 'PLACING'");
      expect((await world.run(buyer, remark, { id: idFromBytes(row?.['id'] as Buffer) })).data.updateOrderRemark.userErrors).toEqual([]); // prettier-ignore
    }
    return result;
  };
  const { order } = await place(productId);
  expect(order.state).toBe('PENDING_PAYMENT');
  expect(await read(order.id)).toMatchObject({ remark: 'Ring twice', state: 'PENDING_PAYMENT' });
});

test('sagas can be listed and looked at by staff', async () => {
  await place(await world.make(1));
  const query = '{ sagas(first: 2, state: [SUCCEEDED]) { id kind state order { number } } }';
  const { data } = await world.run(staff, query);
  expect(data.sagas).toHaveLength(2);
  expect(data.sagas[0]).toMatchObject({ kind: 'place-order', state: 'SUCCEEDED', order: { number: expect.any(String) } }); // prettier-ignore
  const next = await world.run(staff, 'query ($after: String) { sagas(first: 100, after: $after) { id } }', { after: data.sagas[1].id }); // prettier-ignore
  expect(next.data.sagas.map(({ id }: { id: string }) => id)).not.toContain(data.sagas[1].id);
  expect((await world.run(staff, 'query ($id: ID!) { saga(id: $id) { id } }', { id: data.sagas[0].id })).data.saga.id).toBe(data.sagas[0].id); // prettier-ignore
});
