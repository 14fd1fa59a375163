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

const wallets = 20;
const operations = 2_000;
const atOnce = 48;

describe(`${operations} spends and top-ups at the same time on ${wallets} wallets`, () => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await openPaymentWorld({ worker: false });
  }, 60_000);
  afterAll(() => world?.close());

  test('lose nothing, overdraw nothing, and sum to zero', async () => {
    const customers = await Promise.all(Array.from({ length: wallets }, async () => {
      const customer = user();
      await credit(world, customer.userId, 500);
      return { customer, expected: 500, spent: 0, refused: 0 };
    }));
    /** As a client does: again, with the same key, until there is an answer. */
    const ask: PaymentWorld['run'] = async (viewer, document, variables) => {
      for (let tries = 1; ; tries += 1) {
        const answer = await world.run(viewer, document, variables);
        if (answer.data || tries >= 10) return answer;
      }
    };
    const spend = async (one: (typeof customers)[number], amount: number): Promise<void> => {
      const order = world.orders.add({ customerId: one.customer.userId, balanceDueMinor: amount });
      const { data } = await ask(one.customer, documents.create, { input: { orderId: order.id, method: 'WALLET' }, key: newId() });
      const { payment, userErrors } = data.createPayment;
      if (payment) {
        one.expected -= amount;
        one.spent += 1;
      } else {
        expect(userErrors).toMatchObject([{ code: 'INSUFFICIENT_BALANCE' }]);
        one.refused += 1;
      }
    };
    const fill = async (one: (typeof customers)[number], amount: number): Promise<void> => {
      const variables = { userId: one.customer.userId, amount: { amount, currency: 'EUR' }, reason: 'load', key: newId() };
      const { data } = await ask(staff, documents.creditWallet, variables);
      expect(data.creditWallet.userErrors).toEqual([]);
      one.expected += amount;
    };
    let next = 0;
    const line = async (): Promise<void> => {
      for (let index = next++; index < operations; index = next++) {
        const one = customers[index % wallets];
        if (!one) throw new Error('there is a customer for each number');
        // Spends are larger than what is filled in, so that wallets run dry in between.
        await (index % 3 === 0 ? fill(one, 20 + (index % 37)) : spend(one, 15 + (index % 61)));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, line));

    for (const { customer, expected } of customers) {
      expect((await walletOf(world, customer.userId)).balance.amount).toBe(expected);
      expect(expected).toBeGreaterThanOrEqual(0);
    }
    expect(customers.reduce((sum, { spent }) => sum + spent, 0)).toBeGreaterThan(operations / 4);
    expect(customers.reduce((sum, { refused }) => sum + refused, 0)).toBeGreaterThan(0);
    const [total] = await world.rows('select sum(balance_minor) total, min(if(kind in (\'AVAILABLE\', \'HELD\'), balance_minor, 0)) least from ledger_account');
    expect([Number(total.total), Number(total.least)]).toEqual([0, 0]);
    expect(await world.rows('select transfer_id from ledger_entry group by transfer_id having sum(amount_minor) <> 0 or count(*) <> 2')).toEqual([]);
    expect(await world.rows(`select a.id from ledger_account a join (select account_id, sum(amount_minor) total, count(*) entries, max(seq) last_ from ledger_entry group by account_id) e
      on e.account_id = a.id where a.balance_minor <> e.total or a.seq <> e.entries or a.seq <> e.last_`)).toEqual([]);
  }, 120_000);
}); // prettier-ignore
