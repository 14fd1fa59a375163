import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type PaymentWorld,
  credit,
  documents,
  openPaymentWorld,
  staff,
  user,
  walletOf,
} from './support/payment-world.ts';

describe('a wallet', () => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await openPaymentWorld({ worker: false });
  }, 60_000);
  afterAll(() => world?.close());

  const creditBy = async (viewer: Parameters<PaymentWorld['run']>[0], variables: Record<string, unknown>) =>
    (
      await world.run(viewer, documents.creditWallet, {
        userId: newId(),
        amount: { amount: 500, currency: 'EUR' },
        reason: 'Sorry',
        key: newId(),
        ...variables,
      })
    ).data.creditWallet;

  test('that has never moved is empty in the currency that is asked for, and there is none without one', async () => {
    const customer = user();
    expect(await walletOf(world, customer.userId)).toMatchObject({
      balance: { amount: 0, currency: 'EUR' },
      held: { amount: 0, currency: 'EUR' },
      entries: { edges: [] },
    });
    const { data } = await world.run(customer, documents.wallet, { u: [{ __typename: 'User', id: customer.userId }] });
    expect(data._entities[0].wallet).toBeNull();
  });

  test('is credited by staff once for a key, and tells how it came to its balance, newest first, by pages', async () => {
    const customer = user();
    const key = newId();
    const first = { userId: customer.userId, reason: 'Welcome', key };
    expect(await creditBy(staff, first)).toMatchObject({ replayed: false, wallet: { balance: { amount: 500 } }, userErrors: [] });
    expect(await creditBy(staff, first)).toMatchObject({ replayed: true, wallet: { balance: { amount: 500 } } });
    expect(await creditBy(staff, { ...first, reason: 'Another' })).toMatchObject({ wallet: null, userErrors: [{ code: 'IDEMPOTENCY_CONFLICT' }] });
    await credit(world, customer.userId, 250);
    await credit(world, customer.userId, 1_000, 'USD');

    const ask = async (variables: Record<string, unknown>) =>
      (await world.run(customer, documents.wallet, { u: [{ __typename: 'User', id: customer.userId }], ...variables })).data._entities[0].wallet;
    const page = await ask({ first: 1 });
    expect(page).toMatchObject({
      balance: { amount: 750, currency: 'EUR' },
      entries: {
        pageInfo: { hasNextPage: true },
        edges: [{ node: { seq: 2, direction: 'CREDIT', amount: { amount: 250 }, balanceAfter: { amount: 750 } } }],
      },
    });
    expect((await ask({ first: 1, after: page.entries.pageInfo.endCursor })).entries).toMatchObject({
      pageInfo: { hasNextPage: false },
      edges: [{ node: { seq: 1, amount: { amount: 500 }, balanceAfter: { amount: 500 }, reason: 'Welcome' } }],
    });
    expect((await ask({ currency: 'USD' })).balance).toEqual({ amount: 1_000, currency: 'USD' });
  });

  test('is credited by nobody but staff, for nobody but a user, by nothing but a positive amount', async () => {
    expect(await creditBy(user(), {})).toMatchObject({ wallet: null, userErrors: [{ code: 'FORBIDDEN' }] });
    const nobody = newId();
    world.orders.forgetUser(nobody);
    for (const userId of [nobody, 'nobody']) {
      expect(await creditBy(staff, { userId })).toMatchObject({ wallet: null, userErrors: [{ code: 'NOT_FOUND', path: ['userId'] }] });
    }
    const wrong: [Record<string, unknown>, string[]][] = [
      [{ amount: { amount: 0, currency: 'EUR' } }, ['amount', 'amount']],
      [{ amount: { amount: -5, currency: 'EUR' } }, ['amount', 'amount']],
      [{ amount: { amount: 5, currency: 'euro' } }, ['amount', 'currency']],
      [{ reason: ' ' }, ['reason']],
      [{ reason: 'x'.repeat(201) }, ['reason']],
      [{ reason: '\ud800' }, ['reason']],
    ];
    for (const [variables, path] of wrong) {
      expect(await creditBy(staff, variables)).toMatchObject({ wallet: null, userErrors: [{ code: 'VALIDATION', path }] });
    }
  });

  test('never holds more than JSON can tell', async () => {
    const userId = newId();
    const most = { amount: Number.MAX_SAFE_INTEGER, currency: 'EUR' };
    const key = newId();
    // So much takes two people.
    expect(await creditBy(staff, { userId, amount: most, key })).toMatchObject({ wallet: null });
    const admin = { ...user(), roles: ['ADMIN' as const] };
    expect(await creditBy(admin, { userId, amount: most, key })).toMatchObject({ wallet: { balance: most } });
    expect(await creditBy(staff, { userId, amount: { amount: 1, currency: 'EUR' } })).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
    expect(await walletOf(world, userId)).toMatchObject({ balance: most, entries: { edges: [{}] } });
  });

  test('is shown to its owner and staff only', async () => {
    const customer = user();
    await credit(world, customer.userId, 5);
    const ask = (viewer: Parameters<PaymentWorld['run']>[0], more = {}) =>
      world.run(viewer, documents.wallet, { u: [{ __typename: 'User', id: customer.userId }], ...more });
    expect((await ask(user())).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await ask({ kind: 'anonymous' })).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await ask(customer)).data._entities[0].wallet.balance.amount).toBe(5);
    expect((await ask(customer, { currency: 'eur' })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    expect((await ask(customer, { after: 'bm90' })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });

  test('can not be brought below zero, not even by SQL', async () => {
    const customer = user();
    await credit(world, customer.userId, 5);
    const { id } = await walletOf(world, customer.userId);
    await expect(
      world.rows("update ledger_account set balance_minor = -1 where id = unhex(replace(?, '-', ''))", [id]),
    ).rejects.toThrow(/ledger_account_covered/);
  });
}); // prettier-ignore
