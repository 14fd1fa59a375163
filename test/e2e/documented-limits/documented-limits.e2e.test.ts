import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readListSizes } from '../../../gateway/documents/list-sizes.ts';
import { createProduct, dataOf, watch } from '../../support/shop.ts';
import { until } from '../../support/until.ts';
import { limitOf, numberedDescriptions } from './descriptions.ts';
import { type Probe, probes, secondProbes } from './probes.ts';
import { type World, keyed, openWorld, send } from './world.ts';

jest.setTimeout(60_000);

const root = new URL('../../../', import.meta.url);
const described = numberedDescriptions();
const limits = new Map([...described].flatMap(([place, text]) => {
  const limit = limitOf(text);
  return limit ? [[place, limit] as const] : [];
})); // prettier-ignore
const keyPlaces = keyed.map((name) => `Mutation.${name}(idempotencyKey:)`);

/** What is shown has the limits of what was given. */
const shownAs: Readonly<Record<string, string>> = {
  'User.name': 'RegisterInput.name',
  'User.info': 'UpdateProfileInput.info',
  'Product.sku': 'CreateProductInput.sku',
  'Product.name': 'CreateProductInput.name',
  'Product.subtitle': 'CreateProductInput.subtitle',
  'Product.description': 'CreateProductInput.description',
  'Product.images': 'CreateProductInput.images',
  'Product.addOns': 'CreateProductInput.addOns',
  'Category.slug': 'Mutation.saveCategory(slug:)',
  'Category.name': 'Mutation.saveCategory(name:)',
  'ProductGroup.name': 'Mutation.saveProductGroup(name:)',
  'ProductGroup.optionNames': 'Mutation.saveProductGroup(optionNames:)',
  'ProductAddOn.code': 'AddOnInput.code',
  'ProductAddOn.unitPrice': 'AddOnInput.unitPrice',
  'Order.remark': 'PlaceOrderInput.remark',
  'Order.extension': 'PlaceOrderInput.extension',
  'OrderLine.quantity': 'OrderLineInput.quantity',
};
/** A list's longest is the size that the gateway counts for it. */
const lists = [
  'Query.shippingMethods',
  'Query.taxRates',
  'Query.delayedJobs',
  'Query.stockAudit',
  'StockLevel.reservations',
];
/** What takes more than this world: the test that shows it, and what is said there. */
const elsewhere: Readonly<Record<string, readonly [file: string, says: string]>> = {
  SafeInt: ['test/e2e/bad-input/amounts.e2e.test.ts', 'maxSafe + 1'],
  'OrderLineInput.addOns': ['test/subgraphs/order/pricing.unit.test.ts', 'maxLineAddOns + 1'],
  'PlaceOrderInput.extension': ['test/subgraphs/order/pricing.unit.test.ts', 'maxExtensionBytes + 1'],
  'OrderFilter.customerQuery': ['test/subgraphs/order/order-lists.int.test.ts', 'count < 501'],
  'Mutation.redeemOrder': ['test/subgraphs/order/booking.int.test.ts', 'maxWrongCodes'],
  'Mutation.creditWallet': ['subgraphs/shared/tables/second-person.ts', 'limitHours = 24'],
  'Mutation.refundOrder': ['subgraphs/shared/tables/second-person.ts', 'limitHours = 24'],
  'Mutation.refundPayment': ['subgraphs/shared/tables/second-person.ts', 'limitHours = 24'],
  'Mutation.issueServiceCredential': ['test/subgraphs/user/service-credentials.int.test.ts', 'SERVICE_TOKENS'],
  'Mutation.revokeServiceCredential': ['test/subgraphs/user/service-credentials.int.test.ts', 'SERVICE_TOKENS'],
  'AuditEntry.traceId': ['test/subgraphs/user/administration.int.test.ts', '[0-9a-f]{32}'],
  'User.sessions': ['subgraphs/user/administration/session-list-store.ts', 'maxSessions = 100'],
  'User.notifications': ['subgraphs/user/config.ts', 'NOTIFICATION_RETENTION_DAYS: integer(30, 3_650).default(365)'],
  'InvitationPayload.expiresAt': ['subgraphs/user/administration/invite-user.ts', 'invitationDays = 7'],
  ...Object.fromEntries(
    ['setRoles', 'suspendUser', 'revokeSession', 'revokeAllSessions'].map((name) => [
      `Mutation.${name}`,
      ['test/e2e/administration/administration.e2e.test.ts', 'within five seconds'],
    ]),
  ),
  'Mutation.eraseUser': ['test/e2e/privacy/privacy.e2e.test.ts', 'timeoutMs: 5_000'],
  'Mutation.exportPersonalData': ['subgraphs/user/erasure/export-personal-data.ts', 'maxRows = 500'],
  'ErasureBlockedError.obstacles': ['subgraphs/user/erasure/erase-user.ts', 'maxShown = 50'],
  'Mutation.saveWebhookEndpoint': ['test/subgraphs/user/webhooks/webhooks.int.test.ts', 'count < 20'],
  'Mutation.rotateWebhookSecret': ['subgraphs/user/webhooks/policy.ts', 'previousSecretMs = dayMs'],
  'WebhookEndpoint.disabledReason': ['test/subgraphs/user/webhooks/webhooks.int.test.ts', 'status(410)'],
  'WebhookEndpoint.deliveries': ['test/subgraphs/user/webhooks/webhooks.int.test.ts', 'kept for 30 days'],
  'Mutation.requestPasswordReset': ['test/subgraphs/user/recovery.int.test.ts', '{ seconds: 600 }'],
  'Mutation.requestEmailVerification': ['subgraphs/user/email/request-email-verification.ts', 'emailCodeMinutes = 10'],
  'Mutation.verifyEmail': ['test/subgraphs/user/recovery.int.test.ts', 'looks at five tries of a code'],
  IdentityLogin: ['test/subgraphs/user/identities.int.test.ts', 'toBeLessThanOrEqual(600_000)'],
  'Mutation.linkIdentity(password:)': ['test/subgraphs/user/identities.int.test.ts', 'interval 11 minute'],
  'UserSession.client': ['test/subgraphs/user/recovery.int.test.ts', "'y'.repeat(200)"],
  'Mutation.resetPassword': ['test/subgraphs/user/administration.int.test.ts', 'looks at five tries of a code'],
  Promotion: [
    'test/subgraphs/order/promotions.unit.test.ts',
    'the sequence of codes and of promotions changes nothing',
  ],
  Category: ['test/subgraphs/product/domain.unit.test.ts', 'a tree of categories is bounded'],
  'Category.children': ['test/subgraphs/product/domain.unit.test.ts', 'a tree of categories is bounded'],
  'Query.categories': ['test/subgraphs/product/domain.unit.test.ts', 'a tree of categories is bounded'],
  PlaceOrderPayload: ['test/subgraphs/order/saga.int.test.ts', 'the buyer is answered in time with the order PLACING'],
  'ReconciliationReport.items': ['test/subgraphs/payment/reconciliation.int.test.ts', 'length: 500'],
  'AuthTokens.refreshToken': ['subgraphs/user/config.ts', 'default(30)'],
};

