import { afterEach, describe, expect, test } from '@jest/globals';
import { showLanguage } from '../../../gateway/pages/src/language/catalogue.ts';
import { outcomeOf } from '../../../gateway/pages/src/orders/outcome.ts';
import type { Order, Payment } from '../../../gateway/pages/src/types.ts';

const euro = (amount: number) => ({ amount, currency: 'EUR' });
const payment = (state: Payment['state'], captured: number, refunded = 0): Payment => ({
  id: 'p', number: 'PM', method: 'SIMULATED_CARD', state, amount: euro(1_000), captured: euro(captured), refunded: euro(refunded), attempts: [],
}); // prettier-ignore
const settled = payment('SETTLED', 1_000);

/** What the screen of an order says that is goods for €10.00. */
function said(state: Order['state'], paymentStatus: Order['paymentStatus'], change: Partial<Order> = {}) {
  const order = {
    state, paymentStatus, type: { code: 'STANDARD', name: 'Standard' }, lines: [], payments: [], fulfilmentStatus: 'UNFULFILLED', cancelReason: null,
    refundedTotal: euro(0), refundPendingTotal: euro(0), ...change,
  } as unknown as Order; // prettier-ignore
  const outcome = outcomeOf(order);
  return outcome === null ? null : `${outcome.title}: ${outcome.text}`;
}
afterEach(() => showLanguage('en'));

describe('how an order ended says what became of the money, and what comes next', () => {
  test('while it can be paid nothing has ended', () => {
    expect([said('PLACING', 'UNPAID'), said('PENDING_PAYMENT', 'UNPAID')]).toEqual([null, null]);
  });

  test('paid, free, done', () => {
    expect(said('PAID', 'PAID', { payments: [settled] })).toBe('Paid: Thank you. We pack your order now, and tell you when it is on its way.'); // prettier-ignore
    expect(said('PAID', 'NOT_REQUIRED')).toMatch(/^Ordered: Thank you\. We pack/);
    expect(said('COMPLETED', 'PAID', { payments: [settled] })).toBe('Completed: Thank you. Everything was sent.');
    expect(said('LAPSED', 'PAID', { payments: [settled] })).toMatch(/What you paid stays with the shop\.$/);
  });

  test('a part given back of an order that goes on says both', () => {
    const part = { payments: [payment('PARTIALLY_REFUNDED', 1_000, 400)], refundedTotal: euro(400) };
    expect(said('PROCESSING', 'PARTIALLY_REFUNDED', part)).toMatch(/^Partly refunded: Given back: €4\.00 to your card\. Thank you\. We pack/); // prettier-ignore
    expect(said('COMPLETED', 'PARTIALLY_REFUNDED', part)).toBe('Partly refunded: Given back: €4.00 to your card.');
  });

  test('cancelled with the money on two ways back', () => {
    const change = { payments: [payment('PARTIALLY_REFUNDED', 1_000, 400)], refundPendingTotal: euro(600), cancelReason: 'CUSTOMER' as const }; // prettier-ignore
    expect(said('CANCELLED', 'PARTIALLY_REFUNDED', change)).toBe('Cancelled: You cancelled this order. Given back: €4.00 to your card. On its way back: €6.00.'); // prettier-ignore
    expect(said('CANCELLED', 'VOIDED', { cancelReason: 'MERCHANT' })).toBe('Cancelled: The shop cancelled this order. Nothing was charged.'); // prettier-ignore
    expect(said('FAILED', 'VOIDED', { cancelReason: 'OUT_OF_STOCK' })).toMatch(
      /no longer in stock\. Nothing was charged\.$/,
    );
  });

  test('late money, back or on its way', () => {
    expect(said('EXPIRED', 'VOIDED')).toMatch(/^Expired: The time to pay ran out.* Nothing was charged\. Money that still arrives is refunded by itself\.$/); // prettier-ignore
    expect(said('EXPIRED', 'PAID', { payments: [settled], refundPendingTotal: euro(1_000) })).toMatch(/came after the time to pay was over\. On its way back: €10\.00\.$/); // prettier-ignore
    expect(said('EXPIRED', 'REFUNDED', { payments: [payment('REFUNDED', 1_000, 1_000)] })).toMatch(/came after the time to pay was over\. Given back: €10\.00 to your card\.$/); // prettier-ignore
  });

  test('returned, and looked after', () => {
    const back = { payments: [payment('REFUNDED', 1_000, 1_000)], fulfilmentStatus: 'RETURNED' as const };
    expect(said('COMPLETED', 'REFUNDED', back)).toBe('Sent back: Given back: €10.00 to your card.');
    expect(said('NEEDS_ATTENTION', 'UNPAID')).toMatch(/Nothing was charged\.$/);
    expect(said('NEEDS_ATTENTION', 'AUTHORIZED', { payments: [payment('AUTHORIZED', 0)] })).toMatch(
      /set €10\.00 aside/,
    );
    expect(said('NEEDS_ATTENTION', 'PAID', { payments: [settled] })).toBe('We are on it: Somebody looks after this order. You need not do anything.'); // prettier-ignore
  });

  test('in German', () => {
    showLanguage('de');
    const change = { payments: [payment('PARTIALLY_REFUNDED', 1_000, 400)], refundPendingTotal: euro(600), cancelReason: 'CUSTOMER' as const }; // prettier-ignore
    expect(said('CANCELLED', 'PARTIALLY_REFUNDED', change)).toBe('Storniert: Sie haben diese Bestellung storniert. Erstattet: 4,00\u00a0€ auf Ihre Karte. Auf dem Rückweg: 6,00\u00a0€.'); // prettier-ignore
  });
});
