import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Answer, type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  createPayment,
  createProduct,
  dataOf,
  logInAsAdmin,
  newKey,
  orderIn,
  pay,
  placeOrder,
  readOrder,
  register,
} from '../../support/shop.ts';

const priceMinor = 500;
const maxSafe = Number.MAX_SAFE_INTEGER;

type Refused = Record<string, { userErrors: { __typename: string; code: string; path: string[] | null }[] } | null>;
type Amount = { amount: unknown; currency?: unknown };
/** A mutation that takes an amount of money, and the typed errors that it answers with. */
type Operation = {
  readonly name: string;
  readonly document: string;
  readonly variables: (amount: Amount) => Record<string, unknown>;
  readonly staffOnly: boolean;
  /** For an amount that is not positive; for one in another currency; for the largest amount that there is. */
  readonly expected: { readonly low: string; readonly foreign: string; readonly high: string | null };
};
const errors = 'userErrors { __typename ... on UserError { code path } }';

describe('an amount that can not be is refused by a typed error, and nothing comes of it', () => {
  let platform: Platform;
  let staff: Person;
  let buyer: Person;
  let openOrderId: string;
  let paidOrderId: string;
  let paymentId: string;

  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
    const product = await createProduct(platform, staff, { priceMinor });
    const place = () => placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
    [openOrderId, paidOrderId] = [(await place()).id, (await place()).id];
    paymentId = (await pay(platform, buyer, paidOrderId)).id;
    await orderIn(platform, buyer, paidOrderId, ['PAID']);
    await run(operations.creditWallet, { amount: 300, currency: 'EUR' });
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  const mixed = (parts: (amount: Amount) => unknown[]) => ({
    document: `mutation M($input: CreateMixedPaymentInput!, $key: String!) { createMixedPayment(input: $input, idempotencyKey: $key) { ${errors} } }`,
    variables: (amount: Amount) => ({ input: { orderId: openOrderId, parts: parts(amount) } }),
    staffOnly: false,
    expected: { low: 'VALIDATION', foreign: 'AMOUNT_MISMATCH', high: 'AMOUNT_MISMATCH' },
  });
  const operations = {
    createPayment: {
      name: 'createPayment',
      document: `mutation C($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { ${errors} } }`,
      variables: (amount) => ({ input: { orderId: openOrderId, method: 'SIMULATED_CARD', amount } }),
      staffOnly: false,
      expected: { low: 'AMOUNT_MISMATCH', foreign: 'AMOUNT_MISMATCH', high: 'AMOUNT_MISMATCH' },
    },
    walletPart: {
      name: 'createMixedPayment, in the wallet’s part',
      ...mixed((amount) => [{ method: 'WALLET', amount }, { method: 'SIMULATED_CARD' }]),
    },
    otherPart: {
      name: 'createMixedPayment, in the other part',
      ...mixed((amount) => [{ method: 'WALLET' }, { method: 'SIMULATED_CARD', amount }]),
    },
    refundPayment: {
      name: 'refundPayment',
      document: `mutation R($input: RefundInput!, $key: String!) { refundPayment(input: $input, idempotencyKey: $key) { ${errors} } }`,
      variables: (amount) => ({ input: { paymentId, amount, reason: 'test' } }),
      staffOnly: true,
      expected: { low: 'VALIDATION', foreign: 'VALIDATION', high: 'REFUND_LIMIT' },
    },
    refundOrder: {
      name: 'refundOrder',
      document: `mutation O($input: RefundOrderInput!, $key: String!) { refundOrder(input: $input, idempotencyKey: $key) { ${errors} } }`,
      variables: (amount) => ({ input: { orderId: paidOrderId, amount, reason: 'test' } }),
      staffOnly: true,
      expected: { low: 'VALIDATION', foreign: 'VALIDATION', high: 'REFUND_LIMIT' },
    },
    creditWallet: {
      name: 'creditWallet',
      document: `mutation W($userId: ID!, $amount: MoneyInput!, $key: String!) { creditWallet(userId: $userId, amount: $amount, reason: "test", idempotencyKey: $key) { ${errors} } }`,
      variables: (amount) => ({ userId: buyer.id, amount }),
      staffOnly: true,
      // A wallet may have any currency, and 300 more than the largest amount is too much.
      expected: { low: 'VALIDATION', foreign: 'VALIDATION', high: 'VALIDATION' },
    },
  } satisfies Record<string, Operation>;
  const all: readonly Operation[] = Object.values(operations);

  const run = (operation: Operation, amount: Amount): Promise<Answer<Refused>> =>
    platform.gql<Refused>(
      operation.document,
      { ...operation.variables(amount), key: newKey() },
      { token: operation.staffOnly ? staff.token : buyer.token },
    );
  const walletOf = async (): Promise<number> => {
    type Me = { me: { wallet: { balance: { amount: number } } } };
    const me = '{ me { wallet(currency: "EUR") { balance { amount } } } }';
    return dataOf(await platform.gql<Me>(me, {}, { token: buyer.token })).me.wallet.balance.amount;
  };
  /** Everything that could have come of one of these. */
  const world = async () => ({
    open: await readOrder(platform, buyer, openOrderId),
    paid: await readOrder(platform, buyer, paidOrderId),
    wallet: await walletOf(),
  });

  const refusals = all.flatMap((operation) => {
    const { low, foreign, high } = operation.expected;
    const currency = operation === operations.creditWallet ? 'euro' : 'USD';
    return [
      { operation, what: '0', amount: { amount: 0, currency: 'EUR' }, code: low },
      { operation, what: 'less than nothing', amount: { amount: -1, currency: 'EUR' }, code: low },
      { operation, what: '−(2^53 − 1)', amount: { amount: -maxSafe, currency: 'EUR' }, code: low },
      { operation, what: '2^53 − 1', amount: { amount: maxSafe, currency: 'EUR' }, code: high },
      { operation, what: `a foreign currency (${currency})`, amount: { amount: 100, currency }, code: foreign },
      { operation, what: 'an empty currency', amount: { amount: 100, currency: '' }, code: foreign },
    ];
  });
  test.each(refusals)('$operation.name of $what', async ({ operation, amount, code }) => {
    const before = await world();
    const answer = await run(operation, amount);
    expect(answer).toMatchObject({ status: 200 });
    const [payload] = Object.values(dataOf(answer));
    expect(payload?.userErrors.map((error) => error.code)).toEqual([code]);
    expect(await world()).toEqual(before);
  });

  const unreadable: { what: string; amount: Amount; says: RegExp }[] = [
    { what: '2^53', amount: { amount: maxSafe + 1, currency: 'EUR' }, says: /amount.*safe|safe.*amount/i },
    { what: '−2^53', amount: { amount: -maxSafe - 1, currency: 'EUR' }, says: /amount.*safe|safe.*amount/i },
    { what: '1e300', amount: { amount: 1e300, currency: 'EUR' }, says: /amount/ },
    { what: 'half a cent', amount: { amount: 0.5, currency: 'EUR' }, says: /amount.*integer|integer.*amount/i },
    { what: 'words', amount: { amount: 'much', currency: 'EUR' }, says: /amount/ },
    { what: 'nothing at all', amount: { amount: null, currency: 'EUR' }, says: /amount/ },
    { what: 'no currency', amount: { amount: 100 }, says: /currency/ },
    { what: 'a number for a currency', amount: { amount: 100, currency: 978 }, says: /currency/ },
  ];
  test.each(all.flatMap((operation) => unreadable.map((one) => ({ operation, ...one }))))(
    '$operation.name of $what, which is told before anything is done',
    async ({ operation, amount, says }) => {
      const before = await world();
      const answer = await run(operation, amount);
      expect(answer).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
      expect(answer.errors?.[0]?.message).toMatch(says);
      expect(await world()).toEqual(before);
    },
  );

  test('also when it is written into the document', async () => {
    const document = `mutation { refundPayment(input: { paymentId: "${paymentId}", amount: { amount: 9007199254740992, currency: "EUR" }, reason: "test" }, idempotencyKey: "${newKey()}") { ${errors} } }`;
    const answer = await platform.gql(document, {}, { token: staff.token });
    expect(answer).toMatchObject({ status: 400, errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
    expect(answer.errors?.[0]?.message).toMatch(/safe/i);
  });

  test('and what is right is taken afterwards', async () => {
    await createPayment(platform, buyer, openOrderId);
    const refund = await run(operations.refundPayment, { amount: priceMinor, currency: 'EUR' });
    expect(Object.values(dataOf(refund))[0]?.userErrors).toEqual([]);
    await orderIn(platform, buyer, paidOrderId, ['PAID']);
    await expectCleanAudit(platform);
  });
});
