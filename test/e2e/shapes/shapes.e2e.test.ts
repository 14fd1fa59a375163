import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { operationNames } from '../../../schema/client-operations.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import { type Person, createPayment, createProduct, logInAsAdmin, newKey, operation, orderIn, pay, placeOrder, register, watch } from '../../support/shop.ts'; // prettier-ignore

type Sent = {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly token?: string | undefined;
};

let platform: Platform;
/** What is sent in both shapes, by what it is. */
let cases: Record<string, Sent>;
let subscriptions: Record<string, Sent>;
const inOneProcess: Record<string, string> = {};

const unknownId = '01900000-0000-7000-8000-000000000000';
const names = operationNames();
const address = { name: 'Test Buyer', line1: 'Hauptstr. 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE' };

beforeAll(async () => {
  platform = await startPlatform({ shape: 'one' });
  const staff = await logInAsAdmin(platform);
  const buyer = await register(platform);
  const product = await createProduct(platform, staff, { onHand: 50 });
  const stay = await createProduct(platform, staff, { kind: 'BOOKABLE', capacity: 2, maxGuests: 2 });
  const paid = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 2 }]);
  await pay(platform, buyer, paid.id);
  await orderIn(platform, buyer, paid.id, ['PAID']);
  const open = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
  const payment = await createPayment(platform, buyer, open.id);
  cases = { ...queries({ staff, buyer, product, stay, open }), ...mutations({ staff, buyer, product, open, payment }), ...mistakes({ buyer, open }) }; // prettier-ignore
  subscriptions = followed({ staff, buyer, open });
  // What a mutation does it has done then: from here on its key brings the same answer in both shapes.
  for (const sent of Object.values(cases)) await send(sent);
  for (const [name, sent] of Object.entries(cases)) inOneProcess[name] = await send(sent);
  for (const [name, sent] of Object.entries(subscriptions)) inOneProcess[name] = await firstOf(sent);
  await platform.terminate();
  await platform.restart({}, 'split');
}, 180_000);
afterAll(() => platform?.stop(), 60_000);

type Scene = {
  readonly staff: Person;
  readonly buyer: Person;
  readonly product: { readonly id: string };
  readonly stay: { readonly id: string };
  readonly open: { readonly id: string };
  readonly payment: { readonly id: string };
};

function queries({ staff, buyer, product, stay, open }: Omit<Scene, 'payment'>): Record<string, Sent> {
  const of = (name: string, variables: Record<string, unknown>, token?: string): Record<string, Sent> => ({ [name]: { query: operation(name), variables, token } }); // prettier-ignore
  return {
    ...of('availability', { id: stay.id, from: '2030-01-01', to: '2030-01-08' }),
    ...of('dead-letters', {}, staff.token),
    ...of('identity-issuers', {}),
    ...of('me', {}, buyer.token),
    ...of('my-orders', {}, buyer.token),
    ...of('my-wallet', { currency: 'EUR' }, buyer.token),
    ...of('order-inside', { id: open.id }, staff.token),
    ...of('order', { id: open.id }, buyer.token),
    ...of('orders', {}, staff.token),
    ...of('pay-options', { orderId: open.id, currency: 'EUR' }, buyer.token),
    ...of('product', { id: product.id }),
    ...of('quote-order', { input: { currency: 'EUR', lines: [{ productId: product.id, quantity: 1 }] } }),
    ...of('cart-products', { ids: [product.id, stay.id] }),
    ...of('products', {}),
    ...of('stock', {}, staff.token),
    ...of('categories', {}),
    ...of('my-account', {}, buyer.token),
    ...of('my-addresses', {}, buyer.token),
    ...of('price-rules', {}, staff.token),
    ...of('promotions', {}, staff.token),
    ...of('returns', {}, staff.token),
    ...of('sold-lines', {}, staff.token),
    ...of('sales-report', { from: '2026-01-01', to: '2026-01-31', interval: 'MONTH', currency: 'EUR' }, staff.token),
    ...of('shop-date', {}),
    // Entries come some time after what they tell of.
    ...of('audit-log', { actorId: unknownId }, staff.token),
    ...of('customer', { id: buyer.id, currency: 'EUR' }, staff.token),
    ...of('customer-sessions', { id: buyer.id }, staff.token),
    ...of('disputes', {}, staff.token),
    ...of('endpoint-deliveries', {}, staff.token),
    ...of('find', { text: 'Test' }, staff.token),
    ...of('low-stock', {}, staff.token),
    ...of('nights', { id: stay.id, from: '2030-01-01', to: '2030-01-08' }, staff.token),
    ...of('notifications', {}, staff.token),
    ...of('unread-notifications', {}, staff.token),
    ...of('reconciliation', { day: '2026-01-01' }, staff.token),
    ...of('refunds', {}, staff.token),
    ...of('sagas', {}, staff.token),
    ...of('staff-members', {}, staff.token),
    ...of('staff-product', { id: product.id }, staff.token),
    ...of('staff-products', {}, staff.token),
    ...of('stock-movements', { id: product.id }, staff.token),
    ...of('users', { query: 'Test' }, staff.token),
    ...of('wallet-entries', { userId: buyer.id, currency: 'EUR' }, staff.token),
    ...of('webhook-deliveries', {}, staff.token),
    ...of('webhook-endpoints', {}, staff.token),
  };
}