type Edges<Node> = { edges: { node: Node }[] };
type Seq = { seq: number };
type Shown = {
  order: { traceId: string; history: Edges<Seq>; payments: { events: Edges<Seq> }[] };
  product: { version: number; stock: { version: number; movements: Edges<Seq> } };
};
const asStaff = async <Data>({ platform, staff }: World, query: string, variables = {}): Promise<Data> =>
  dataOf(await platform.gql<Data>(query, variables, { token: staff.token }));
const order = async (world: World, fields: string): Promise<Shown['order']> =>
  (await asStaff<Shown>(world, `query ($id: ID!) { order(id: $id) { ${fields} } }`, { id: world.paid.id })).order;
const product = async (world: World): Promise<Shown['product']> =>
  (await asStaff<Shown>(world, 'query ($id: ID!) { product(id: $id) { version stock { version movements(first: 100) { edges { node { seq } } } } } }', { id: world.stockedId })).product; // prettier-ignore

/** As somebody reads it out of a letter. */
const asTyped = (number: string): string =>
  ` ${number.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l').slice(0, 8)}-${number.slice(8)} `;
async function found(world: World, field: 'order' | 'payment', number: string): Promise<void> {
  const query = `query ($number: String) { ${field}(number: $number) { number } }`;
  expect(await asStaff(world, query, { number: asTyped(number) })).toEqual({ [field]: { number } });
}
/** The stream begins with its first event. */
async function replays(world: World, subscription: string, event: string): Promise<void> {
  const watched = watch<Record<string, { event: Seq & { type: string } }>>(
    world.platform,
    `subscription { ${subscription} { event { ${event} } } }`,
    {},
    { token: subscription.startsWith('allOrders') ? world.staff.token : world.buyer.token },
  );
  try {
    const [first] = await until(async () => watched.results.length > 0 && watched.results, { what: subscription });
    expect(first?.data?.[subscription.split('(')[0] ?? '']?.event).toMatchObject({ seq: 1, type: expect.any(String) });
  } finally {
    await watched.close();
  }
}

