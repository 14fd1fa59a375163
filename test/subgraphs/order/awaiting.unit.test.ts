import { describe, expect, test } from '@jest/globals';
import { decide, effectiveState, evolve } from '../../../subgraphs/order/domain/order.ts';
import type { Order, OrderCommand } from '../../../subgraphs/order/domain/order-model.ts';
import { after, anOrder, commands, expiresAt, inTime } from './fixtures.ts';

const until = after(expiresAt, 86_400_000);
const run = (order: Order, command: OrderCommand, at = inTime): Order => {
  const decision = decide(order, command, at);
  if ('refusal' in decision) throw new Error(decision.refusal.message);
  return decision.events.reduce((current, event) => evolve(current, event, at), order);
};
const awaiting = (authorizedMinor = 0n): OrderCommand => ({
  type: 'AwaitPayment',
  paymentId: 'payment-1',
  until,
  authorizedMinor,
});

describe('an order whose payment is on its way', () => {
  test('stays open past its deadline, up to the bound and no longer', () => {
    const waiting = run(anOrder(), awaiting());
    expect(waiting).toMatchObject({ state: 'PENDING_PAYMENT', expiresAt: until, payBy: expiresAt });
    expect(effectiveState(waiting, after(expiresAt, 1))).toBe('PENDING_PAYMENT');
    expect(effectiveState(waiting, until)).toBe('EXPIRED');
    expect(decide(waiting, commands.Expire, after(expiresAt, 1))).toMatchObject({ refusal: { code: 'ORDER_STATE' } });
    expect(run(waiting, commands.Expire, until).state).toBe('EXPIRED');
  });

  test('is paid when the money comes within the bound', () => {
    const late = after(expiresAt, 3_600_000);
    const paid = run(run(anOrder(), awaiting()), { ...commands.MarkPaid, paidAt: late }, late);
    expect(paid).toMatchObject({ state: 'PAID', paymentStatus: 'PAID', paidAt: late });
  });

  test('has its own deadline again when the payment comes to nothing', () => {
    const given = run(run(anOrder(), awaiting()), commands.StopAwaiting);
    expect(given).toMatchObject({ state: 'PENDING_PAYMENT', expiresAt, payBy: null });
    expect(effectiveState(given, expiresAt)).toBe('EXPIRED');
  });

  test('is AUTHORIZED while the money is held, and not afterwards', () => {
    const held = run(anOrder(), awaiting(5_000n));
    expect(held).toMatchObject({ paymentStatus: 'AUTHORIZED', authorizedMinor: 5_000n });
    expect(run(held, commands.StopAwaiting)).toMatchObject({ paymentStatus: 'UNPAID', authorizedMinor: 0n });
    expect(run(held, commands.MarkPaid)).toMatchObject({ paymentStatus: 'PAID', authorizedMinor: 0n });
    expect(run(held, commands.Cancel)).toMatchObject({ paymentStatus: 'VOIDED', authorizedMinor: 0n });
    expect(run(held, commands.Expire, until)).toMatchObject({ paymentStatus: 'VOIDED', authorizedMinor: 0n });
    expect(run(held, { ...commands.MarkPaid, amountMinor: 2_000n })).toMatchObject({ paymentStatus: 'PARTIALLY_PAID', authorizedMinor: 0n }); // prettier-ignore
  });

  test('the same word twice, or one about a shorter time, changes nothing', () => {
    const waiting = run(anOrder(), awaiting());
    expect(decide(waiting, awaiting(), inTime)).toEqual({ events: [] });
    const shorter = { ...awaiting(), until: after(expiresAt, 5) } as OrderCommand;
    expect(decide(waiting, shorter, inTime)).toEqual({ events: [] });
  });

  test('or being asked about reads EXPIRED only when that has been done, and closes all the same at its deadline', () => {
    const paying = anOrder({ isPaying: true });
    expect(effectiveState(paying, after(expiresAt, 9_999))).toBe('PENDING_PAYMENT');
    expect(effectiveState(paying, after(expiresAt, 10_000))).toBe('EXPIRED');
    expect(run(paying, commands.Expire, expiresAt).state).toBe('EXPIRED');
    expect(effectiveState(anOrder(), expiresAt)).toBe('EXPIRED');
  });

  test.each(['PAID', 'EXPIRED', 'CANCELLED', 'COMPLETED', 'FAILED'] as const)('comes too late for one that is %s', (state) => {
    expect(decide(anOrder({ state }), awaiting(5_000n), inTime)).toEqual({ events: [] });
    expect(decide(anOrder({ state }), commands.StopAwaiting, inTime)).toEqual({ events: [] });
  }); // prettier-ignore
});