function mutations({ staff, buyer, product, open, payment }: Omit<Scene, 'stay'>): Record<string, Sent> {
  const of = (name: string, variables: Record<string, unknown>, token?: string): Record<string, Sent> => ({ [name]: { query: operation(name), variables: { ...variables, ...(operation(name).includes('$idempotencyKey') && { idempotencyKey: newKey() }) }, token } }); // prettier-ignore
  const eur = (amount: number) => ({ amount, currency: 'EUR' });
  return {
    ...of('adjust-stock', { changes: [{ productId: product.id, delta: 3 }] }, staff.token),
    ...of('set-stock', { changes: [{ productId: product.id, onHand: 60 }] }, staff.token),
    ...of('credit-wallet', { userId: buyer.id, amount: eur(500), reason: 'shapes' }, staff.token),
    ...of('place-order', { input: { currency: 'EUR', lines: [{ productId: product.id, quantity: 1 }] } }, buyer.token),
    ...of('create-payment', { input: { orderId: open.id, method: 'SIMULATED_CARD' } }, buyer.token),
    ...of('create-mixed-payment', { input: { orderId: open.id, parts: [{ method: 'WALLET', amount: eur(100) }, { method: 'SIMULATED_CARD' }] } }, buyer.token), // prettier-ignore
    ...of('retry-payment', { paymentId: payment.id }, buyer.token),
    ...of('refund-payment', { input: { paymentId: payment.id, amount: eur(1) } }, staff.token),
    ...of('cancel-order', { id: unknownId }, buyer.token),
    ...of('fulfil-order', { id: open.id }, staff.token),
    ...of('redeem-order', { number: 'NONE', confirmationCode: '000000' }, staff.token),
    ...of('retry-saga', { id: unknownId }, staff.token),
    ...of('replay-order-dead-letter', { id: unknownId }, staff.token),
    ...of('replay-payment-dead-letter', { id: unknownId }, staff.token),
    ...of('replay-product-dead-letter', { id: unknownId }, staff.token),
    ...of('register', { input: { name: 'Twice', mobile: buyer.mobile, password: 'correct horse battery' } }),
    ...of('login', { mobile: buyer.mobile, password: 'not the password' }),
    ...of('refresh-tokens', { refreshToken: 'made up' }),
    ...of('request-password-reset', { mobile: buyer.mobile }),
    ...of('reset-password', { mobile: buyer.mobile, code: 'AAAA-BBBB-CCCC', password: 'correct horse battery' }),
    ...of('begin-identity-login', { issuer: 'https://id.example', redirectUri: 'https://shop.example' }),
    ...of('login-with-identity', { type: 'OIDC', code: 'made up', proof: 'made up' }),
    ...of('logout', {}),
    ...of('add-order-note', { id: open.id, note: 'shapes' }, staff.token),
    ...of('advance-order', { id: open.id }, staff.token),
    ...of('archive-order', { id: open.id }, buyer.token),
    ...of('resolve-attention', { id: open.id, to: 'COMPLETED', note: 'shapes' }, staff.token),
    ...of('cancel-fulfilment', { fulfilmentId: unknownId, reason: 'shapes' }, staff.token),
    ...of('mark-delivered', { fulfilmentId: unknownId }, staff.token),
    ...of('request-return', { orderId: open.id, lines: [{ lineId: unknownId, quantity: 1 }], reason: 'shapes' }, buyer.token), // prettier-ignore
    ...of('decide-return', { returnId: unknownId, approve: true }, staff.token),
    ...of('receive-return', { returnId: unknownId, lines: [{ lineId: unknownId, quantity: 1, restock: 1 }], refund: true }, staff.token), // prettier-ignore
    ...of('cancel-return', { returnId: unknownId }, buyer.token),
    ...of('refund-order', { input: { orderId: open.id, amount: eur(1), reason: 'shapes' } }, staff.token),
    ...of('capture-payment', { paymentId: payment.id }, staff.token),
    ...of('cancel-payment', { paymentId: unknownId }, buyer.token),
    ...of('save-address', { address }, buyer.token),
    ...of('remove-address', { id: unknownId }, buyer.token),
    ...of('save-category', { slug: 'shapes', name: 'Shapes' }, staff.token),
    ...of('remove-category', { id: unknownId }, staff.token),
    ...of('save-promotion', { input: { name: 'Shapes', kind: 'PERCENT', code: 'SHAPES', valuePpm: 100_000 } }, staff.token), // prettier-ignore
    ...of('save-shipping-method', { id: unknownId, input: { code: 'SHAPES', name: 'Shapes', countries: ['DE'], rates: [{ price: eur(490) }] } }, staff.token), // prettier-ignore
    ...of('save-tax-rate', { input: { countryCode: 'SE', name: 'Moms', ratePpm: 250_000, validFrom: '2026-01-01T00:00:00Z' } }, staff.token), // prettier-ignore
    ...of('change-password', { current: 'not the password', next: 'correct horse battery staple' }, buyer.token),
    ...of('revoke-session', { sessionId: unknownId }, buyer.token),
    ...of('update-profile', { input: { nickname: 'shapes' } }, buyer.token),
    ...of('confirm-refund', { refundId: unknownId, reference: 'shapes' }, staff.token),
    ...of('retry-refund', { refundId: unknownId }, staff.token),
    ...of('create-product', { input: { sku: 'SHAPES-1', name: 'Shapes', description: 'Shapes', price: eur(100) } }, staff.token), // prettier-ignore
    ...of('update-product', { input: { id: product.id, expectedVersion: 99, name: 'Shapes' } }, staff.token),
    ...of('invite-user', { name: 'Twice', mobile: buyer.mobile, roles: ['OPERATOR'] }, staff.token),
    ...of('set-roles', { userId: unknownId, roles: ['CUSTOMER'] }, staff.token),
    ...of('suspend-user', { userId: unknownId, reason: 'shapes' }, staff.token),
    ...of('reinstate-user', { userId: unknownId }, staff.token),
    ...of('revoke-all-sessions', { userId: unknownId }, staff.token),
    ...of('link-identity', { type: 'OIDC', code: 'made up', proof: 'made up', password: 'not the password' }, buyer.token), // prettier-ignore
    ...of('unlink-identity', { type: 'OIDC', issuer: 'https://id.example', password: 'not the password' }, buyer.token),
    ...of('request-email-verification', { email: 'not an address' }, buyer.token),
    ...of('verify-email', { code: 'AAAA-BBBB-CCCC' }, buyer.token),
    ...of('mark-notifications-read', { ids: [] }, buyer.token),
    ...of('save-webhook-endpoint', { url: 'http://127.0.0.1/inward', events: ['order.paid'] }, staff.token),
    ...of('remove-webhook-endpoint', { id: unknownId }, staff.token),
    ...of('rotate-webhook-secret', { id: unknownId }, staff.token),
    ...of('send-test-webhook', { id: unknownId }, staff.token),
    ...of('redeliver-webhook', { deliveryId: unknownId }, staff.token),
    ...of('replay-webhook', { deliveryId: unknownId }, staff.token),
    ...of('replay-user-dead-letter', { id: unknownId }, staff.token),
  };
}