/** Statements that are no limits, each tried. */
const statements: Readonly<Record<string, (world: World) => Promise<void>>> = {
  'AuthTokens.accessToken': async ({ buyer }) => {
    const claims = JSON.parse(Buffer.from(buyer.token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number; iat: number }; // prettier-ignore
    expect(claims.exp - claims.iat).toBeLessThanOrEqual(10 * 60);
  },
  'Order.traceId': async (world) => {
    expect((await order(world, 'traceId')).traceId).toMatch(/^[0-9a-f]{32}$/);
  },
  'OrderEvent.seq': async (world) => {
    const { history } = await order(world, 'history(first: 3) { edges { node { seq } } }');
    expect(history.edges.map(({ node }) => node.seq)).toEqual([1, 2, 3]);
  },
  'PaymentEvent.seq': async (world) => {
    const { payments } = await order(world, 'payments { events(first: 2) { edges { node { seq } } } }');
    expect(payments[0]?.events.edges.map(({ node }) => node.seq)).toEqual([1, 2]);
  },
  'LedgerEntry.seq': async (world) => {
    await send(world, 'creditWallet', 'reason', 'First of two.');
    await send(world, 'creditWallet', 'reason', 'Second.');
    const query = 'query ($id: ID!) { user(id: $id) { wallet(currency: "EUR") { entries(first: 100) { edges { node { seq } } } } } }'; // prettier-ignore
    type Wallet = { user: { wallet: { entries: Edges<Seq> } } };
    const { user } = await asStaff<Wallet>(world, query, { id: world.buyer.id });
    const seqs = user.wallet.entries.edges.map(({ node }) => node.seq).toSorted((one, other) => one - other);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  },
  'Product.version': async (world) => expect((await product(world)).version).toBe(1),
  'StockLevel.version': async (world) => {
    const { stock } = await product(world);
    expect(stock.version).toBe(Math.max(...stock.movements.edges.map(({ node }) => node.seq)));
  },
  'StockMovement.seq': async (world) => {
    const { id: stockedId } = await createProduct(world.platform, world.staff);
    const { stock } = await product({ ...world, stockedId });
    expect(stock.movements.edges).toEqual([{ node: { seq: 1 } }]);
  },
  'Subscription.orderEvents(afterSeq:)': (world) => replays(world, `orderEvents(orderId: "${world.paid.id}", afterSeq: 0)`, 'seq type'), // prettier-ignore
  'Subscription.notifications(afterSeq:)': async ({ platform, buyer }) => {
    const told = watch<{ notifications: Seq }>(platform, 'subscription { notifications(afterSeq: 0) { seq } }', {}, { token: buyer.token }); // prettier-ignore
    await until(() => told.results[0]?.data?.notifications.seq === 1, { what: 'the first notification' });
    await told.close();
  },
  'Subscription.myOrders(afterSeq:)': (world) => replays(world, 'myOrders(afterSeq: 0)', 'seq type'),
  'Subscription.allOrders(afterSeq:)': (world) => replays(world, 'allOrders(afterSeq: 0)', 'seq type'),
  'Query.order(number:)': (world) => found(world, 'order', world.paid.number),
  'Query.payment(number:)': (world) => found(world, 'payment', world.payment.number),
  'OrderFilter.number': async (world) => {
    const query = 'query ($number: String) { orders(filter: { number: $number }) { edges { node { number } } } }';
    const { orders } = await asStaff<{ orders: Edges<unknown> }>(world, query, { number: asTyped(world.paid.number) });
    expect(orders.edges).toEqual([{ node: { number: world.paid.number } }]);
  },
  'Mutation.redeemOrder(number:)': async (world) => {
    // It is found, so it is refused for what it is.
    const otherwise = ['ORDER_STATE', 'BUSINESS_REJECTED'];
    expect(await send(world, 'redeemOrder', 'number', asTyped(world.paid.number), otherwise)).toBe('taken');
  },
};

describe('the numbers in the descriptions of the API', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  }, 150_000);
  afterAll(async () => {
    await world?.platform.stop();
  }, 60_000);

  test('are each tried here, or where this says', () => {
    const known = [probes, shownAs, elsewhere, statements].flatMap(Object.keys).concat(lists, keyPlaces);
    expect([...described.keys()].filter((place) => !known.includes(place))).toEqual([]);
    // What takes a key has one limit for it, whether or not its description repeats it.
    const numbered = known.filter((place) => !keyPlaces.includes(place));
    expect(numbered.filter((place) => !described.has(place))).toEqual([]);
  });

  async function holds(probe: Probe, { min, max }: { min: number | null; max: number | null }): Promise<void> {
    const tries: [number | null, string][] = [[max, 'taken'], [max === null ? null : max + 1, 'refused'], [min, 'taken'], [min === null ? null : min - 1, 'refused']]; // prettier-ignore
    for (const [value, outcome] of tries)
      if (value !== null) expect([value, await probe(world, value)]).toEqual([value, outcome]);
  }

  test.each(Object.entries(probes))('%s', async (place, probe) => {
    const limit = limits.get(place);
    if (!limit) throw new Error(`${place} names no limit any more: ${described.get(place) ?? ''}`);
    await holds(probe, limit);
  });
  test.each(Object.entries(secondProbes))('%s, its second limit', async (place, { says, max, probe }) => {
    expect(described.get(place)).toContain(says);
    await holds(probe, { min: null, max });
  });
  test('a delta of stock is at least as far below 0, and not 0', async () => {
    const delta = (value: number) => send(world, 'adjustStock', 'changes.0.delta', value, ['NEGATIVE_STOCK']); // prettier-ignore
    expect([await delta(0), await delta(-1_000_000_000), await delta(-1_000_000_001)]).toEqual(['refused', 'taken', 'refused']); // prettier-ignore
  });

  test.each(keyed)('%s takes keys of 1 to 128 printable characters', async (name) => {
    for (const key of ['k', 'k'.repeat(128)])
      expect([key, await send(world, name, 'idempotencyKey', key, 'all')]).toEqual([key, 'taken']);
    for (const key of ['', 'k'.repeat(129), 'k\n', 'k\u0000'])
      expect([key, await send(world, name, 'idempotencyKey', key, 'all')]).toEqual([key, 'refused']);
    const text = described.get(`Mutation.${name}(idempotencyKey:)`);
    if (text !== undefined) expect(limitOf(text)).toEqual({ min: 1, max: 128 });
  });

  test.each(Object.entries(shownAs))('%s is shown as %s is taken', (shown, given) => {
    const [one, other] = [shown, given].map((place) => limitOf(described.get(place) ?? ''));
    // What is shown may be nothing where what is given has a least.
    expect({ ...one, min: one?.min ?? other?.min }).toEqual(other);
  });
  test.each(lists)('%s is as long as the gateway counts it', (place) => {
    const sizes = readListSizes(readFileSync(new URL('schema/supergraph.graphql', root), 'utf8'));
    expect(limitOf(described.get(place) ?? '')?.max).toBe(sizes.length(place));
  });
  test.each(Object.entries(statements))('%s is so', (_, isSo) => isSo(world));
  test.each(Object.entries(elsewhere))('%s is shown elsewhere', (_, [file, says]) => {
    expect([file, existsSync(new URL(file, root))]).toEqual([file, true]);
    expect(readFileSync(new URL(file, root), 'utf8')).toContain(says);
  });
});
