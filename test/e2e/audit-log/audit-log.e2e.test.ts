import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildSchema } from 'graphql';
import { type Connection, createConnection } from 'mysql2/promise';
import { addDays, dateIn } from '../../../subgraphs/shared/values/local-date.ts';
import { idFromBytes, idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  confirm,
  createPayment,
  dataOf,
  logIn,
  logInAsAdmin,
  newKey,
  newMobile,
  orderIn,
  pay,
  placeOrder,
  register,
  tryCreatePayment,
} from '../../support/shop.ts';
import { until } from '../../support/until.ts';
import { documentedActs } from './documented-acts.ts';

const mutations = buildSchema(readFileSync(new URL('../../../schema/api.graphql', import.meta.url), 'utf8'))
  .getMutationType()
  ?.getFields();
const acts = documentedActs();

type Payload = { userErrors?: { __typename: string; message: string }[]; [field: string]: unknown };
type Entry = { action: string; subject: string; actor: { id: string } | null; traceId: string; before: unknown; after: Record<string, unknown> | null }; // prettier-ignore
const money = { amount: 100, currency: 'EUR' };

describe('the audit log', () => {
  let platform: Platform;
  let admin: Person;
  let buyer: Person;
  let database: Connection;
  /** Action → how often it was done. */
  const done = new Map<string, number>();
  const tried = new Set<string>();

  beforeAll(async () => {
    platform = await startPlatform({
      shape: 'one',
      env: { BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051', BANK_TRANSFER_HOLDER: 'The Shop' },
    });
    [admin, buyer] = await Promise.all([logInAsAdmin(platform), register(platform, 'Ada')]);
    database = await createConnection({ uri: platform.mysqlUrl });
  }, 150_000);
  afterAll(async () => {
    await database?.end();
    await platform?.stop();
  }, 60_000);

  /** Does it as the administrator, once more with the same key where there is one, and counts it once. */
  async function act<Result = Payload>(name: string, given: Record<string, unknown>, selection = '', entries = 1) {
    const field = mutations?.[name];
    if (!field) throw new Error(`no mutation ${name}`);
    const keyed = field.args.some((argument) => argument.name === 'idempotencyKey');
    const variables: Record<string, unknown> = keyed ? { ...given, idempotencyKey: newKey() } : given;
    const args = field.args.filter((argument) => argument.name in variables);
    const declared = args.map((argument) => `$${argument.name}: ${String(argument.type)}`).join(', ');
    const passed = args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
    const document = `mutation Act(${declared}) { ${name}(${passed}) { ${selection} userErrors { __typename ... on UserError { message } } } }`;
    const run = async () =>
      dataOf(await platform.gql<Record<string, Payload>>(document, variables, { token: admin.token }))[name] as Payload;
    const payload = await run();
    if (payload.userErrors?.length !== 0) throw new Error(`${name}: ${JSON.stringify(payload.userErrors)}`);
    if (keyed) await run();
    const action = acts.get(name) ?? '';
    done.set(action, (done.get(action) ?? 0) + entries);
    tried.add(name);
    return payload as Result;
  }

  /** What the administrator did; the demo shop's products are of the one who made them. */
  async function log(): Promise<Entry[]> {
    type Page = { auditLog: { edges: { node: Entry }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
    const entries: Entry[] = [];
    let after: string | null = null;
    do {
      const document = 'query ($actorId: ID, $after: String) { auditLog(first: 100, after: $after, actorId: $actorId) { edges { node { action subject actor { id } traceId before after } } pageInfo { hasNextPage endCursor } } }'; // prettier-ignore
      const { auditLog }: Page = dataOf(
        await platform.gql<Page>(document, { after, actorId: admin.id }, { token: admin.token }),
      );
      entries.push(...auditLog.edges.map(({ node }) => node));
      after = auditLog.pageInfo.hasNextPage ? auditLog.pageInfo.endCursor : null;
    } while (after !== null);
    return entries;
  }

  const makeProduct = async (input: Record<string, unknown> = {}): Promise<string> => {
    const sku = `LOG-${newKey().slice(0, 13)}`;
    const given = { sku, name: 'Lamp', description: 'A lamp', price: { amount: 1_000, currency: 'EUR' }, initialOnHand: 20, ...input }; // prettier-ignore
    return (await act<{ product: { id: string } }>('createProduct', { input: given }, 'product { id }')).product.id;
  };
  const buy = (productId: string, quantity = 1): Promise<{ id: string }> =>
    placeOrder(platform, buyer, [{ productId, quantity }]);
  async function buyAndPay(productId: string, quantity = 1) {
    const { id } = await buy(productId, quantity);
    await pay(platform, buyer, id);
    return orderIn(platform, buyer, id, ['PAID']);
  }

  test('accounts and credentials', async () => {
    const { user } = await act<{ user: { id: string } }>('inviteUser', { name: 'Mona', mobile: newMobile(), roles: ['CUSTOMER'] }, 'user { id }'); // prettier-ignore
    await act('setRoles', { userId: user.id, roles: ['CUSTOMER', 'MERCHANT'] });
    await act('suspendUser', { userId: user.id, reason: 'Fraud' });
    await act('reinstateUser', { userId: user.id });
    const other = await register(platform, 'Bob');
    type Sessions = { user: { sessions: { id: string }[] } };
    const { user: bob } = dataOf(await platform.gql<Sessions>('query ($id: ID!) { user(id: $id) { sessions { id } } }', { id: other.id }, { token: admin.token })); // prettier-ignore
    await act('revokeSession', { sessionId: bob.sessions[0]?.id });
    await logIn(platform, other);
    await act('revokeAllSessions', { userId: other.id });
    dataOf(await platform.gql('mutation ($id: ID) { exportPersonalData(userId: $id) }', { id: other.id }, { token: admin.token })); // prettier-ignore
    done.set('personal_data.exported', 1);
    tried.add('exportPersonalData');
    await act('eraseUser', { userId: other.id, reason: 'asked for' });
    await act('issueServiceCredential', { app: 'reports', service: 'order' });
    await act('revokeServiceCredential', { app: 'reports', service: 'order' });
  });

  test('webhook endpoints', async () => {
    const input = { url: 'https://hooks.example/', events: ['order.paid'] };
    const { webhookEndpoint } = await act<{ webhookEndpoint: { id: string } }>('saveWebhookEndpoint', input, 'webhookEndpoint { id }'); // prettier-ignore
    const { id } = webhookEndpoint;
    await act('rotateWebhookSecret', { id });
    const { delivery } = await act<{ delivery: { id: string } }>('sendTestWebhook', { id }, 'delivery { id }');
    await act('redeliverWebhook', { deliveryId: delivery.id });
    await act('removeWebhookEndpoint', { id });
  });

  test('products, categories and stock', async () => {
    const one = await makeProduct();
    await act('updateProduct', { input: { id: one, expectedVersion: 1, price: { amount: 900, currency: 'EUR' } } });
    await act('adjustStock', { changes: [{ productId: one, delta: 3, reason: 'found' }] });
    await act('setStock', { changes: [{ productId: one, onHand: 7, expectedOnHand: 23, reason: 'counted' }] });
    await act('saveProductGroup', { name: 'Lamps', optionNames: ['Size'], products: [{ productId: one, options: [{ name: 'Size', value: 'S' }] }] }); // prettier-ignore
    const { category } = await act<{ category: { id: string } }>('saveCategory', { slug: 'lamps', name: 'Lamps' }, 'category { id }'); // prettier-ignore
    await act('removeCategory', { id: category.id });
    await act('removeProduct', { id: one });
    await until(async () => (await log()).some(({ action }) => action === 'product.archived'));
    const entries = (await log()).filter(({ subject }) => subject === `product:${one}`);
    expect(entries.map(({ action, before, after }) => [action, before, after])).toEqual([
      ['product.archived', { status: 'ON_SALE' }, { status: 'ARCHIVED' }],
      ['stock.set', { onHand: 23 }, { onHand: 7, reason: 'counted' }],
      ['stock.adjusted', { onHand: 20 }, { onHand: 23, reason: 'found' }],
      ['product.changed', { price: { amount: 1_000, currency: 'EUR' }, version: 1 }, { price: { amount: 900, currency: 'EUR' }, version: 2, changed: ['price'] }],
      ['product.created', null, { sku: expect.any(String), price: { amount: 1_000, currency: 'EUR' }, status: 'ON_SALE', onHand: 20 }],
    ]); // prettier-ignore
  });

  test('orders, their deliveries and returns', async () => {
    const productId = await makeProduct();
    const { order: placed } = await act<{ order: { id: string } }>('placeOrderFor', { customerId: buyer.id, input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] } }, 'order { id }'); // prettier-ignore
    await act('updateOrderRemark', { id: placed.id, remark: 'for the neighbour' });
    await act('addOrderNote', { id: placed.id, note: 'called' });
    await act('cancelOrder', { id: placed.id, reason: 'asked for' });
    await act('archiveOrder', { id: placed.id });
    await act('unarchiveOrder', { id: placed.id });

    const delivered = await buyAndPay(productId, 4);
    const lines = (quantity: number) => [{ lineId: delivered.lines[0]?.id, quantity }];
    type Fulfilled = { order: { fulfilments: { id: string }[] } };
    const first = await act<Fulfilled>('fulfilOrder', { id: delivered.id, lines: lines(1) }, 'order { fulfilments { id } }'); // prettier-ignore
    await act('cancelFulfilment', { fulfilmentId: first.order.fulfilments[0]?.id, reason: 'lost' });
    const { order } = await act<Fulfilled>('fulfilOrder', { id: delivered.id }, 'order { fulfilments { id } }');
    await act('markDelivered', { fulfilmentId: order.fulfilments.at(-1)?.id });
    await act('refundOrder', { input: { orderId: delivered.id, amount: money, reason: 'goodwill' } });
    type Asked = { orderReturn: { id: string } };
    const ask = () => act<Asked>('requestReturn', { orderId: delivered.id, lines: lines(1), reason: 'small' }, 'orderReturn { id }'); // prettier-ignore
    const back = (await ask()).orderReturn.id;
    await act('decideReturn', { returnId: back, approve: true });
    await act('receiveReturn', { returnId: back, lines: [{ ...lines(1)[0], restock: 1 }] });
    await act('cancelReturn', { returnId: (await ask()).orderReturn.id });

    const stuck = await buyAndPay(productId);
    await act('advanceOrder', { id: stuck.id });
    await act('retrySaga', { id: stuck.saga?.id });
    await database.query(`update ${platform.prefix}_order.orders set state = 'NEEDS_ATTENTION' where id = ?`, [idToBytes(stuck.id)]); // prettier-ignore
    await act('resolveAttention', { id: stuck.id, to: 'COMPLETED', note: 'done by hand' });

    const room = await makeProduct({ kind: 'BOOKABLE', capacity: 2, maxGuests: 2, initialOnHand: 0 });
    const from = addDays(dateIn('UTC', new Date()), 3);
    const stay = await placeOrder(platform, buyer, [{ productId: room, quantity: 1, stayFrom: from, stayTo: addDays(from, 1), guests: 1 }], { type: 'BOOKING' }); // prettier-ignore
    await pay(platform, buyer, stay.id);
    await orderIn(platform, buyer, stay.id, ['PAID']);
    const { order: own } = dataOf(await platform.gql<{ order: { confirmationCode: string } }>('query ($id: ID!) { order(id: $id) { confirmationCode } }', { id: stay.id }, { token: buyer.token })); // prettier-ignore
    await act('redeemOrder', { number: stay.number, confirmationCode: own.confirmationCode });
  }, 60_000);

  test('shipping methods, tax rates and promotions', async () => {
    await act('saveShippingMethod', { input: { code: 'sledge', name: 'Sledge', countries: ['AQ'], rates: [{ price: money }], active: false } }); // prettier-ignore
    await act('saveTaxRate', { input: { countryCode: 'AQ', name: 'Ice', ratePpm: 1, active: false } });
    await act('savePromotion', { input: { name: 'Free', kind: 'FREE_SHIPPING', active: false } });
  });

  test('payments, refunds, credits and webhooks', async () => {
    const productId = await makeProduct();
    const transfer = async (): Promise<string> => {
      const { id } = await buy(productId);
      const { payment } = dataOf(await tryCreatePayment(platform, buyer, { orderId: id, method: 'BANK_TRANSFER' })).createPayment; // prettier-ignore
      return payment?.id ?? '';
    };
    await act('cancelPayment', { paymentId: await transfer() });
    const paymentId = await transfer();
    await act('capturePayment', { paymentId });
    const { refund } = await act<{ refund: { id: string } }>('refundPayment', { input: { paymentId, amount: money, reason: 'goodwill' } }, 'refund { id }'); // prettier-ignore
    await act('retryRefund', { refundId: refund.id });
    await act('confirmRefund', { refundId: refund.id, reference: 'SEPA 7' });
    await act('creditWallet', { userId: buyer.id, amount: money, reason: 'sorry' });
    const { id } = await buy(productId);
    await confirm(platform, await createPayment(platform, buyer, id));
    type Deliveries = { webhookDeliveries: { edges: { node: { id: string; outcome: string } }[] } };
    const deliveryId = await until(async () => {
      const { webhookDeliveries } = dataOf(await platform.gql<Deliveries>('{ webhookDeliveries(first: 20) { edges { node { id outcome } } } }', {}, { token: admin.token })); // prettier-ignore
      return webhookDeliveries.edges.find(({ node }) => node.outcome === 'APPLIED')?.node.id;
    });
    await act('replayWebhook', { deliveryId });
  });

  test('events that a service failed to handle', async () => {
    const ofNobody = { 'order.paid': {}, 'payment.started': {}, 'order.payment_refused': {} };
    const letters = { product: 'order.paid', order: 'payment.started', user: 'staff.acted', payment: 'order.closed' };
    const data = { ...ofNobody, 'order.closed': { state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' }, 'staff.acted': { actorId: admin.id, action: 'stock.set', subject: 'product:none' } } as Record<string, object>; // prettier-ignore
    for (const [service, type] of Object.entries(letters)) {
      const id = newId();
      const event = { id, type, aggregateId: newId(), traceId: '0'.repeat(32), at: new Date().toISOString(), data: data[type] }; // prettier-ignore
      await database.query(
        `insert into ${platform.prefix}_${service}.dead_letter (event_id, service, type, aggregate_id, event, attempts, error, failed_at) values (?, ?, ?, ?, ?, 5, 'a test', utc_timestamp(3))`,
        [idToBytes(id), service, type, idToBytes(event.aggregateId), JSON.stringify(event)],
      );
      await act(`replay${service.charAt(0).toUpperCase()}${service.slice(1)}DeadLetter`, { id });
    }
    // What the user service is told again is an entry of its own.
    done.set('stock.set', (done.get('stock.set') ?? 0) + 1);
  });

  test('a message that is sent again', async () => {
    const told = await until(
      async () => {
        const [rows] = await database.query(`select id from ${platform.prefix}_user.notification limit 1`);
        return (rows as { id: Buffer }[])[0];
      },
      { what: 'a notification' },
    );
    const id = idFromBytes(told.id);
    await database.query(
      `insert into ${platform.prefix}_user.notification_delivery (notification_id, channel, state, attempts, changed_at) values (?, 'EMAIL', 'DEAD', 8, utc_timestamp(3))`,
      [told.id],
    );
    await act('retryNotification', { id });
  });

  test('[PM-4] has one entry for each act of staff, by the one who did it, whatever was sent twice', async () => {
    expect([...acts.keys()].filter((name) => !tried.has(name))).toEqual([]);
    const counted = async (): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const { action } of await log()) counts[action] = (counts[action] ?? 0) + 1;
      return counts;
    };
    const expected = Object.fromEntries(done);
    await until(async () => Object.values(await counted()).reduce((sum, each) => sum + each, 0) >= Object.values(expected).reduce((sum, each) => sum + each, 0), { timeoutMs: 10_000 }); // prettier-ignore
    expect(await counted()).toEqual(expected);
    const entries = await log();
    expect(entries.filter(({ actor }) => actor?.id !== admin.id)).toEqual([]);
    expect(entries.filter(({ traceId }) => !/^[0-9a-f]{32}$/.test(traceId))).toEqual([]);
  });

  test('what customers do with what is their own leaves none', async () => {
    const before = (await log()).length;
    const { id } = await buy(await makeProduct());
    await platform.gql('mutation ($id: ID!, $key: String!) { cancelOrder(id: $id, idempotencyKey: $key) { order { id } } }', { id, key: newKey() }, { token: buyer.token }); // prettier-ignore
    await until(async () => (await log()).length > before);
    expect((await log()).slice(0, -before).map(({ action }) => action)).toEqual(['product.created']);
  });
});