function mistakes({ buyer, open }: Pick<Scene, 'buyer' | 'open'>): Record<string, Sent> {
  const { token } = buyer;
  return {
    'somebody else’s order': { query: operation('order'), variables: { id: open.id } },
    'what is for staff': { query: operation('orders'), token },
    'a page that is too large': { query: '{ products(first: 1000) { edges { node { name } } } }' },
    'an id that is none': { query: operation('product'), variables: { id: 'nonsense' } },
    'a variable of the wrong type': { query: operation('products'), variables: { first: 'many' } },
    'a variable that is missing': { query: operation('product') },
    'a key that is empty': { query: operation('cancel-order'), variables: { id: open.id, idempotencyKey: '' }, token }, // prettier-ignore
    'an error beside data of other services': {
      query: 'query ($id: ID!) { order(id: $id) { id customer { name } } gone: order(id: "01900000-0000-7000-8000-000000000001") { id lines { product { name } } } me { name wallet(currency: "EUR") { balance { amount } } } products(first: 2) { edges { node { name seller { name } } } } }', // prettier-ignore
      variables: { id: open.id },
      token,
    },
    'a document that is not valid': { query: '{ products { nothing } }' },
    'a document that is no GraphQL': { query: '{ products {' },
    'a token that is none': { query: operation('me'), token: 'made.up.token' },
  };
}

