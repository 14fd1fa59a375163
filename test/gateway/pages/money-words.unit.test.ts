import { expect, test } from '@jest/globals';
import {
  backText,
  closedMoneyText,
  pendingPayment,
  pendingText,
} from '../../../gateway/pages/src/orders/money-words.ts';
import type { Payment } from '../../../gateway/pages/src/types.ts';

const euro = (amount: number) => ({ amount, currency: 'EUR' });
const payment = (method: Payment['method'], change: Partial<Payment> = {}): Payment => ({
  id: 'p', number: 'PM', method, state: 'SETTLED', amount: euro(1_000), captured: euro(1_000), refunded: euro(0), attempts: [], ...change,
}); // prettier-ignore
const order = (...payments: Payment[]) => ({ payments, refundPendingTotal: euro(0) });
const back = (amount: number) => ({ refunded: euro(amount) });

test('money that went back is told by where it went', () => {
  expect(backText(order(payment('WALLET', back(500))))).toBe('€5.00 to your wallet');
  expect(backText(order(payment('SIMULATED_CARD', back(734))))).toBe('€7.34 to your card');
  expect(backText(order(payment('BANK_TRANSFER', back(1))))).toBe('€0.01 to your bank account');
  expect(backText(order(payment('ALIPAY', back(1))))).toBe('€0.01 to your Alipay account');
  expect(backText(order(payment('WALLET', back(500)), payment('SIMULATED_CARD', back(734))))).toBe('€5.00 to your wallet and €7.34 to your card'); // prettier-ignore
  expect(backText(order(payment('WALLET', back(500)), payment('WALLET', back(100))))).toBe('€6.00 to your wallet');
  expect(backText(order(payment('WALLET')))).toBe('');
});

test('a closed order tells what became of what was paid', () => {
  const nothing = { captured: euro(0) };
  expect(closedMoneyText(order())).toBe('Nothing was charged.');
  expect(closedMoneyText(order(payment('SIMULATED_CARD', nothing)))).toBe('Nothing was charged.');
  expect(closedMoneyText(order(payment('SIMULATED_CARD')))).toBe('What you paid goes back by itself.');
  expect(closedMoneyText(order(payment('SIMULATED_CARD', back(1_000))))).toBe('Given back: €10.00 to your card.');
  const partly = { ...order(payment('SIMULATED_CARD', back(400))), refundPendingTotal: euro(600) };
  expect(closedMoneyText(partly)).toBe('Given back: €4.00 to your card. On its way back: €6.00.');
  expect(closedMoneyText({ ...partly, payments: [payment('SIMULATED_CARD')] })).toBe('On its way back: €6.00.');
});

test('a payment that only its bank can go on with is told as what it is', () => {
  const held = payment('SIMULATED_CARD', { state: 'AUTHORIZED' });
  const slow = payment('STRIPE', { state: 'PROCESSING' });
  expect(pendingPayment(order(payment('WALLET', { state: 'AUTHORIZED' }), payment('SIMULATED_CARD', { state: 'OPEN' })))).toBeNull(); // prettier-ignore
  expect(pendingPayment(order(held))).toBe(held);
  expect(pendingText(held)).toContain('€10.00 aside');
  expect(pendingPayment(order(slow))).toBe(slow);
  expect(pendingText(slow)).toContain('on their way');
});
