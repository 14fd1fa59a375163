import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type Loose, bytes, documents, paymentIn, staff, user } from '../support/payment-world.ts';
import { type AlipayWorld, openAlipayWorld } from './alipay-world.ts';
import { testProvider } from './contract.ts';
import { until } from '../../../support/until.ts';

testProvider('alipay', openAlipayWorld, { declines: false });

describe('alipay', () => {
  let alipay: AlipayWorld;
  beforeAll(async () => {
    alipay = await openAlipayWorld();
  }, 60_000);
  afterAll(async () => {
    await alipay?.close();
  }, 30_000);

  const create = async (input: Record<string, unknown> = {}, currency = 'CNY'): Promise<Loose> => {
    const buyer = user();
    const order = alipay.world.orders.add({ customerId: buyer.userId, currency });
    const variables = { input: { orderId: order.id, method: 'ALIPAY', ...input }, key: newId() };
    const ask = async () => (await alipay.world.run(buyer, documents.create, variables)).data.createPayment;
    return { ...(await ask()), ask, order, buyer };
  };
  const paid = async (): Promise<Loose> => {
    const { payment } = await create();
    await alipay.pay(payment);
    return paymentIn(alipay.world, payment.id, 'SETTLED');
  };
  const stateOf = async (payment: Loose) =>
    (await alipay.world.run(staff, documents.payment, { id: payment.id })).data.payment;
  const refund = async (payment: Loose): Promise<Loose> => {
    const input = { paymentId: payment.id, amount: { amount: 105, currency: 'CNY' }, reason: 'goodwill' };
    return (await alipay.world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment;
  };

  test('takes yuan alone: an order in another currency is neither offered it nor paid by it', async () => {
    const { payment, userErrors, order, buyer } = await create({}, 'EUR');
    expect({ payment, userErrors }).toMatchObject({ payment: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'method'] }] }); // prettier-ignore
    const { data } = await alipay.world.run(buyer, documents.methods, { id: order.id });
    expect(data.availablePaymentMethods).toEqual(['SIMULATED_CARD']);
    const parts = [{ method: 'WALLET', amount: { amount: 234, currency: 'EUR' } }, { method: 'ALIPAY' }];
    const mixed = await alipay.world.run(buyer, documents.mixed, { input: { orderId: order.id, parts }, key: newId() });
    expect(mixed.data.createMixedPayment).toMatchObject({ payments: [], userErrors: [{ code: 'VALIDATION' }] });
  });

  test('leads to a page of the exact amount, with the way back and a time to pay in', async () => {
    const { payment } = await create({ returnUrl: 'https://shop.example/thanks?a=1&b=ü' });
    const { searchParams: page } = new URL(payment.attempts[0].redirectUrl);
    expect(page.get('return_url')).toBe('https://shop.example/thanks?a=1&b=ü');
    expect(JSON.parse(String(page.get('biz_content')))).toMatchObject({
      out_trade_no: payment.attempts[0].id.replaceAll('-', ''),
      total_amount: '12.34',
      time_expire: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    });
    expect((await fetch(payment.attempts[0].redirectUrl)).status).toBe(200);
    const forged = payment.attempts[0].redirectUrl.replace('12.34', '0.34');
    expect(await (await fetch(forged)).text()).toContain('isv.invalid-signature');
  });

  test('money from a page that was opened after it was called off goes back by itself', async () => {
    const { payment, buyer } = await create();
    const { data } = await alipay.world.run(buyer, documents.cancel, { id: payment.id, key: newId() });
    expect(data.cancelPayment).toMatchObject({ userErrors: [], payment: { state: 'CANCELLED' } });
    expect(await alipay.pay(payment)).toBe(true);
    await until(async () => (await alipay.refunded(payment)) === 1_234);
    expect(await stateOf(payment)).toMatchObject({ captured: { amount: 1_234 }, refunds: [{ automatic: true }] });
  });

  test('hears success only for what was stored, and fail for anything else', async () => {
    const { payment } = await create();
    await alipay.open?.(payment);
    const told = { trade_status: 'TRADE_SUCCESS' };
    const bad = [
      alipay.server.notification(alipay.trade(payment), { ...told, app_id: '2021000000000009' }),
      alipay.server.notification(alipay.trade(payment), { ...told, seller_id: '2088000000000009' }),
      alipay.server.notification(alipay.trade(payment), { ...told, sign_type: 'RSA' }),
      alipay.server.notification(alipay.trade(payment), { ...told, total_amount: '1e3' }),
      alipay.server.notification(alipay.trade(payment), { ...told, notify_time: 'yesterday' }),
      alipay.server.notification(alipay.trade(payment), told).replace(/sign=[^&]+/, 'sign='),
      alipay.server.notification(alipay.trade(payment), told).replace('12.34', '12.35'),
    ];
    for (const body of bad) expect(await alipay.post(body)).toEqual({ status: 400, text: 'fail' });
    expect(await stateOf(payment)).toMatchObject({ state: 'OPEN', captured: { amount: 0 } });
    const good = alipay.server.notification(alipay.trade(payment), told);
    expect(await alipay.post(good)).toEqual({ status: 200, text: 'success' });
    expect(await alipay.post(good)).toEqual({ status: 200, text: 'success' });
    expect(await stateOf(payment)).toMatchObject({ state: 'SETTLED', captured: { amount: 1_234 } });
  });

  test.each([
    ['an error page', { status: 502 }], ['an answer that a stranger signed', 'forged'],
    ['an answer without a signature', 'unsigned'], ['a gateway out of service', { code: '20000', sub_code: 'isp.unknow-error' }],
    ['keys that are wrong', { code: '40002', sub_code: 'isv.invalid-signature' }],
  ] as const)('%s is a retryable refusal; the same key completes it', async (_, fault) => {
    alipay.server.fail('alipay.trade.query', fault);
    const { payment, userErrors, ask } = await create();
    expect({ payment, userErrors }).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_UNAVAILABLE', provider: 'alipay', retryable: true }] });
    expect(await ask()).toMatchObject({ payment: { attempts: [{ state: 'REQUIRES_ACTION' }] } });
  }); // prettier-ignore

  test('a connection that breaks is made once more by the SDK, then it is a retryable refusal', async () => {
    alipay.server.fail('alipay.trade.query', 'reset');
    expect(await create()).toMatchObject({ userErrors: [], payment: { attempts: [{ state: 'REQUIRES_ACTION' }] } });
    alipay.server.fail('alipay.trade.query', 'reset', 2);
    expect(await create()).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_UNAVAILABLE' }] });
  });

  test('that hangs is given up within ten seconds', async () => {
    alipay.server.fail('alipay.trade.query', 'hang');
    const started = performance.now();
    expect(await create()).toMatchObject({ userErrors: [{ code: 'PROVIDER_UNAVAILABLE' }] });
    expect(performance.now() - started).toBeLessThan(10_000);
  }, 20_000);

  test('a request that Alipay does not take is refused for good, with its words', async () => {
    alipay.server.fail('alipay.trade.query', { code: '40004', sub_code: 'ACQ.INVALID_PARAMETER' });
    expect(await create()).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_REFUSED', retryable: false, message: expect.stringContaining('ACQ.INVALID_PARAMETER') }] }); // prettier-ignore
  });

  test('a refund whose answer gets lost is found by its number and not done twice', async () => {
    const payment = await paid();
    alipay.server.fail('alipay.trade.refund', 'lost', 2);
    expect(await refund(payment)).toMatchObject({ refund: { state: 'PENDING' } });
    await alipay.world.rows('update refund set next_try_at = utc_timestamp(3) where payment_id = ?', [bytes(payment.id)]); // prettier-ignore
    await paymentIn(alipay.world, payment.id, 'PARTIALLY_REFUNDED', 15_000);
    expect(await alipay.refunded(payment)).toBe(105);
  }, 20_000);
});
