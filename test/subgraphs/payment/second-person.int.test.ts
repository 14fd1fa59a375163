import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Role } from '../../../subgraphs/shared/auth/viewer.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { readPaymentConfig } from '../../../subgraphs/payment/config.ts';
import { until } from '../../support/until.ts';
import { type PaymentWorld, bytes, confirm, create, documents, openPaymentWorld, user } from './support/payment-world.ts'; // prettier-ignore

const limit = 10_000;
const someone = (...roles: Role[]) => ({ ...user(), roles: ['CUSTOMER', ...roles] as Role[] });
const [operator, other] = [someone('OPERATOR'), someone('OPERATOR')];
const [admin, second] = [someone('ADMIN'), someone('ADMIN')];

let world: PaymentWorld;
beforeAll(async () => {
  const bank = { BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051', BANK_TRANSFER_HOLDER: 'The Shop' };
  world = await openPaymentWorld({ env: { STAFF_APPROVAL_ABOVE: String(limit), ...bank } });
}, 60_000);
afterAll(() => world?.close());

const errors = 'userErrors { __typename ... on UserError { code message } ... on ApprovalRequiredError { limit { amount currency } } }'; // prettier-ignore
const creditMutation = `mutation ($userId: ID!, $amount: MoneyInput!, $key: String!) {
  creditWallet(userId: $userId, amount: $amount, reason: "Sorry", idempotencyKey: $key) { replayed wallet { balance { amount } } ${errors} } }`;
type Viewer = ReturnType<typeof someone>;
async function credit(viewer: Viewer, userId: string, amount: number, key = newId(), currency = 'EUR') {
  const result = await world.run(viewer, creditMutation, { userId, amount: { amount, currency }, key });
  expect(result.errors).toEqual([]);
  return result.data.creditWallet as { replayed: boolean; wallet: { balance: { amount: number } } | null; userErrors: { code: string }[] }; // prettier-ignore
}
const codes = ({ userErrors }: { userErrors: { code: string }[] }): string =>
  userErrors.map(({ code }) => code).join() || 'done';
const balanceOf = async (userId: string): Promise<number> => {
  const [row] = (await world.rows("select balance_minor from ledger_account where owner_id = ? and kind = 'AVAILABLE'", [bytes(userId)])) as { balance_minor: string }[]; // prettier-ignore
  return Number(row?.balance_minor ?? 0);
};

test('by default one person may give 10,000.00', () => {
  expect(readPaymentConfig({}).staffApprovalAboveMinor).toBe(1_000_000n);
  expect(() => readPaymentConfig({ STAFF_APPROVAL_ABOVE: '0' })).toThrow('STAFF_APPROVAL_ABOVE');
});

describe('staff', () => {
  test.each([['OPERATOR'], ['ADMIN']] as Role[][])('of role %s credit nothing to themselves', async (role) => {
    const self = someone(role);
    for (const amount of [1, 1_000_000_000]) expect(codes(await credit(self, self.userId, amount))).toBe('FORBIDDEN');
    expect(await balanceOf(self.userId)).toBe(0);
  });

  test('refund, capture, retry and confirm nothing of their own', async () => {
    const buyer = someone('OPERATOR');
    const orderId = world.orders.add({ customerId: buyer.userId }).id;
    const payment = await create(world, buyer, orderId);
    await confirm(world, payment);
    await until(async () => (await world.run(buyer, documents.payment, { id: payment.id })).data.payment.state === 'SETTLED'); // prettier-ignore
    const input = { paymentId: payment.id, amount: { amount: 100, currency: 'EUR' }, reason: 'mine' };
    const refund = (viewer: Viewer) => world.run(viewer, documents.refund, { input, key: newId() });
    expect(codes((await refund(buyer)).data.refundPayment)).toBe('FORBIDDEN');
    const capture = await world.run(buyer, documents.capture, { id: payment.id, key: newId() });
    expect(codes(capture.data.capturePayment)).toBe('FORBIDDEN');

    const done = (await refund(operator)).data.refundPayment;
    expect(codes(done)).toBe('done');
    for (const field of [
      'retryRefund(refundId: $id, idempotencyKey: $key)',
      'confirmRefund(refundId: $id, reference: "bank", idempotencyKey: $key)',
    ]) {
      // prettier-ignore
      const { data } = await world.run(buyer, `mutation ($id: ID!, $key: String!) { done: ${field} { ${errors} } }`, { id: done.refund.id, key: newId() }); // prettier-ignore
      expect(codes(data.done)).toBe('FORBIDDEN');
    }
  });
});

describe('more than one person may give', () => {
  test('is credited once an administrator sends the same request, once', async () => {
    const { userId } = user();
    const key = newId();
    expect((await credit(operator, userId, limit + 1, key)).userErrors).toMatchObject([
      { __typename: 'ApprovalRequiredError', code: 'APPROVAL_REQUIRED', limit: { amount: limit, currency: 'EUR' } },
    ]);
    expect(codes(await credit(operator, userId, limit + 1, key))).toBe('APPROVAL_REQUIRED');
    expect(codes(await credit(other, userId, limit + 1, key))).toBe('APPROVAL_REQUIRED');
    expect(codes(await credit(admin, userId, limit + 2, key))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await balanceOf(userId)).toBe(0);

    const both = await Promise.all([admin, second].map((viewer) => credit(viewer, userId, limit + 1, key)));
    expect(both.map(codes)).toEqual(['done', 'done']);
    expect(both.filter(({ replayed }) => replayed)).toHaveLength(1);
    expect(await credit(operator, userId, limit + 1, key)).toMatchObject({ replayed: true, userErrors: [] });
    expect(await balanceOf(userId)).toBe(limit + 1);
  });

  test('is not given by one administrator alone, nor to the second person', async () => {
    const { userId } = user();
    const key = newId();
    for (let twice = 0; twice < 2; twice += 1)
      expect(codes(await credit(admin, userId, limit + 1, key))).toBe('APPROVAL_REQUIRED');
    expect(codes(await credit(admin, userId, limit + 1))).toBe('APPROVAL_REQUIRED');
    const forSecond = newId();
    expect(codes(await credit(admin, second.userId, limit + 1, forSecond))).toBe('APPROVAL_REQUIRED');
    expect(codes(await credit(second, second.userId, limit + 1, forSecond))).toBe('FORBIDDEN');
    expect([await balanceOf(userId), await balanceOf(second.userId)]).toEqual([0, 0]);
  });

  test("can't be given in parts, one after the other or at once, by several, and is again the next day", async () => {
    const { userId } = user();
    expect(codes(await credit(operator, userId, limit))).toBe('done');
    expect(codes(await credit(operator, userId, 1))).toBe('APPROVAL_REQUIRED');
    expect(codes(await credit(admin, userId, 1))).toBe('APPROVAL_REQUIRED');
    expect(codes(await credit(operator, userId, limit, newId(), 'USD'))).toBe('done');

    const another = user().userId;
    const parts = await Promise.all([operator, other, admin, second].map((viewer) => credit(viewer, another, 4_000)));
    expect(parts.map(codes).toSorted()).toEqual(['APPROVAL_REQUIRED', 'APPROVAL_REQUIRED', 'done', 'done']);
    expect(await balanceOf(another)).toBe(8_000);
    await world.rows('update ledger_entry set at = at - interval 25 hour');
    expect(codes(await credit(operator, another, limit))).toBe('done');
  });

  test('[PM-4] is refunded once an administrator sends the same request, once', async () => {
    const buyer = user();
    const orderId = world.orders.add({ customerId: buyer.userId, balanceDueMinor: limit + 5 }).id;
    const payment = await create(world, buyer, orderId);
    await confirm(world, payment);
    const settled = async () => (await world.run(buyer, documents.payment, { id: payment.id })).data.payment;
    await until(async () => (await settled()).state === 'SETTLED');
    const amount = Number((await settled()).captured.amount);
    expect(amount).toBeGreaterThan(limit);
    const key = newId();
    const refund = async (viewer: Viewer) =>
      (await world.run(viewer, documents.refund, { input: { paymentId: payment.id, amount: { amount, currency: 'EUR' }, reason: 'back' }, key })).data.refundPayment; // prettier-ignore
    expect(codes(await refund(operator))).toBe('APPROVAL_REQUIRED');
    expect(codes(await refund(other))).toBe('APPROVAL_REQUIRED');
    expect((await world.rows('select 1 from refund where payment_id = ?', [bytes(payment.id)])).length).toBe(0);
    expect(codes(await refund(admin))).toBe('done');
    expect(codes(await refund(second))).toBe('done');
    expect((await world.rows('select 1 from refund where payment_id = ?', [bytes(payment.id)])).length).toBe(1);
  });

  test('counts as above the limit for a wallet of which not all of the day can be seen', async () => {
    const { userId } = user();
    expect(codes(await credit(operator, userId, 1))).toBe('done');
    const [account] = await world.rows("select id from ledger_account where owner_id = ? and kind = 'AVAILABLE'", [bytes(userId)]); // prettier-ignore
    const [first] = await world.rows('select transfer_id from ledger_entry where account_id = ?', [account.id]);
    const many = Array.from({ length: 1_000 }, (_, index) => [account.id, index + 2, first.transfer_id, 1, 1, new Date()]); // prettier-ignore
    await world.rows('insert into ledger_entry (account_id, seq, transfer_id, amount_minor, balance_after_minor, at) values ?', [many]); // prettier-ignore
    await world.rows('update ledger_account set seq = 1001 where id = ?', [account.id]);
    expect(codes(await credit(operator, userId, 1))).toBe('APPROVAL_REQUIRED');
  });

  test("can't be refunded in parts, one after the other or at once", async () => {
    const paid = async () => {
      const buyer = user();
      const orderId = world.orders.add({ customerId: buyer.userId, balanceDueMinor: 3 * limit }).id;
      const payment = await create(world, buyer, orderId);
      await confirm(world, payment);
      await until(async () => (await world.run(buyer, documents.payment, { id: payment.id })).data.payment.state === 'SETTLED'); // prettier-ignore
      return payment.id as string;
    };
    const refund = async (viewer: Viewer, paymentId: string, amount: number, key = newId()) =>
      (await world.run(viewer, documents.refund, { input: { paymentId, amount: { amount, currency: 'EUR' }, reason: 'back' }, key })).data.refundPayment; // prettier-ignore
    const first = await paid();
    const own = newId();
    expect(codes(await refund(operator, first, limit - 1, own))).toBe('done');
    expect(codes(await refund(other, first, 2))).toBe('APPROVAL_REQUIRED');
    const key = newId();
    expect((await refund(other, first, 2, key)).userErrors).toMatchObject([{ path: ['input', 'amount', 'amount'] }]);
    expect(codes(await refund(admin, first, 2, key))).toBe('done');
    expect(await refund(operator, first, limit - 1, own)).toMatchObject({ replayed: true, userErrors: [] });
    const second = await paid();
    const parts = await Promise.all([operator, other, admin].map((viewer) => refund(viewer, second, 4_000)));
    expect(parts.map(codes).toSorted()).toEqual(['APPROVAL_REQUIRED', 'done', 'done']);
  });

  test('[PM-4] is retried by two where it had FAILED, and counts with what was given that day', async () => {
    const paid = async (balanceDueMinor: number) => {
      const buyer = user();
      const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId, balanceDueMinor }).id);
      await confirm(world, payment);
      await until(async () => (await world.run(buyer, documents.payment, { id: payment.id })).data.payment.state === 'SETTLED'); // prettier-ignore
      return payment;
    };
    const refuses = (payment: Awaited<ReturnType<typeof paid>>, refunds: 'refuse' | 'succeed') =>
      world.provider('POST', '/v1/test/webhooks', { intent: payment.attempts[0].providerTransactionId, refunds });
    const failedRefund = async (payment: Awaited<ReturnType<typeof paid>>, amount: number) => {
      const input = { paymentId: payment.id, amount: { amount, currency: 'EUR' }, reason: 'back' };
      const { refund } = (await world.run(operator, documents.refund, { input, key: newId() })).data.refundPayment;
      expect(refund.state).toBe('FAILED');
      return refund.id as string;
    };
    const retry = async (viewer: Viewer, id: string, key = newId()) =>
      (await world.run(viewer, `mutation ($id: ID!, $key: String!) { retryRefund(refundId: $id, idempotencyKey: $key) { replayed refund { state } ${errors} } }`, { id, key })).data.retryRefund; // prettier-ignore
    const payment = await paid(3 * limit);
    await refuses(payment, 'refuse');
    const [small, other] = [await failedRefund(payment, limit - 1), await failedRefund(payment, 2)];
    // Asked for days ago, they count from when they are made after all.
    await world.rows('update refund set created_at = created_at - interval 3 day where payment_id = ?', [bytes(payment.id)]); // prettier-ignore
    await refuses(payment, 'succeed');
    expect(codes(await retry(operator, small))).toBe('done');
    expect(codes(await retry(operator, other))).toBe('APPROVAL_REQUIRED');
    expect(codes(await retry(operator, other))).toBe('APPROVAL_REQUIRED');
    expect((await world.rows('select state from refund where id = ?', [bytes(other)]))[0].state).toBe('FAILED');
    const key = newId();
    expect(await retry(admin, other, key)).toMatchObject({ replayed: false, userErrors: [] });
    expect(await retry(admin, other, key)).toMatchObject({ replayed: true, userErrors: [] });
    const [act] = await world.rows("select data from outbox where type = 'staff.acted' and data like ? order by id desc limit 1", [`%refund:${other}%`]); // prettier-ignore
    expect(JSON.stringify(act)).toContain(operator.userId);
    await until(async () => (await world.rows("select 1 from refund where payment_id = ? and state = 'SUCCEEDED'", [bytes(payment.id)])).length === 2); // prettier-ignore
  });

  test('is not said to have come by transfer by one person', async () => {
    const begun = async (balanceDueMinor: number) => {
      const buyer = user();
      const { id: orderId } = world.orders.add({ customerId: buyer.userId, balanceDueMinor });
      const input = { orderId, method: 'BANK_TRANSFER' };
      return (await world.run(buyer, documents.create, { input, key: newId() })).data.createPayment.payment
        .id as string;
    };
    const arrived = async (viewer: Viewer, id: string, key: string, amount?: object) =>
      (await world.run(viewer, documents.capture, { id, key, amount })).data.capturePayment;
    expect(codes(await arrived(operator, await begun(limit), newId()))).toBe('done');
    const [large, key] = [await begun(limit + 1), newId()];
    expect(codes(await arrived(operator, large, newId(), { amount: limit, currency: 'EUR' }))).toBe('AMOUNT_MISMATCH');
    for (const viewer of [operator, operator, other])
      expect(codes(await arrived(viewer, large, key))).toBe('APPROVAL_REQUIRED');
    expect(await arrived(admin, large, key)).toMatchObject({ userErrors: [], payment: { state: 'SETTLED' } });
    expect(await arrived(operator, large, key)).toMatchObject({ replayed: true, payment: { state: 'SETTLED' } });
  });
});

