import { expect, test } from '@jest/globals';
import { externalPayment } from '../../../gateway/pages/src/pay/methods.ts';
import type { Payment } from '../../../gateway/pages/src/types.ts';

const euro = (amount: number) => ({ amount, currency: 'EUR' });
const payment = (id: string, state: Payment['state'], captured = 0, method: Payment['method'] = 'BANK_TRANSFER'): Payment => ({
  id, number: 'PM', method, state, amount: euro(1_000), captured: euro(captured), refunded: euro(0), attempts: [],
}); // prettier-ignore
const current = (paid: number, ...payments: Payment[]) => externalPayment({ payments, paidTotal: euro(paid) })?.id;

test.each(['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'] as const)('a payment that is %s is the one to go on with', (state) => {
  expect(current(0, payment('given up', 'CANCELLED'), payment('this', state))).toBe('this');
}); // prettier-ignore

test.each(['CANCELLED', 'EXPIRED', 'REFUNDED', 'PARTIALLY_REFUNDED'] as const)(
  'a payment that is %s leaves room for another',
  (state) => expect(current(0, payment('gone', state, 1_000))).toBeUndefined(),
);

test('money that came in is waited for until the order knows; what it leaves due is for another payment', () => {
  expect(current(0, payment('this', 'SETTLED', 400))).toBe('this');
  expect(current(400, payment('this', 'SETTLED', 400))).toBeUndefined();
  expect(current(400, payment('first', 'SETTLED', 400), payment('second', 'SETTLED', 600))).toBe('second');
  expect(current(400, payment('first', 'SETTLED', 400), payment('late', 'REFUNDED', 600))).toBeUndefined();
});

test('a wallet is no provider to go on with', () => {
  expect(current(0, payment('wallet', 'AUTHORIZED', 0, 'WALLET'))).toBeUndefined();
});
