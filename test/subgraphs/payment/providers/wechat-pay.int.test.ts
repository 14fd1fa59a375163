import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import type { StandInIdentity } from '../support/order-service.ts';
import { type Loose, bytes, credit, documents, paymentIn, staff, user } from '../support/payment-world.ts';
import { testProvider } from './contract.ts';
import { type WechatPayWorld, appId, merchantId, openWechatPayWorld } from './wechat-pay-world.ts';
import { until } from '../../../support/until.ts';

testProvider('wechat_pay', openWechatPayWorld, { declines: false });

describe('wechat_pay', () => {
  let wechat: WechatPayWorld;
  beforeAll(async () => {
    wechat = await openWechatPayWorld();
  }, 60_000);
  afterAll(async () => {
    await wechat?.close();
  }, 30_000);
  beforeEach(() => {
    wechat.server.notifications.dropped = false;
    wechat.server.refunds = 'succeed';
  });

  const create = async (input: Record<string, unknown> = {}, currency = 'CNY'): Promise<Loose> => {
    const buyer = user();
    const order = wechat.world.orders.add({ customerId: buyer.userId, currency });
    const variables = { input: { orderId: order.id, method: 'WECHAT_PAY', ...input }, key: newId() };
    const ask = async () => (await wechat.world.run(buyer, documents.create, variables)).data.createPayment;
    return { ...(await ask()), ask, order, buyer };
  };
  const paid = async (): Promise<Loose> => {
    const { payment } = await create();
    await wechat.pay(payment);
    return paymentIn(wechat.world, payment.id, 'SETTLED');
  };
  const stateOf = async (payment: Loose): Promise<Loose> =>
    (await wechat.world.run(staff, documents.payment, { id: payment.id })).data.payment;
  const refund = async (payment: Loose, amount = 105): Promise<Loose> => {
    const input = { paymentId: payment.id, amount: { amount, currency: 'CNY' }, reason: 'goodwill' };
    return (await wechat.world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment;
  };
  const tryNow = (payment: Loose) =>
    wechat.world.rows('update refund set next_try_at = utc_timestamp(3) where payment_id = ?', [bytes(payment.id)]);

  test('takes yuan alone: an order in another currency is neither offered it nor paid by it', async () => {
    const { payment, userErrors, order, buyer } = await create({}, 'EUR');
    expect({ payment, userErrors }).toMatchObject({ payment: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'method'] }] }); // prettier-ignore
    const { data } = await wechat.world.run(buyer, documents.methods, { id: order.id });
    expect(data.availablePaymentMethods).toEqual(['SIMULATED_CARD']);
  });

  test('gives the code to scan, of an order of the exact amount that can be paid for two hours', async () => {
    const { payment } = await create();
    const [attempt] = payment.attempts;
    expect(attempt).toMatchObject({ redirectUrl: null });
    expect(attempt.clientParams).toEqual({ codeUrl: expect.stringMatching(/^weixin:\/\/wxpay\/bizpayurl\?pr=/) });
    const order = wechat.order(payment);
    expect(order).toMatchObject({ out_trade_no: attempt.id.replaceAll('-', ''), total: 1_234 });
    expect(order.notify_url).toMatch(/\/webhooks\/wechat_pay$/);
    expect(Math.abs(Date.parse(order.time_expire) - Date.now() - 7_200_000)).toBeLessThan(60_000);
  });

  test('an attempt whose two hours are over can be followed by another', async () => {
    const { payment, buyer } = await create();
    const number = payment.attempts[0].providerTransactionId;
    // As if it had been made three hours ago: its time is in its id.
    const [old, hex] = [`${(Date.now() - 10_800_000).toString(16).padStart(12, '0')}${number.slice(12)}`, payment.attempts[0].id.replaceAll('-', '')]; // prettier-ignore
    await wechat.world.rows('update attempt set id = unhex(?), next_check_at = utc_timestamp(3) where id = unhex(?)', [old, hex]); // prettier-ignore
    await paymentIn(wechat.world, payment.id, 'FAILED', 20_000);
    const { data } = await wechat.world.run(buyer, documents.retry, { id: payment.id, key: newId() });
    expect(data.retryPayment).toMatchObject({ userErrors: [], payment: { state: 'OPEN' } });
  }, 30_000);

  test('hears nothing but what WeChat has signed and encrypted, about our money', async () => {
    const { payment } = await create();
    const { server } = wechat;
    const order = wechat.order(payment);
    const told = { trade_state: 'SUCCESS', success_time: '2026-11-30T10:00:00+08:00' };
    const good = server.notification('TRANSACTION.SUCCESS', server.told(order, told));
    const changed = (headers: Record<string, string>, body = good.body) => ({ headers: { ...good.headers, ...headers }, body }); // prettier-ignore
    const other = server.notification('TRANSACTION.SUCCESS', server.told(order, { ...told, attach: 'x' }));
    const bad: readonly [string, Parameters<WechatPayWorld['post']>[0]][] = [
      ['without a signature', changed({ 'wechatpay-signature': '' })],
      ['a probe', changed({ 'wechatpay-signature': `WECHATPAY/SIGNTEST/${good.headers['wechatpay-signature']}` })],
      ['a signature that is none', changed({ 'wechatpay-signature': '§' })],
      ['of a key that is not known', changed({ 'wechatpay-serial': 'PUB_KEY_ID_9' })],
      ['of the other key', changed({ 'wechatpay-serial': '7132D72A03E93CDDF8C03BBD1F37EEDF' })],
      ['a time that is none', changed({ 'wechatpay-timestamp': 'today' })],
      ['another time', changed({ 'wechatpay-timestamp': String(Number(good.headers['wechatpay-timestamp']) + 1) })],
      ['another nonce', changed({ 'wechatpay-nonce': 'n' })],
      ['another body', changed({}, other.body)],
      ['encrypted with another key', server.notification('TRANSACTION.SUCCESS', server.told(order, told), { apiV3Key: 'f'.repeat(32) })], // prettier-ignore
      ['of another merchant', server.notification('TRANSACTION.SUCCESS', server.told(order, { ...told, mchid: '1900000009' }))], // prettier-ignore
      ['of another app', server.notification('TRANSACTION.SUCCESS', server.told(order, { ...told, appid: 'wx9' }))],
      ['of an amount that is none', server.notification('TRANSACTION.SUCCESS', server.told(order, { ...told, amount: { total: 12.34, currency: 'CNY' } }))], // prettier-ignore
      ['of a state that is none', server.notification('TRANSACTION.SUCCESS', server.told(order, { trade_state: 'WON' }))], // prettier-ignore
    ];
    for (const [what, delivery] of bad) expect([what, (await wechat.post(delivery)).status]).toEqual([what, 400]);
    expect(await wechat.post(server.notification('PAYSCORE.USER_CONFIRM', {}))).toMatchObject({ status: 200 });
    expect(await stateOf(payment)).toMatchObject({ state: 'OPEN', captured: { amount: 0 } });
    expect(await wechat.post(good)).toEqual({ status: 200, told: { code: 'APPLIED' } });
    expect(await wechat.post(good)).toEqual({ status: 200, told: { code: 'DUPLICATE' } });
    expect(await stateOf(payment)).toMatchObject({ state: 'SETTLED', captured: { amount: 1_234 } });
  });

  test.each([
    ['an error page', { status: 502 }], ['an answer that a stranger signed', 'forged'], ['an answer without a signature', 'unsigned'],
    ['an answer that was signed ten minutes ago', 'stale'], ['a connection that breaks', 'reset'], ['too many requests', { status: 429, code: 'FREQUENCY_LIMITED' }],
    ['keys that are wrong', { status: 401, code: 'SIGN_ERROR' }], ['a product that is not enabled', { status: 403, code: 'NO_AUTH' }],
  ] as const)('%s is a retryable refusal; the same key completes it', async (_, fault) => {
    wechat.server.fail('POST /v3/pay/transactions/native', fault);
    const { payment, userErrors, ask, order } = await create();
    expect({ payment, userErrors }).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_UNAVAILABLE', provider: 'wechat_pay', retryable: true }] });
    expect(await ask()).toMatchObject({ payment: { attempts: [{ state: 'REQUIRES_ACTION' }] } });
    expect(await wechat.intents(order.id)).toBe(1);
  }); // prettier-ignore

  test('that hangs is given up within ten seconds', async () => {
    wechat.server.fail('POST /v3/pay/transactions/native', 'hang');
    const started = performance.now();
    expect(await create()).toMatchObject({ userErrors: [{ code: 'PROVIDER_UNAVAILABLE' }] });
    expect(performance.now() - started).toBeLessThan(10_000);
  }, 20_000);

  test('a request that WeChat does not take is refused for good, with its words', async () => {
    wechat.server.fail('POST /v3/pay/transactions/native', { status: 400, code: 'PARAM_ERROR' });
    expect(await create()).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_REFUSED', retryable: false, message: expect.stringContaining('PARAM_ERROR') }] }); // prettier-ignore
  });

  test('an order that was paid while its answer was lost is found paid, not prepared again', async () => {
    wechat.server.fail('POST /v3/pay/transactions/native', 'lost');
    wechat.server.notifications.dropped = true;
    const { ask, order } = await create();
    const [made] = [...wechat.server.orders.values()].filter(({ description }) => description.includes(order.id));
    expect(wechat.server.pay(String(made?.out_trade_no))).toBe(true);
    const { payment } = await ask();
    expect(await paymentIn(wechat.world, payment.id, 'SETTLED')).toMatchObject({ captured: { amount: 1_234 } });
  });

  describe('by JSAPI', () => {
    const customer = () => {
      const [buyer, openid] = [user(), `o${newId().replaceAll('-', '')}`];
      wechat.world.orders.identify(buyer.userId, [
        { type: 'MOBILE', key: '4915112345678', issuer: null },
        { type: 'WX_MINI', key: 'of-another-program', issuer: 'wx9' },
        { type: 'OIDC', key: 'ada', issuer: appId },
        { type: 'WX_MINI', key: openid, issuer: appId },
      ]);
      return { buyer, openid };
    };
    const begin = async (buyer = customer().buyer, input: Record<string, unknown> = {}): Promise<Loose> => {
      const order = wechat.world.orders.add({ customerId: buyer.userId, currency: 'CNY' });
      const variables = {
        input: { orderId: order.id, method: 'WECHAT_PAY', tradeType: 'JSAPI', ...input },
        key: newId(),
      };
      const ask = async () => (await wechat.world.run(buyer, documents.create, variables)).data.createPayment;
      return { ...(await ask()), ask, order };
    };
    const paramsOf = (payment: Loose): Record<string, string> => payment.attempts.at(-1).clientParams;

    test('gives the mini program what its customer pays by, and nobody else; its money goes back like any other', async () => {
      const { buyer, openid } = customer();
      const { payment } = await begin(buyer);
      expect(payment.attempts).toMatchObject([{ tradeType: 'jsapi', state: 'REQUIRES_ACTION', redirectUrl: null }]);
      const params = paramsOf(payment);
      expect(Object.keys(params).toSorted()).toEqual(['appId', 'nonceStr', 'package', 'paySign', 'signType', 'timeStamp']);
      const changed: Record<string, string>[] = [{ appId: 'wx9' }, { timeStamp: String(Number(params['timeStamp']) + 1) }, { nonceStr: 'n' }, { package: 'prepay_id=wx1' }];
      for (const change of changed) expect(wechat.server.requestPayment({ ...params, ...change }, openid)).toBe(false);
      expect(wechat.server.requestPayment(params, 'o-somebody-else')).toBe(false);
      expect(wechat.server.requestPayment(params, openid)).toBe(true);
      const settled = await paymentIn(wechat.world, payment.id, 'SETTLED');
      expect(settled).toMatchObject({ captured: { amount: 1_234 }, instrument: 'WeChat Pay' });
      expect(await refund(settled)).toMatchObject({ refund: { state: 'SUCCEEDED' } });
      expect(wechat.server.requestPayment(params, openid)).toBe(false);
    }); // prettier-ignore

    test.each<[string, readonly StandInIdentity[]]>([
      ['no identity', []],
      ['the identity of another mini program', [{ type: 'WX_MINI', key: 'o1', issuer: 'wx9' }]],
      ['another identity of that name', [{ type: 'OIDC', key: 'o1', issuer: appId }]],
    ])('a customer with %s is refused before anything is stored, and scans a code instead', async (_, identities) => {
      const buyer = user();
      wechat.world.orders.identify(buyer.userId, identities);
      const { payment, userErrors, order } = await begin(buyer);
      expect({ payment, userErrors }).toMatchObject({
        payment: null,
        userErrors: [{ __typename: 'IdentityMissingError', code: 'IDENTITY_MISSING', path: ['input', 'tradeType'] }],
      });
      expect(await wechat.world.rows('select 1 from payment where order_id = ?', [bytes(order.id)])).toEqual([]);
      const input = { orderId: order.id, method: 'WECHAT_PAY', tradeType: 'NATIVE' };
      const { data } = await wechat.world.run(buyer, documents.create, { input, key: newId() });
      expect(data.createPayment).toMatchObject({ payment: { attempts: [{ tradeType: 'native' }] }, userErrors: [] });
    });

    test('a customer who was erased meanwhile is refused', async () => {
      const { buyer } = customer();
      wechat.world.orders.forgetUser(buyer.userId);
      expect(await begin(buyer)).toMatchObject({ payment: null, userErrors: [{ code: 'IDENTITY_MISSING' }] });
    });

    test.each(['SIMULATED_CARD', 'WALLET'])('%s has no trade types', async (method) => {
      const refusal = { code: 'VALIDATION', path: ['input', 'tradeType'] };
      for (const tradeType of ['JSAPI', 'NATIVE'])
        expect(await begin(undefined, { method, tradeType })).toMatchObject({ payment: null, userErrors: [refusal] });
    });

    test('the same key goes on with the same payer, also when the answer was lost and the identity is gone', async () => {
      const { buyer, openid } = customer();
      wechat.server.fail('POST /v3/pay/transactions/jsapi', 'lost');
      const { userErrors, ask, order } = await begin(buyer);
      expect(userErrors).toMatchObject([{ code: 'PROVIDER_UNAVAILABLE', retryable: true }]);
      wechat.world.orders.identify(buyer.userId, []);
      const { payment } = await ask();
      expect(await wechat.intents(order.id)).toBe(1);
      expect(wechat.server.requestPayment(paramsOf(payment), openid)).toBe(true);
      await paymentIn(wechat.world, payment.id, 'SETTLED');
    });

    test('an order that is called off can’t be paid by what was given', async () => {
      const { buyer, openid } = customer();
      const { payment } = await begin(buyer);
      await wechat.world.run(buyer, documents.cancel, { id: payment.id, key: newId() });
      await until(() => wechat.order(payment).trade_state === 'CLOSED');
      expect(wechat.server.requestPayment(paramsOf(payment), openid)).toBe(false);
    });

    test('pays the rest of a mixed payment', async () => {
      const { buyer, openid } = customer();
      await credit(wechat.world, buyer.userId, 1_000, 'CNY');
      const order = wechat.world.orders.add({ customerId: buyer.userId, currency: 'CNY' });
      const parts = [{ method: 'WALLET', amount: { amount: 1_000, currency: 'CNY' } }, { method: 'WECHAT_PAY' }];
      const input = { orderId: order.id, parts, tradeType: 'JSAPI' };
      const { data } = await wechat.world.run(buyer, documents.mixed, { input, key: newId() });
      const [wallet, external] = data.createMixedPayment.payments;
      expect(wechat.order(external)).toMatchObject({ total: 234, payer: openid });
      expect(wechat.server.requestPayment(paramsOf(external), openid)).toBe(true);
      await paymentIn(wechat.world, wallet.id, 'SETTLED');
    });
  });

  describe('a refund', () => {
    test('that WeChat does later is pending until it tells of its end', async () => {
      const payment = await paid();
      wechat.server.refunds = 'process';
      expect(await refund(payment)).toMatchObject({ refund: { state: 'PENDING' } });
      const [number] = [...wechat.order(payment).refunds.keys()];
      wechat.server.endRefund(wechat.order(payment).out_trade_no, String(number), 'ABNORMAL');
      await until(async () => (await wechat.world.rows("select 1 from webhook_inbox where type = 'REFUND.ABNORMAL'")).length > 0); // prettier-ignore
      expect(await stateOf(payment)).toMatchObject({ state: 'SETTLED', refunds: [{ state: 'PENDING' }] });
      // Staff have sent it to another account in the merchant's pages.
      wechat.server.endRefund(wechat.order(payment).out_trade_no, String(number), 'SUCCESS');
      await paymentIn(wechat.world, payment.id, 'PARTIALLY_REFUNDED');
    });

    test('that WeChat closes has failed, and its amount is free again', async () => {
      const payment = await paid();
      wechat.server.refunds = 'process';
      expect(await refund(payment, 1_234)).toMatchObject({ refund: { state: 'PENDING' } });
      const [number] = [...wechat.order(payment).refunds.keys()];
      wechat.server.endRefund(wechat.order(payment).out_trade_no, String(number), 'CLOSED');
      await until(async () => (await stateOf(payment)).refunds[0].state === 'FAILED');
      wechat.server.refunds = 'succeed';
      expect(await refund(payment, 1_234)).toMatchObject({ refund: { state: 'SUCCEEDED' } });
    });

    test('whose telling never comes is asked about', async () => {
      const payment = await paid();
      wechat.server.refunds = 'process';
      await refund(payment);
      const [number] = [...wechat.order(payment).refunds.keys()];
      wechat.server.notifications.dropped = true;
      wechat.server.endRefund(wechat.order(payment).out_trade_no, String(number), 'SUCCESS');
      await tryNow(payment);
      await paymentIn(wechat.world, payment.id, 'PARTIALLY_REFUNDED', 15_000);
    }, 20_000);

    test('of the whole, whose answer gets lost, is found though nothing is left to refund', async () => {
      const payment = await paid();
      wechat.server.notifications.dropped = true;
      wechat.server.fail('POST /v3/refund/domestic/refunds', 'lost');
      expect(await refund(payment, 1_234)).toMatchObject({ refund: { state: 'PENDING' } });
      await tryNow(payment);
      await paymentIn(wechat.world, payment.id, 'REFUNDED', 15_000);
      expect(wechat.order(payment).refunds.size).toBe(1);
    }, 20_000);

    test('in the merchant’s pages is booked here as well, once', async () => {
      const payment = await paid();
      wechat.server.refundInDashboard(wechat.order(payment).out_trade_no, 200);
      await paymentIn(wechat.world, payment.id, 'PARTIALLY_REFUNDED');
      const [number] = [...wechat.order(payment).refunds.keys()];
      wechat.server.endRefund(wechat.order(payment).out_trade_no, String(number), 'SUCCESS');
      await until(async () => (await wechat.world.rows("select 1 from webhook_inbox where payment_id = ? and type = 'REFUND.SUCCESS'", [bytes(payment.id)])).length === 2); // prettier-ignore
      expect(await stateOf(payment)).toMatchObject({
        refunded: { amount: 200 },
        refunds: [{ amount: { amount: 200 } }],
      });
      const strange = { mchid: '1900000009', out_trade_no: wechat.order(payment).out_trade_no, out_refund_no: 'x', refund_status: 'SUCCESS', amount: { refund: 100 } }; // prettier-ignore
      expect(await wechat.post(wechat.server.notification('REFUND.SUCCESS', strange))).toMatchObject({ status: 400 });
      expect(await wechat.post(wechat.server.notification('REFUND.SUCCESS', { ...strange, mchid: merchantId, refund_status: 'LOST' }))).toMatchObject({ status: 400 }); // prettier-ignore
      expect(await stateOf(payment)).toMatchObject({ refunded: { amount: 200 } });
    });
  });

  describe('its bill', () => {
    const document = 'query ($day: String!) { reconciliation(day: $day) { matched missingHere missingAtProvider amountMismatch items } }'; // prettier-ignore
    const report = async (day: string): Promise<Loose> =>
      (await wechat.world.run(staff, document, { day })).data.reconciliation;
    const again = () => wechat.world.rows('update reconciliation set checked_at = checked_at - interval 1 minute');
    /** A day that is over, and noon of it in UTC, when China has the same. */
    const day = new Date(Date.now() - 4 * 86_400_000).toISOString().slice(0, 10);
    const noon = `${day} 12:00:00.000`;
    const move = async (payment: Loose): Promise<void> => {
      const at = new Date(`${day}T12:00:00Z`);
      const order = wechat.order(payment);
      order.paidAt = at;
      for (const one of order.refunds.values()) one.at = at;
      await wechat.world.rows('update attempt set finished_at = ? where payment_id = ?', [noon, bytes(payment.id)]);
      await wechat.world.rows('update refund set settled_at = ? where payment_id = ?', [noon, bytes(payment.id)]);
    };

    test('is compared with our ledger, when its day is over and its file made', async () => {
      const payment = await paid();
      expect(await refund(payment)).toMatchObject({ refund: { state: 'SUCCEEDED' } });
      await move(payment);
      // The job may have looked at that day already.
      await again();
      expect(await report(day)).toMatchObject({ matched: 2, missingHere: 0, missingAtProvider: 0, amountMismatch: 0, items: [] }); // prettier-ignore
      Object.assign(wechat.order(payment), { total: 1_235 });
      await again();
      expect(await report(day)).toMatchObject({ matched: 1, amountMismatch: 1, items: [{ provider: 'wechat_pay', kind: 'AMOUNT_MISMATCH' }] }); // prettier-ignore
      Object.assign(wechat.order(payment), { total: 1_234 });
      // Today's is made tomorrow: nothing of today counts as missing there.
      await paid();
      expect(await report(new Date().toISOString().slice(0, 10))).toMatchObject({ missingAtProvider: 0, items: [] });
    });

    test.each(['of another hash', 'of unknown columns', 'that is not made yet'] as const)('%s is no statement', async (what) => {
      await again();
      if (what === 'that is not made yet') wechat.server.fail('GET /v3/bill/tradebill', { status: 400, code: 'STATEMENT_CREATING' }); // prettier-ignore
      else wechat.server.bills = what === 'of another hash' ? 'changed' : 'unknown';
      const { errors } = await wechat.world.run(staff, document, { day });
      wechat.server.bills = 'good';
      expect(errors).toMatchObject([{ code: 'SERVICE_UNAVAILABLE' }]);
    }); // prettier-ignore
  });
});
