import { describe, expect, test } from '@jest/globals';
import {
  afterAction,
  afterCompensation,
  currentBranch,
  maxCompensationRuns,
  newPlacingSaga,
  nextRun,
  retryDelayMs,
} from '../../../subgraphs/order/domain/saga.ts';
import { after, placedAt } from './fixtures.ts';

const branch = 'reserve-stock';
const deadlineMs = 20_000;
const reserve = { branchId: 'reserve-stock', service: 'product', action: 'reserveStock' };
const charge = { branchId: 'charge-wallet', service: 'payment', action: 'chargeWallet' };
const fresh = newPlacingSaga('saga-1', 'order-1', placedAt, [reserve]);
const unknown = { kind: 'unknown', error: 'timeout' } as const;

describe('an action', () => {
  test('that is done ends the saga', () => {
    const saga = afterAction(fresh, branch, { kind: 'done' }, after(placedAt, 5), deadlineMs);
    expect(saga).toMatchObject({ state: 'SUCCEEDED', nextRetryAt: null, finishedAt: after(placedAt, 5) });
    expect(saga.steps[0]).toMatchObject({ actionState: 'DONE', compensationState: 'SKIPPED' });
  });

  test('that is refused turns the saga round', () => {
    const refused = { kind: 'refused', reason: 'OUT_OF_STOCK', detail: null } as const;
    const saga = afterAction(fresh, branch, refused, placedAt, deadlineMs);
    expect(saga).toMatchObject({ state: 'COMPENSATING', lastError: 'OUT_OF_STOCK', finishedAt: null });
    expect(saga.steps[0]).toMatchObject({ actionState: 'FAILED', compensationState: 'RUNNING' });
  });

  test('without an answer is tried again until the deadline, then undone', () => {
    const before = afterAction(fresh, branch, unknown, after(placedAt, deadlineMs - 1), deadlineMs);
    expect(before).toMatchObject({ state: 'RUNNING', lastError: 'timeout' });
    expect(before.nextRetryAt?.getTime()).toBeGreaterThan(placedAt.getTime() + deadlineMs - 1);
    expect(afterAction(fresh, branch, unknown, after(placedAt, deadlineMs), deadlineMs).state).toBe('COMPENSATING');
  });

  test('counts its tries', () => {
    const again = nextRun(nextRun(fresh, branch), branch);
    expect([again.attempts, again.steps[0]?.attempts]).toEqual([3, 3]);
  });
});

describe('a prepaid order', () => {
  const prepaid = newPlacingSaga('saga-1', 'order-1', placedAt, [reserve, charge]);
  const reserved = afterAction(prepaid, branch, { kind: 'done' }, after(placedAt, 5), deadlineMs);
  const refused = { kind: 'refused', reason: 'INSUFFICIENT_BALANCE', detail: null } as const;

  test('takes the money once the stock is held, and is then done', () => {
    expect([currentBranch(prepaid), currentBranch(reserved)]).toEqual([branch, 'charge-wallet']);
    expect(reserved).toMatchObject({
      state: 'RUNNING',
      finishedAt: null,
      steps: [{ actionState: 'DONE' }, { actionState: 'RUNNING', attempts: 1 }],
    });
    expect(afterAction(reserved, 'charge-wallet', { kind: 'done' }, placedAt, deadlineMs)).toMatchObject({
      state: 'SUCCEEDED',
      steps: [
        { actionState: 'DONE', compensationState: 'SKIPPED' },
        { actionState: 'DONE', compensationState: 'SKIPPED' },
      ],
    });
  });

  test('whose wallet has too little undoes the charge, then gives the stock back', () => {
    const turned = afterAction(reserved, 'charge-wallet', refused, placedAt, deadlineMs);
    expect([turned.state, currentBranch(turned)]).toEqual(['COMPENSATING', 'charge-wallet']);
    const next = afterCompensation(turned, 'charge-wallet', null, placedAt);
    expect([next.state, currentBranch(next)]).toEqual(['COMPENSATING', branch]);
    expect(afterCompensation(next, branch, null, placedAt)).toMatchObject({
      state: 'COMPENSATED',
      steps: [{ compensationState: 'DONE' }, { actionState: 'FAILED', compensationState: 'DONE' }],
    });
  });

  test('that is out of stock never asks for money', () => {
    const turned = afterAction(prepaid, branch, { ...refused, reason: 'OUT_OF_STOCK' }, placedAt, deadlineMs);
    expect(turned.steps[1]).toMatchObject({ actionState: 'SKIPPED', compensationState: 'SKIPPED' });
    expect(afterCompensation(turned, branch, null, placedAt).state).toBe('COMPENSATED');
  });
});

describe('a compensation', () => {
  const compensating = afterAction(fresh, branch, unknown, after(placedAt, deadlineMs), deadlineMs);

  test('that is done ends the saga', () => {
    const saga = afterCompensation(compensating, branch, null, placedAt);
    expect(saga).toMatchObject({ state: 'COMPENSATED', nextRetryAt: null, finishedAt: placedAt });
    expect(saga.steps[0]?.compensationState).toBe('DONE');
  });

  test('that fails is tried again, and after too many runs left to staff', () => {
    const failed = afterCompensation(compensating, branch, { error: 'down', answered: true }, placedAt);
    expect(failed).toMatchObject({ state: 'COMPENSATING', lastError: 'down' });
    expect(failed.nextRetryAt).not.toBeNull();
    const tired = { ...compensating, attempts: maxCompensationRuns };
    const stuck = afterCompensation(tired, branch, { error: 'no', answered: true }, placedAt);
    expect(stuck).toMatchObject({ state: 'STUCK', nextRetryAt: null, finishedAt: null });
  });

  test('whose callee is out of reach is tried for ever', () => {
    const tired = { ...compensating, attempts: 10 * maxCompensationRuns };
    const waiting = afterCompensation(tired, branch, { error: 'down', answered: false }, placedAt);
    expect(waiting).toMatchObject({ state: 'COMPENSATING', finishedAt: null });
    expect(waiting.nextRetryAt).not.toBeNull();
  });
});

test('the back-off doubles up to its limit', () => {
  expect([1, 2, 3, 4, 5, 6, 50].map(retryDelayMs)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
});
