import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { createClient } from 'redis';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Answer, type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  createProduct,
  creditWallet,
  dataOf,
  logIn,
  logInAsAdmin,
  newKey,
  orderIn,
  pay,
  placeOrder,
  register,
} from '../../support/shop.ts';
import { until } from '../../support/until.ts';

type Payload = { user: { name: string; status: string; mobile: string | null } | null; userErrors: { code: string; obstacles?: { kind: string; reference: string }[] }[] }; // prettier-ignore
const erasing = 'mutation ($userId: ID!, $key: String) { eraseUser(userId: $userId, reason: "asked for it", idempotencyKey: $key) { user { name status mobile } userErrors { ... on UserError { code } ... on ErasureBlockedError { obstacles { kind reference } } } } }'; // prettier-ignore

describe('[PM-5] a person', () => {
  let platform: Platform;
  let admin: Person;
  let database: Connection;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one', env: { LOG_LEVEL: 'debug' } });
    admin = await logInAsAdmin(platform);
    database = await createConnection({ uri: platform.mysqlUrl });
  }, 150_000);
  afterAll(async () => {
    await database?.end();
    await platform?.stop();
  }, 60_000);

  /** A word that stands nowhere else, to be found wherever it is kept. */
  let planted: string[] = [];
  const plant = (what: string): string => {
    const word = `Zq${what}${newKey().slice(0, 8)}`;
    planted.push(word);
    return word;
  };
  const run = async (person: Person, document: string, variables: Record<string, unknown> = {}) => {
    const data = dataOf(await platform.gql<Record<string, { userErrors?: object[] } & Record<string, never>>>(document, variables, { token: person.token })); // prettier-ignore
    for (const payload of Object.values(data)) expect(payload.userErrors ?? []).toEqual([]);
    return data as unknown as Record<string, { orderReturn: { id: string } }>;
  };
  const erase = (userId: string, key = newKey()): Promise<Answer<{ eraseUser: Payload }>> =>
    platform.gql<{ eraseUser: Payload }>(erasing, { userId, key }, { token: admin.token });
  const errors = 'userErrors { ... on UserError { code message } }';

  /** Somebody who left traces wherever one can. */
  async function customer(): Promise<Person> {
    const buyer = await register(platform, plant('Name'));
    planted.push(buyer.mobile);
    const info = { nickname: plant('Nick'), info: plant('Info'), avatar: `https://a.test/${plant('Avatar')}` };
    await run(buyer, `mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { ${errors} } }`, { input: info }); // prettier-ignore
    const address = (what: string) => ({ name: plant(what), company: plant('Firm'), line1: plant('Street'), city: plant('City'), postalCode: '10115', countryCode: 'DE', phone: '+4930123456' }); // prettier-ignore
    await run(buyer, `mutation ($address: PostalAddressInput!, $label: String, $key: String!) { saveAddress(address: $address, label: $label, idempotencyKey: $key) { ${errors} } }`, { address: address('Home'), label: plant('Label'), key: newKey() }); // prettier-ignore
    const product = await createProduct(platform, admin, { priceMinor: 1_000, onHand: 10 });
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 2 }], {
      remark: 'overwritten below',
      clientReference: plant('Reference'),
      extension: { giftMessage: plant('Gift') },
      shippingAddress: address('Ship'),
      billingAddress: address('Bill'),
    });
    await run(buyer, `mutation ($id: ID!, $remark: String!) { updateOrderRemark(id: $id, remark: $remark) { ${errors} } }`, { id, remark: plant('Remark') }); // prettier-ignore
    await pay(platform, buyer, id);
    const { lines, payments } = await orderIn(platform, buyer, id, ['PAID']);
    const line = { lineId: lines[0]?.id, quantity: 1 };
    const keyed = { id, key: newKey() };
    await run(admin, `mutation ($id: ID!, $note: String!, $key: String) { addOrderNote(id: $id, note: $note, idempotencyKey: $key) { ${errors} } }`, { ...keyed, note: plant('Note') }); // prettier-ignore
    await run(admin, `mutation ($id: ID!, $number: String, $key: String!) { fulfilOrder(id: $id, carrier: "DHL", trackingNumber: $number, idempotencyKey: $key) { ${errors} } }`, { ...keyed, number: plant('Track') }); // prettier-ignore
    const { requestReturn } = await run(buyer, `mutation ($id: ID!, $lines: [OrderLineQuantityInput!]!, $reason: String!, $key: String!) { requestReturn(orderId: $id, lines: $lines, reason: $reason, idempotencyKey: $key) { orderReturn { id } ${errors} } }`, { ...keyed, lines: [line], reason: plant('Return') }); // prettier-ignore
    const returnId = requestReturn?.orderReturn.id;
    await run(admin, `mutation ($id: ID!, $reason: String) { decideReturn(returnId: $id, approve: true, reason: $reason) { ${errors} } }`, { id: returnId, reason: plant('Decided') }); // prettier-ignore
    await run(admin, `mutation ($id: ID!, $lines: [ReceivedLineInput!]!) { receiveReturn(returnId: $id, lines: $lines) { ${errors} } }`, { id: returnId, lines: [{ ...line, restock: 1 }] }); // prettier-ignore
    await run(admin, `mutation ($input: RefundInput!, $key: String!) { refundPayment(input: $input, idempotencyKey: $key) { ${errors} } }`, { input: { paymentId: payments[0]?.id, amount: { amount: 100, currency: 'EUR' }, reason: plant('Refund') }, key: newKey() }); // prettier-ignore
    await run(admin, `mutation ($userId: ID!, $amount: MoneyInput!, $reason: String!, $key: String!) { creditWallet(userId: $userId, amount: $amount, reason: $reason, idempotencyKey: $key) { ${errors} } }`, { userId: buyer.id, amount: { amount: 1_000, currency: 'EUR' }, reason: plant('Credit'), key: newKey() }); // prettier-ignore
    await run(admin, `mutation ($userId: ID!, $reason: String!) { suspendUser(userId: $userId, reason: $reason) { ${errors} } reinstateUser(userId: $userId) { ${errors} } }`, { userId: buyer.id, reason: plant('Suspended') }); // prettier-ignore
    const again = await logIn(platform, buyer);
    await until(async () => (await platform.gql<{ order: { refundPendingTotal: { amount: number }; refundedTotal: { amount: number } } }>('query ($id: ID!) { order(id: $id) { refundPendingTotal { amount } refundedTotal { amount } } }', { id }, { token: admin.token })).data?.order.refundedTotal.amount === 1_100, { what: 'the refunds', timeoutMs: 15_000 }); // prettier-ignore
    return again;
  }

  /** Spends what is in the wallet, so that nothing is left. */
  async function spendAll(buyer: Person): Promise<void> {
    const { id: productId } = await createProduct(platform, admin, { kind: 'DIGITAL', priceMinor: 1_000 });
    const { id } = await placeOrder(platform, buyer, [{ productId, quantity: 1 }], { type: 'PREPAY' });
    await orderIn(platform, buyer, id, ['COMPLETED']);
  }

  /** Where planted words are in the schemas of the platform; the provider is another company. */
  async function inTables(words: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const service of ['user', 'product', 'order', 'payment']) {
      const schema = `${platform.prefix}_${service}`;
      const [columns] = await database.query('select table_name t, column_name c from information_schema.columns where table_schema = ?', [schema]); // prettier-ignore
      for (const { t, c } of columns as { t: string; c: string }[]) {
        const [rows] = await database.query(
          `select convert(cast(\`${c}\` as binary) using latin1) v from ${schema}.\`${t}\``,
        );
        for (const { v } of rows as { v: string | null }[])
          for (const word of words) if (v?.includes(word)) found.push(`${service}.${t}.${c}: ${word}`);
      }
    }
    return [...new Set(found)];
  }

  async function inRedis(words: readonly string[]): Promise<string[]> {
    const redis = createClient({ url: platform.redisUrl });
    await redis.connect();
    const found: string[] = [];
    const look = (key: string, content: unknown): void => {
      const text = key + JSON.stringify(content);
      for (const word of words) if (text.includes(word)) found.push(`${key}: ${word}`);
    };
    for await (const keys of redis.scanIterator({ COUNT: 1_000 }))
      for (const key of keys) {
        const type = await redis.type(key);
        if (type === 'string') look(key, await redis.get(key));
        else if (type === 'hash') look(key, await redis.hGetAll(key));
        else if (type === 'stream') look(key, await redis.xRange(key, '-', '+'));
        else if (type === 'zset') look(key, await redis.zRange(key, 0, -1));
        else if (type === 'set') look(key, await redis.sMembers(key));
        else if (type === 'list') look(key, await redis.lRange(key, 0, -1));
      }
    await redis.close();
    return found;
  }

  const erasureOf = async (userId: string): Promise<{ pass: number; done_at: Date | null } | undefined> => {
    const [rows] = await database.query(`select pass, done_at from ${platform.prefix}_user.erasure where user_id = unhex(replace(?, '-', ''))`, [userId]); // prettier-ignore
    return (rows as { pass: number; done_at: Date | null }[])[0];
  };
  /** Everywhere, once. */
  const erased = (userId: string) =>
    until(async () => (await erasureOf(userId))?.pass === 1, { what: 'the erasure', timeoutMs: 40_000 });
  /** And once more: the time for which tokens are good is over at once. */
  async function erasedForGood(userId: string): Promise<void> {
    await database.query(`update ${platform.prefix}_user.erasure set due_at = utc_timestamp(3) where user_id = unhex(replace(?, '-', ''))`, [userId]); // prettier-ignore
    await until(async () => (await erasureOf(userId))?.done_at instanceof Date, { what: 'the last pass', timeoutMs: 40_000 }); // prettier-ignore
  }
  /** What a token that is still good, and events on their way, leave behind a service that is done. */
  async function writeLate({ id }: Person): Promise<void> {
    const word = plant('Late');
    const write = (service: string, statement: string, ...values: string[]) =>
      database.query(statement.replaceAll('@', `${platform.prefix}_${service}.`), [...values, id.replaceAll('-', '')]);
    await write('order', 'update @orders set remark = ?, updated_at = utc_timestamp(3) where customer_id = unhex(?)', word); // prettier-ignore
    await write('payment', 'update @payment set return_url = ? where customer_id = unhex(?)', `https://a.test/${word}`);
    await write('payment', 'update @payment set payer = ? where customer_id = unhex(?)', `o-${word}`);
    await write('user', 'update @user_account set info = ? where id = unhex(?)', word);
    for (const service of ['user', 'product', 'order', 'payment']) {
      const event = JSON.stringify({ type: 'order.placed', data: { customerId: id, note: word } });
      await database.query(
        `insert into ${platform.prefix}_${service}.dead_letter (event_id, service, type, aggregate_id, event, attempts, error, failed_at, replayed_at)
         select unhex(replace(uuid(), '-', '')), ?, 'order.placed', id, ?, 5, 'no', utc_timestamp(3), utc_timestamp(3) from ${platform.prefix}_order.orders where customer_id = unhex(?) limit 1`,
        [service, event, id.replaceAll('-', '')],
      );
    }
  }

  test('has all that is kept as JSON, and nobody else but administrators does', async () => {
    planted = [];
    const buyer = await customer();
    const exporting = (person: Person, userId: string | null) =>
      platform.gql<{ exportPersonalData: unknown }>('mutation ($userId: ID) { exportPersonalData(userId: $userId) }', { userId }, { token: person.token }); // prettier-ignore
    const own = JSON.stringify(dataOf(await exporting(buyer, null)).exportPersonalData);
    // What the shop writes about people for itself.
    const hidden = planted.filter((word) => /^Zq(Note|Suspended)/.test(word));
    expect(planted.filter((word) => !own.includes(word) && !hidden.includes(word))).toEqual([]);
    expect(own).not.toContain('$argon2');
    const whole = JSON.parse(own) as Record<string, { isComplete?: object }>;
    expect([whole['user'], whole['order'], whole['payment'], whole['product']].map((part) => part?.isComplete)).toEqual(
      [
        { addresses: true, identities: true, sessions: true, notifications: true, acts: true, emailVerifications: true, webhookEndpoints: true }, // prettier-ignore
        { orders: true, histories: true },
        { payments: true, wallets: true },
        { products: true },
      ],
    );
    expect(own).toContain('Test card');
    expect((await exporting(await register(platform), buyer.id)).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect(JSON.stringify(dataOf(await exporting(admin, buyer.id)))).toContain(planted[0]);

    const blocked = dataOf(await erase(buyer.id)).eraseUser.userErrors;
    expect(blocked).toEqual([{ code: 'ERASURE_BLOCKED', obstacles: [{ kind: 'WALLET_BALANCE', reference: 'EUR' }] }]);
    await spendAll(buyer);
    expect((await inTables(planted)).length).toBeGreaterThan(20);

    expect(dataOf(await erase(buyer.id)).eraseUser).toEqual({ user: { name: 'Erased user', status: 'ERASED', mobile: null }, userErrors: [] }); // prettier-ignore
    await erased(buyer.id);
    const [cards] = await database.query(`select a.instrument from ${platform.prefix}_payment.attempt a join ${platform.prefix}_payment.payment p on p.id = a.payment_id where p.customer_id = unhex(replace(?, '-', '')) and a.instrument is not null`, [buyer.id]); // prettier-ignore
    expect(cards).toEqual([]);
    expect(await inTables(planted)).toEqual([]);
    await writeLate(buyer);
    expect(new Set((await inTables(planted)).map((found) => found.split('.')[0])).size).toBe(4);
    await erasedForGood(buyer.id);
    expect(await inTables(planted)).toEqual([]);
    expect(await inRedis(planted)).toEqual([]);
    expect(planted.filter((word) => platform.logs().includes(word))).toEqual([]);
    await expectCleanAudit(platform);

    // Nobody signs in, the token has ended, and the number is free.
    await expect(logIn(platform, buyer)).rejects.toThrow('INVALID_CREDENTIALS');
    await until(async () => (await platform.gql('{ me { name } }', {}, { token: buyer.token })).errors?.[0]?.extensions.code === 'UNAUTHENTICATED', { timeoutMs: 5_000 }); // prettier-ignore
    const input = { name: 'Somebody else', mobile: buyer.mobile, password: 'correct horse battery' };
    await run(admin, `mutation ($input: RegisterInput!) { register(input: $input) { ${errors} } }`, { input });
    // Staff see the orders, of nobody.
    type Orders = { user: { name: string; orders: { edges: { node: { number: string; remark: string | null; total: { amount: number } } }[] } } }; // prettier-ignore
    const { user } = dataOf(await platform.gql<Orders>('query ($id: ID!) { user(id: $id) { name orders { edges { node { number remark total { amount } } } } } }', { id: buyer.id }, { token: admin.token })); // prettier-ignore
    expect(user.name).toBe('Erased user');
    expect(user.orders.edges.map(({ node }) => [node.remark, node.total.amount])).toEqual([[null, 1_000], [null, 2_000]]); // prettier-ignore
    // Nothing more is done for an erased user, and erasing once more succeeds.
    expect(dataOf(await erase(buyer.id)).eraseUser.userErrors).toEqual([]);
    for (const change of [
      'suspendUser(userId: $id, reason: "x")',
      'setRoles(userId: $id, roles: [ADMIN])',
      'reinstateUser(userId: $id)',
    ]) {
      const { data } = await platform.gql<Record<string, Payload>>(`mutation ($id: ID!) { done: ${change} { ${errors} } }`, { id: buyer.id }, { token: admin.token }); // prettier-ignore
      expect(data?.['done']?.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    }
    await expect(creditWallet(platform, admin, buyer, 1)).rejects.toThrow('NOT_FOUND');
  }, 120_000);

  test('with something under way is told what has to end first, and nothing is erased', async () => {
    const buyer = await register(platform, 'Waiting Wanda');
    const { id: productId } = await createProduct(platform, admin, { priceMinor: 1_000 });
    const { number } = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
    expect(dataOf(await erase(buyer.id)).eraseUser).toEqual({
      user: null,
      userErrors: [{ code: 'ERASURE_BLOCKED', obstacles: [{ kind: 'OPEN_ORDER', reference: number }] }],
    });
    expect(dataOf(await platform.gql<{ me: { name: string } }>('{ me { name } }', {}, { token: buyer.token })).me.name).toBe('Waiting Wanda'); // prettier-ignore
  });

  for (const point of ['user.erasure_recorded', 'order.person_erased', 'user.erased_in_payment'])
    test(`is erased everywhere although the process dies at ${point}`, async () => {
      planted = [];
      const buyer = await customer();
      await spendAll(buyer);
      await platform.dieAt(point);
      await erase(buyer.id).catch(() => undefined);
      await platform.died();
      await platform.restart();
      await erased(buyer.id);
      expect(await inTables(planted)).toEqual([]);
      expect(await inRedis(planted)).toEqual([]);
      await expectCleanAudit(platform);
    }, 120_000);
});
