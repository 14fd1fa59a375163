import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT, importJWK } from 'jose';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  type PlaceOptions,
  createProduct,
  dataOf,
  logInAsAdmin,
  newKey,
  newMobile,
  operation,
  placeOrder,
  register,
  stockOf,
  tryCreatePayment,
  tryPlaceOrder,
} from '../../support/shop.ts';

const unknownId = '01890000-0000-7000-8000-000000000000';
const maxSafe = Number.MAX_SAFE_INTEGER;

/** The development key of the user subgraph, which is public: a token that only its times make bad. */
const developmentJwk = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'g2KQh0oRI_O6IS3bcfp-14qG9cHHI-cuDnZeIrIowLE',
  d: 'DzP5qQdirqaQtkX90tYMnmfGWKimq9t5_douDZgupoo',
};

describe('bad input is a typed error and changes nothing', () => {
  let platform: Platform;
  let staff: Person;
  let buyer: Person;
  let product: { id: string };
  let orderId: string;

  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
    product = await createProduct(platform, staff, { onHand: 1_000, priceMinor: 500 });
    orderId = (await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }])).id;
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  /** Code of a refusal: of the first user error, else of the first error. */
  const refusal = (answer: { data?: unknown; errors?: { extensions: { code: string } }[] }): string => {
    const payload = Object.values((answer.data ?? {}) as Record<string, { userErrors?: { code: string }[] } | null>)[0];
    return payload?.userErrors?.[0]?.code ?? answer.errors?.[0]?.extensions.code ?? 'none';
  };

  const berlin = { name: 'Ada', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE' };
  const line = (quantity: unknown, productId = product.id) =>
    ({ productId, quantity }) as { productId: string; quantity: number };
  const placements: [string, () => { lines: ReturnType<typeof line>[] } & PlaceOptions, string][] = [
    ['an unknown product', () => ({ lines: [line(1, unknownId)] }), 'NOT_FOUND'],
    ['an id that is none', () => ({ lines: [line(1, "x'; drop table orders; --")] }), 'NOT_FOUND'],
    ['no line', () => ({ lines: [] }), 'VALIDATION'],
    ['a quantity of 0', () => ({ lines: [line(0)] }), 'VALIDATION'],
    ['a negative quantity', () => ({ lines: [line(-1)] }), 'VALIDATION'],
    ['a huge quantity', () => ({ lines: [line(2_147_483_647)] }), 'VALIDATION'],
    ['a quantity beyond an Int', () => ({ lines: [line(2_147_483_648)] }), 'BAD_USER_INPUT'],
    ['a fraction', () => ({ lines: [line(1.5)] }), 'BAD_USER_INPUT'],
    ['text for a number', () => ({ lines: [line('many')] }), 'BAD_USER_INPUT'],
    ['101 lines', () => ({ lines: Array.from({ length: 101 }, () => line(1)) }), 'VALIDATION'],
    ["another currency than the product's", () => ({ lines: [line(1)], currency: 'USD' }), 'VALIDATION'],
    ['a currency that is none', () => ({ lines: [line(1)], currency: 'euro' }), 'VALIDATION'],
    ['an order type that does not exist', () => ({ lines: [line(1)], type: 'BARTER' }), 'VALIDATION'],
    ['an empty idempotency key', () => ({ lines: [line(1)], key: '' }), 'VALIDATION'],
    ['an idempotency key of 129 characters', () => ({ lines: [line(1)], key: 'k'.repeat(129) }), 'VALIDATION'],
    ['a remark of 1,025 characters', () => ({ lines: [line(1)], remark: 'r'.repeat(1_025) }), 'VALIDATION'],
    ['a field that does not exist', () => ({ lines: [line(1)], discount: 100 }), 'BAD_USER_INPUT'],
    [
      'an address without a city',
      () => ({ lines: [line(1)], shippingAddress: { name: 'A', line1: 'B', countryCode: 'DE' } }),
      'BAD_USER_INPUT',
    ],
    [
      'an address in a country that is none',
      () => ({ lines: [line(1)], shippingAddress: { ...berlin, countryCode: 'XX' } }),
      'VALIDATION',
    ],
    [
      'a bill with an escape sequence',
      () => ({ lines: [line(1)], billingAddress: { ...berlin, name: '\u001b[31mred' } }),
      'VALIDATION',
    ],
    ['an address of nobody', () => ({ lines: [line(1)], shippingAddressId: "x'; drop table orders; --" }), 'NOT_FOUND'],
    ['an unknown shipping method', () => ({ lines: [line(1)], shippingMethod: '../../etc/passwd' }), 'VALIDATION'],
    ['another total', () => ({ lines: [line(1)], expectedTotal: 1 }), 'TOTAL_CHANGED'],
    ['a total beyond 2^53', () => ({ lines: [line(1)], expectedTotal: 9_007_199_254_740_992 }), 'BAD_USER_INPUT'],
  ];
  test.each(placements)('[GM-4] placeOrder with %s', async (_, input, code) => {
    const before = await stockOf(platform, staff, product.id);
    const { lines, ...options } = input();
    expect(refusal(await tryPlaceOrder(platform, buyer, lines, options))).toBe(code);
    expect(await stockOf(platform, staff, product.id)).toEqual(before);
  });

  test('an order whose total is beyond what an amount can be is refused before anything is taken', async () => {
    const dear = await createProduct(platform, staff, { priceMinor: maxSafe, onHand: 10 });
    expect(['VALIDATION', 'BUSINESS_REJECTED']).toContain(
      refusal(await tryPlaceOrder(platform, buyer, [line(2, dear.id)])),
    );
    expect((await stockOf(platform, staff, dear.id)).allocated).toBe(0);
  });

  const payments: [string, () => Record<string, unknown>, string][] = [
    ['an unknown order', () => ({ orderId: unknownId }), 'NOT_FOUND'],
    ['an id that is none', () => ({ orderId: '../../etc/passwd' }), 'NOT_FOUND'],
    ['an amount of 0', () => ({ orderId, amount: { amount: 0, currency: 'EUR' } }), 'AMOUNT_MISMATCH'],
    ['a negative amount', () => ({ orderId, amount: { amount: -500, currency: 'EUR' } }), 'AMOUNT_MISMATCH'],
    [
      'another amount than what is due',
      () => ({ orderId, amount: { amount: 501, currency: 'EUR' } }),
      'AMOUNT_MISMATCH',
    ],
    ['another currency', () => ({ orderId, amount: { amount: 500, currency: 'USD' } }), 'AMOUNT_MISMATCH'],
    [
      'an amount beyond 2^53',
      () => ({ orderId, amount: { amount: 9_007_199_254_740_992, currency: 'EUR' } }),
      'BAD_USER_INPUT',
    ],
    ['a method that does not exist', () => ({ orderId, method: 'SEASHELLS' }), 'BAD_USER_INPUT'],
    ['a return URL that is a script', () => ({ orderId, returnUrl: 'javascript:alert(1)' }), 'VALIDATION'],
  ];
  test.each(payments)('createPayment with %s', async (_, input, code) => {
    expect(refusal(await tryCreatePayment(platform, buyer, input()))).toBe(code);
  });

  const products: [string, Record<string, unknown>, string][] = [
    ['a price of 0', { price: { amount: 0, currency: 'EUR' } }, 'VALIDATION'],
    ['a negative price', { price: { amount: -1, currency: 'EUR' } }, 'VALIDATION'],
    ['a negative stock', { initialOnHand: -1 }, 'VALIDATION'],
    ['a currency that is none', { price: { amount: 1, currency: '€' } }, 'VALIDATION'],
    ['a name of nothing but spaces', { name: '   ' }, 'VALIDATION'],
  ];
  test.each(products)('createProduct with %s', async (_, input, code) => {
    const document =
      'mutation P($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) { userErrors { ... on UserError { code } } } }';
    const good = {
      sku: `BAD-${newKey().slice(0, 8)}`,
      name: 'Bad',
      description: 'Bad',
      price: { amount: 1, currency: 'EUR' },
    };
    expect(
      refusal(await platform.gql(document, { input: { ...good, ...input }, key: newKey() }, { token: staff.token })),
    ).toBe(code);
  });

  test.each([
    ['a country that is none', { countryCode: 'XX' }, ['address', 'countryCode']],
    ['a postal code of another country', { postalCode: 'SW1A 1AA' }, ['address', 'postalCode']],
    ['no postal code where there is one', { postalCode: null }, ['address', 'postalCode']],
    ['a phone number that is none', { phone: 'call me' }, ['address', 'phone']],
    ['a name with an escape sequence', { name: '\u001b[31mred' }, ['address', 'name']],
  ])('saveAddress with %s', async (_, input, path) => {
    const address = { name: 'Ada', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE', ...input };
    const document =
      'mutation ($address: PostalAddressInput!, $key: String!) { saveAddress(address: $address, idempotencyKey: $key) { address { id } userErrors { ... on UserError { code path } } } }';
    const answer = await platform.gql(document, { address, key: newKey() }, { token: buyer.token });
    expect(answer.data).toEqual({ saveAddress: { address: null, userErrors: [{ code: 'VALIDATION', path }] } });
  });

  test.each([
    ['a mobile number with letters', { mobile: 'call me' }],
    ['a short password', { password: 'short' }],
    ['an empty name', { name: '' }],
  ])('register with %s', async (_, input) => {
    const good = { name: 'Somebody', mobile: newMobile(), password: 'long enough 1' };
    expect(refusal(await platform.gql(operation('register'), { input: { ...good, ...input } }))).toBe('VALIDATION');
  });

  const raw = async (
    body: string | undefined,
    headers: Record<string, string> = { 'content-type': 'application/json' },
    method = 'POST',
  ) => {
    const response = await fetch(`${platform.url}/graphql`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    expect(text).not.toMatch(/node_modules|\.ts:\d+|\bat .+\(/);
    return {
      status: response.status,
      code: (JSON.parse(text) as { errors?: { extensions?: { code?: string } }[] }).errors?.[0]?.extensions?.code,
    };
  };
  test.each<[string, string, number, string]>([
    ['broken JSON', '{"query": ', 400, 'BAD_REQUEST'],
    ['JSON that is no request', '[]', 400, 'BAD_REQUEST'],
    ['no query', '{}', 400, 'BAD_REQUEST'],
    ['a query that is no GraphQL', '{"query":"{ products "}', 400, 'GRAPHQL_PARSE_FAILED'],
    ['a field that does not exist', '{"query":"{ secrets }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'an internal operation',
      '{"query":"mutation { releaseStock(sagaId: \\"1\\", branch: \\"b\\", orderId: \\"1\\", reason: \\"r\\") }"}',
      400,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a literal that JSON has no number for',
      '{"query":"mutation { placeOrder(input: { lines: [], currency: \\"EUR\\", extension: { a: [1, -1e400] } }, idempotencyKey: \\"k\\") { order { id } } }"}',
      400,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a variable that JSON has no number for',
      '{"query":"mutation M($input: PlaceOrderInput!) { placeOrder(input: $input, idempotencyKey: \\"k\\") { order { id } } }","variables":{"input":{"lines":[],"currency":"EUR","extension":{"a":[1,1e400]}}}}',
      400,
      'BAD_USER_INPUT',
    ],
    ['entities', '{"query":"{ _entities(representations: []) { __typename } }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
  ])('a request with %s', async (_, body, status, code) => {
    expect(await raw(body)).toEqual({ status, code });
  });

  test('a body of more than 100 KiB', async () => {
    const { status, code } = await raw(
      JSON.stringify({ query: `{ products { edges { node { name } } } } #${'x'.repeat(110_000)}` }),
    );
    expect([status, typeof code]).toEqual([413, 'string']);
  });

  test('a query that is too deep', async () => {
    const deep = `{ me { orders { edges { node { customer { orders { edges { node { customer { orders { edges { node { id } } } } } } } } } } } } }`;
    expect((await raw(JSON.stringify({ query: deep }))).status).toBe(400);
  });

  test.each<[string, () => string | Promise<string>]>([
    ['nonsense', () => 'Bearer nonsense'],
    ['another scheme', () => 'Basic YTpi'],
    ['an expired token', () => token({ expiresInSeconds: -60 })],
    ['a token for somebody else', () => token({ audience: 'another-api' })],
    ['a token of another kind', () => token({ type: 'JWT' })],
    [
      'an unsigned token',
      () =>
        `Bearer ${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify({ sub: buyer.id })).toString('base64url')}.`,
    ],
  ])('a request with %s', async (_, authorization) => {
    const answer = await raw(JSON.stringify({ query: '{ me { id } }' }), {
      'content-type': 'application/json',
      authorization: await authorization(),
    });
    expect(answer).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
  });

  async function token(options: { expiresInSeconds?: number; audience?: string; type?: string }): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const signed = await new SignJWT({ sid: unknownId, roles: ['ADMIN'] })
      .setProtectedHeader({ alg: 'EdDSA', typ: options.type ?? 'at+jwt', kid: 'development-only' })
      .setIssuer('order-platform')
      .setAudience(options.audience ?? 'order-platform-api')
      .setSubject(buyer.id)
      .setIssuedAt(now - 120)
      .setExpirationTime(now + (options.expiresInSeconds ?? 300))
      .sign(await importJWK(developmentJwk, 'EdDSA'));
    return `Bearer ${signed}`;
  }

  const webhook = async (body: string, signature: string | undefined, provider = 'simulated'): Promise<number> => {
    const response = await fetch(`${platform.url}/webhooks/${provider}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(signature === undefined ? {} : { 'simulated-signature': signature }),
      },
      body,
    });
    await response.arrayBuffer();
    return response.status;
  };
  const sign = (body: string, secret: string, seconds: number): string =>
    `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
  test.each<[string, (body: string, now: number) => string | undefined]>([
    ['no signature', () => undefined],
    ['a signature that is none', () => 'signed, the provider'],
    ["somebody else's signature", (body, now) => sign(body, 'whsec_of_somebody_else', now)],
    ['an old signature', (body, now) => sign(body, 'whsec_simulated_development', now - 3_600)],
    ['a signature from the future', (body, now) => sign(body, 'whsec_simulated_development', now + 3_600)],
  ])('a webhook with %s changes nothing', async (_, signature) => {
    const body = JSON.stringify({
      id: `evt_${newKey()}`,
      type: 'payment_intent.succeeded',
      data: { object: { id: 'pi_unknown', status: 'succeeded', amount: 500, currency: 'EUR', metadata: {} } },
    });
    const status = await webhook(body, signature(body, Math.floor(Date.now() / 1000)));
    expect([400, 401, 403]).toContain(status);
    const { order } = dataOf(
      await platform.gql<{ order: { state: string } }>(
        'query O($id: ID!) { order(id: $id) { state } }',
        { id: orderId },
        { token: buyer.token },
      ),
    );
    expect(order.state).toBe('PENDING_PAYMENT');
  });
  test('a webhook of a provider that does not exist', async () => {
    expect(await webhook('{}', undefined, 'nobody')).toBe(404);
  });

  test('after all this the invariants hold', async () => {
    await expectCleanAudit(platform);
    expect(platform.logs()).not.toContain('unexpected error');
  });
});