test('what staff write has something to see and no control characters, in every mutation', async () => {
  const money = { amount: 1, currency: 'EUR' };
  const mutations = {
    creditWallet: [`mutation ($text: String!, $id: ID!, $key: String!, $money: MoneyInput!) { done: creditWallet(userId: $id, amount: $money, reason: $text, idempotencyKey: $key) { ${errors} } }`, 200],
    refundPayment: [`mutation ($text: String!, $id: ID!, $key: String!, $money: MoneyInput!) { done: refundPayment(input: { paymentId: $id, amount: $money, reason: $text }, idempotencyKey: $key) { ${errors} } }`, 255],
    confirmRefund: [`mutation ($text: String!, $id: ID!, $key: String!) { done: confirmRefund(refundId: $id, reference: $text, idempotencyKey: $key) { ${errors} } }`, 128],
  } as const; // prettier-ignore
  for (const [name, [document, max]] of Object.entries(mutations)) {
    for (const text of ['', ' ', '\u200b\u2060', 'a\u0000', '\u001b[2J', 'x'.repeat(max + 1)]) {
      const { data } = await world.run(operator, document, { text, id: newId(), key: newId(), money });
      expect([name, text, codes(data.done)]).toEqual([name, text, 'VALIDATION']);
    }
    const { data } = await world.run(operator, document, { text: '👍'.repeat(max), id: newId(), key: newId(), money });
    expect([name, codes(data.done)]).not.toEqual([name, 'VALIDATION']);
  }
});