function followed({ staff, buyer, open }: Pick<Scene, 'staff' | 'buyer' | 'open'>): Record<string, Sent> {
  return {
    'watch-order': {
      query: operation('watch-order'),
      variables: { orderId: open.id, afterSeq: 0 },
      token: buyer.token,
    },
    'watch-my-orders': { query: operation('watch-my-orders'), variables: { afterSeq: 0 }, token: buyer.token },
    'watch-all-orders': { query: operation('watch-all-orders'), variables: { afterSeq: 0 }, token: staff.token },
    'watch-notifications': { query: operation('watch-notifications'), variables: { afterSeq: 0 } },
    'watch-stock': { query: operation('watch-stock'), variables: { productIds: [] }, token: buyer.token },
  };
}

/** Status and body, byte by byte but for the id of the trace. */
async function send({ query, variables, token }: Sent): Promise<string> {
  const response = await fetch(`${platform.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  return `${response.status} ${withoutTrace(await response.text())}`;
}

/** The first thing that comes, event or refusal. */
async function firstOf({ query, variables = {}, token }: Sent): Promise<string> {
  const watched = watch(platform, query, variables, { token });
  const ended = watched.closed.then((reason) => ({ reason }));
  while (watched.results.length === 0) {
    const tick = new Promise<null>((resolve) => setTimeout(resolve, 20, null));
    const end = await Promise.race([ended, tick]);
    if (end) break;
  }
  const first = watched.results[0] ?? (await ended);
  await watched.close();
  return withoutTrace(JSON.stringify(first));
}

const withoutTrace = (text: string): string => text.replaceAll(/[0-9a-f]{32}/g, 'TRACE');

test('every client operation is among those that are compared', () => {
  expect(Object.keys({ ...cases, ...subscriptions })).toEqual(expect.arrayContaining(names));
});

test('most operations are answered with data', () => {
  const withErrors = names.filter((name) => inOneProcess[name]?.includes('"errors":'));
  expect(withErrors.length).toBeLessThan(names.length / 4);
});

test('services in one process and over HTTP give the same answers, byte by byte', async () => {
  const overHttp: Record<string, string> = {};
  for (const [name, sent] of Object.entries(cases)) overHttp[name] = await send(sent);
  for (const [name, sent] of Object.entries(subscriptions)) overHttp[name] = await firstOf(sent);
  expect(overHttp).toEqual(inOneProcess);
}, 60_000);
