import { expect, test } from '@jest/globals';
import { readAlipayEvent } from '../../../subgraphs/payment/providers/alipay-facts.ts';
import { fromChinaTime, fromYuan, toChinaTime, toYuan } from '../../../subgraphs/payment/providers/china.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';

test.each([[0n, '0.00'], [5n, '0.05'], [1_234n, '12.34'], [100n, '1.00'], [900_719_925_474_099_1n, '90071992547409.91']])('%s fen are %s yuan', (minor, yuan) => {
  expect(toYuan(minor)).toBe(yuan);
}); // prettier-ignore

test.each([['12.34', 1_234n], ['12.3', 1_230n], ['12', 1_200n], ['0.01', 1n], ['0.29', 29n], ['8765432109876.54', 876_543_210_987_654n]])('%s yuan are %s fen', (yuan, minor) => {
  expect(fromYuan(yuan)).toBe(minor);
}); // prettier-ignore

test.each(['', '1e3', '-1.00', '1.234', ' 1', '1,00', '.5', '1.', '12345678901234', 'NaN'])('%j is no amount', (text) => {
  expect(fromYuan(text)).toBeNull();
}); // prettier-ignore

test("times are China's, both ways", () => {
  const at = new Date('2026-11-21T18:30:01.000Z');
  expect(toChinaTime(at)).toBe('2026-11-22 02:30:01');
  expect(fromChinaTime('2026-11-22 02:30:01')).toEqual(at);
  for (const text of ['', '2026-11-22', '2026-13-22 02:30:01', '2026-11-22T02:30:01Z']) expect(fromChinaTime(text)).toBeNull(); // prettier-ignore
});

const event = (change: Record<string, string> = {}) => {
  const fields = { notify_id: 'n1', notify_type: 'trade_status_sync', out_trade_no: 'x', trade_status: 'TRADE_SUCCESS', total_amount: '12.34', ...change }; // prettier-ignore
  return readAlipayEvent(Buffer.from(new URLSearchParams(fields).toString()));
};

test('a notification names the attempt by the trade number, which is its id', () => {
  const id = newId();
  expect(event({ out_trade_no: id.replaceAll('-', ''), gmt_payment: '2026-11-22 02:30:01' })).toEqual({
    id: 'n1',
    type: 'trade_status_sync.TRADE_SUCCESS',
    createdAt: new Date('2026-11-21T18:30:01.000Z'),
    about: { kind: 'attempt', intentId: id.replaceAll('-', ''), attemptId: id, fact: { type: 'succeeded', amountMinor: 1_234n, currency: 'CNY', at: new Date('2026-11-21T18:30:01.000Z') } }, // prettier-ignore
  });
  expect(event({ trade_status: 'TRADE_FINISHED' })?.about).toMatchObject({ fact: { type: 'succeeded' } });
  expect(event({ trade_status: 'TRADE_CLOSED' })?.about).toMatchObject({ attemptId: null, fact: { type: 'canceled' } });
});

test('a notification of a refund, or of a trade that waits, is not used', () => {
  expect(event({ trade_status: 'WAIT_BUYER_PAY' })?.about).toBeNull();
  expect(event({ trade_status: 'TRADE_CLOSED', gmt_refund: '2026-11-22 02:30:01.123' })?.about).toBeNull();
});

test('what is no notification of a trade is not read', () => {
  expect(readAlipayEvent(Buffer.from('{"id":"evt"}'))).toBeNull();
  expect(event({ trade_status: 'TRADE_WON' })).toBeNull();
  expect(event({ total_amount: '12,34' })).toBeNull();
});
