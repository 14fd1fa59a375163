import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GraphQLObjectType, isObjectType } from 'graphql';
import type { Viewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type OrderWorld, openOrderWorld, service, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const owner = userViewer();
const viewers: Readonly<Record<string, Viewer>> = {
  anonymous: { kind: 'anonymous' },
  other: userViewer(),
  owner,
  merchant: userViewer('MERCHANT'),
  staff: userViewer('OPERATOR'),
  admin: userViewer('ADMIN'),
  service: service('payment'),
};
type Who = 'anonymous' | 'other' | 'owner' | 'merchant' | 'staff' | 'admin' | 'service';

/** What each caller gets: `ok`, or the code of the error or refusal. */
type Row = readonly [string, string, Readonly<Record<Who, string>>];
const readers = (refused: string) => ({ anonymous: 'UNAUTHENTICATED', other: refused, owner: 'ok', merchant: refused, staff: 'ok', admin: 'ok', service: 'ok' }); // prettier-ignore
const owners = { anonymous: 'UNAUTHENTICATED', other: 'NOT_FOUND', owner: 'ok', merchant: 'NOT_FOUND', staff: 'ok', admin: 'ok', service: 'UNAUTHENTICATED' }; // prettier-ignore
const staffOnly = { anonymous: 'UNAUTHENTICATED', other: 'FORBIDDEN', owner: 'FORBIDDEN', merchant: 'FORBIDDEN', staff: 'ok', admin: 'ok', service: 'UNAUTHENTICATED' }; // prettier-ignore
/** Staff; the owner is told so, for others there is no such order. */
const staffMutation = { ...staffOnly, other: 'NOT_FOUND', merchant: 'NOT_FOUND' };
const users = { anonymous: 'UNAUTHENTICATED', other: 'ok', owner: 'ok', merchant: 'ok', staff: 'ok', admin: 'ok', service: 'UNAUTHENTICATED' }; // prettier-ignore
const everybody = {
  anonymous: 'ok',
  other: 'ok',
  owner: 'ok',
  merchant: 'ok',
  staff: 'ok',
  admin: 'ok',
  service: 'ok',
};
/** Of what there is not. */
const unknown = { ...users, other: 'NOT_FOUND', owner: 'NOT_FOUND', merchant: 'NOT_FOUND', staff: 'NOT_FOUND', admin: 'NOT_FOUND' }; // prettier-ignore
const following = (outcomes: Readonly<Record<Who, string>>): Readonly<Record<Who, string>> =>
  Object.fromEntries(
    Object.entries(outcomes).map(([who, code]) => [who, code === 'ok' ? 'BAD_USER_INPUT' : code]),
  ) as Record<Who, string>;
/** References of what one may not see are null without an error. */
const references = { anonymous: 'null', other: 'null', owner: 'ok', merchant: 'null', staff: 'ok', admin: 'ok', service: 'ok' }; // prettier-ignore
/** The user service's alone: not the payment service's, which is the one that asks here. */
const userService = Object.fromEntries(Object.keys(viewers).map((who) => [who, 'FORBIDDEN'])) as Record<Who, string>;
const refusals = 'userErrors { ... on UserError { code } }';
const entity = (type: string, key: string, fields: string) => `{ _entities(representations: [{ __typename: "${type}", ${key} }]) { ... on ${type} { ${fields} } } }`; // prettier-ignore

/** `ID`, `NUMBER`, `CUSTOMER`, `SAGA`, `PRODUCT` and `KEY` stand for a fresh order's. */
const rows: readonly Row[] = [
  ['Query.order', '{ order(id: "ID") { id } }', readers('NOT_FOUND')],
  ['Query.order by number', '{ order(number: "NUMBER") { id } }', readers('NOT_FOUND')],
  ['Query.myOrders', '{ myOrders { edges { node { id } } } }', users],
  ['Query.orders', '{ orders { edges { node { id } } } }', staffOnly],
  ['Query.shopDate', '{ shopDate }', everybody],
  ['Query.salesReport', '{ salesReport(from: "2026-01-01", to: "2026-01-31", currency: "EUR") { rows { from } } }', staffOnly], // prettier-ignore
  ['Query.orderTypes', '{ orderTypes { code paymentWindowSeconds extensionSchema } }', everybody],
  ['Query.saga', '{ saga(id: "SAGA") { id } }', staffOnly],
  ['Query.sagas', '{ sagas { id } }', staffOnly],
  ['Query.delayedJobs', '{ delayedJobs { id } }', staffOnly],
  ['Query.orderDeadLetters', '{ orderDeadLetters { edges { node { id } } } }', staffOnly],
  ['Query.orderErasureObstacles', '{ orderErasureObstacles(userId: "CUSTOMER") }', userService],
  ['Query.orderPersonalData', '{ orderPersonalData(userId: "CUSTOMER") }', userService],
  ['Mutation.eraseFromOrders', 'mutation { eraseFromOrders(userId: "CUSTOMER") }', userService],
  ['Mutation.placeOrder', `mutation { placeOrder(input: { currency: "EUR", lines: [{ productId: "PRODUCT", quantity: 1 }] }, idempotencyKey: "KEY") { ${refusals} } }`, users], // prettier-ignore
  ['Query.quoteOrder', '{ quoteOrder(input: { currency: "EUR", lines: [{ productId: "PRODUCT", quantity: 1 }] }) { userErrors { ... on UserError { code } } } }', everybody], // prettier-ignore
  ['Query.quoteOrder for a customer', '{ quoteOrder(customerId: "CUSTOMER", input: { currency: "EUR", lines: [{ productId: "PRODUCT", quantity: 1 }] }) { total { amount } } }', { ...staffOnly, owner: 'ok' }], // prettier-ignore
  ['Query.shippingMethods', '{ shippingMethods { id } }', everybody],
  ['Query.shippingMethods of all', '{ shippingMethods(activeOnly: false) { id } }', staffOnly],
  ['Query.taxRates', '{ taxRates { id } }', staffOnly],
  ['Mutation.saveShippingMethod', `mutation { saveShippingMethod(input: { code: "KEY", name: "x", countries: ["AQ"], rates: [{ price: { amount: 1, currency: "EUR" } }], active: false }) { ${refusals} } }`, { ...staffOnly, staff: 'VALIDATION', admin: 'VALIDATION' }], // prettier-ignore
  ['Mutation.saveTaxRate', `mutation { saveTaxRate(input: { countryCode: "AQ", name: "x", ratePpm: 1, active: false }) { ${refusals} } }`, staffOnly], // prettier-ignore
  ['Query.promotions', '{ promotions { edges { node { id } } } }', staffOnly],
  ['Mutation.savePromotion', `mutation { savePromotion(input: { name: "x", kind: FREE_SHIPPING, active: false }, idempotencyKey: "KEY") { ${refusals} } }`, staffOnly], // prettier-ignore
  ['Mutation.placeOrderFor', `mutation { placeOrderFor(customerId: "CUSTOMER", input: { currency: "EUR", lines: [{ productId: "PRODUCT", quantity: 1 }] }, idempotencyKey: "KEY") { ${refusals} } }`, { ...staffOnly, staff: 'NOT_FOUND', admin: 'NOT_FOUND' }], // prettier-ignore
  ['Mutation.updateOrderRemark', `mutation { updateOrderRemark(id: "ID", remark: "x") { ${refusals} } }`, owners],
  ['Mutation.cancelOrder', `mutation { cancelOrder(id: "ID", idempotencyKey: "KEY") { ${refusals} } }`, owners],
  ['Mutation.refundOrder', `mutation { refundOrder(input: { orderId: "ID", amount: { amount: 1, currency: "EUR" }, reason: "x" }, idempotencyKey: "KEY") { ${refusals} } }`, { ...staffOnly, staff: 'ORDER_STATE', admin: 'ORDER_STATE' }], // prettier-ignore
  ['Query.returns', '{ returns { edges { node { id } } } }', staffOnly],
  ['Query.soldLines', '{ soldLines { edges { node { orderNumber } } } }', { ...staffOnly, merchant: 'ok' }],
  [
    'Query.soldLines of a merchant',
    '{ soldLines(sellerId: "CUSTOMER") { edges { node { orderNumber } } } }',
    staffOnly,
  ],
  ['Mutation.requestReturn', `mutation { requestReturn(orderId: "ID", lines: [{ lineId: "SAGA", quantity: 1 }], reason: "x", idempotencyKey: "KEY") { ${refusals} } }`, { ...owners, owner: 'ORDER_STATE', staff: 'ORDER_STATE', admin: 'ORDER_STATE' }], // prettier-ignore
  ['Mutation.decideReturn', `mutation { decideReturn(returnId: "SAGA", approve: true) { ${refusals} } }`, unknown],
  ['Mutation.receiveReturn', `mutation { receiveReturn(returnId: "SAGA", lines: [{ lineId: "SAGA", quantity: 1, restock: 1 }]) { ${refusals} } }`, unknown], // prettier-ignore
  ['Mutation.cancelReturn', `mutation { cancelReturn(returnId: "SAGA") { ${refusals} } }`, unknown],
  ['Mutation.archiveOrder', `mutation { archiveOrder(id: "ID") { ${refusals} } }`, { ...owners, owner: 'ORDER_STATE', staff: 'ORDER_STATE', admin: 'ORDER_STATE' }], // prettier-ignore
  ['Mutation.unarchiveOrder', `mutation { unarchiveOrder(id: "ID", idempotencyKey: "KEY") { ${refusals} } }`, owners],
  ['Mutation.advanceOrder', `mutation { advanceOrder(id: "ID") { ${refusals} } }`, staffMutation],
  ['Mutation.fulfilOrder', `mutation { fulfilOrder(id: "ID", idempotencyKey: "KEY") { ${refusals} } }`, { ...staffMutation, staff: 'ORDER_STATE', admin: 'ORDER_STATE' }], // prettier-ignore
  ['Mutation.markDelivered', `mutation { markDelivered(fulfilmentId: "SAGA", idempotencyKey: "KEY") { ${refusals} } }`, unknown], // prettier-ignore
  ['Mutation.cancelFulfilment', `mutation { cancelFulfilment(fulfilmentId: "SAGA", reason: "lost", idempotencyKey: "KEY") { ${refusals} } }`, unknown], // prettier-ignore
  ['Mutation.redeemOrder', `mutation { redeemOrder(number: "NUMBER", confirmationCode: "x") { ${refusals} } }`, { ...staffMutation, staff: 'BUSINESS_REJECTED', admin: 'BUSINESS_REJECTED' }], // prettier-ignore
  ['Mutation.addOrderNote', `mutation { addOrderNote(id: "ID", note: "x") { ${refusals} } }`, staffMutation],
  ['Mutation.resolveAttention', `mutation { resolveAttention(id: "ID", to: COMPLETED, note: "x") { ${refusals} } }`, { ...staffMutation, staff: 'ORDER_STATE', admin: 'ORDER_STATE' }], // prettier-ignore
  ['Mutation.retrySaga', `mutation { retrySaga(id: "SAGA") { ${refusals} } }`, staffOnly],
  ['Mutation.replayOrderDeadLetter', `mutation { replayOrderDeadLetter(id: "SAGA") { ${refusals} } }`, { ...staffOnly, staff: 'NOT_FOUND', admin: 'NOT_FOUND' }], // prettier-ignore
  ['Subscription.orderEvents', 'subscription { orderEvents(orderId: "ID", afterSeq: 0) { event { seq } } }', readers('NOT_FOUND')], // prettier-ignore
  // Who may follow is told that -1 is no place in the feed.
  ['Subscription.myOrders', 'subscription { myOrders(afterSeq: -1) { seq } }', following(users)],
  ['Subscription.allOrders', 'subscription { allOrders(afterSeq: -1) { seq } }', following(staffOnly)], // prettier-ignore
  ['Order by id', entity('Order', 'id: "ID"', 'id number customer { id } total { amount } state balanceDue { amount }'), references], // prettier-ignore
  ['Order by number', entity('Order', 'number: "NUMBER"', 'id'), references],
  ['Saga', entity('Saga', 'id: "SAGA"', 'id order { id }'), references],
  ['User.orders', entity('User', 'id: "CUSTOMER"', 'orders { edges { node { id } } }'), references],
];

describe('who may do what', () => {
  for (const [name, document, expected] of rows)
    for (const [who, viewer] of Object.entries(viewers))
      test(`${name} for ${who}: ${expected[who as Who]}`, async () => {
        expect(await outcome(viewer, document)).toBe(expected[who as Who]);
      });

  async function outcome(viewer: Viewer, document: string): Promise<string> {
    const productId = await world.make(3);
    const { id, number } = await world.place(owner, { lines: [{ productId, quantity: 1 }] });
    const [saga] = await world.rows('select lower(hex(id)) id from saga where order_id = unhex(?)', [id.replaceAll('-', '')]); // prettier-ignore
    const sagaId = String(saga?.['id']).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    const values: Record<string, string> = { ID: id, NUMBER: number, CUSTOMER: owner.userId, SAGA: sagaId, PRODUCT: productId, KEY: newId() }; // prettier-ignore
    const query = document.replaceAll(/"(ID|NUMBER|CUSTOMER|SAGA|PRODUCT|KEY)"/g, (_, key: string) => `"${values[key]}"`); // prettier-ignore
    if (query.startsWith('subscription')) {
      const events = await world.subscribe(viewer, query);
      const { value } = await events.next();
      await events.return?.();
      return String(value.errors?.[0]?.extensions['code'] ?? 'ok');
    }
    const { data, errors } = await world.run(viewer, query);
    if (errors[0]) return errors[0].code;
    const [first] = Object.values(data) as { userErrors?: { code: string }[] }[];
    if (Array.isArray(first)) return first[0] === null ? 'null' : 'ok';
    return first?.userErrors?.[0]?.code ?? 'ok';
  }

  test('every query, mutation, subscription and entity of the schema has its row', () => {
    const schema = world.order.schema;
    const fields = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
      Object.keys((type as GraphQLObjectType).getFields()).map((field) => `${type?.name}.${field}`),
    );
    const entities = Object.values(schema.getTypeMap())
      .filter(
        (type) =>
          isObjectType(type) &&
          type.astNode?.directives?.some(
            ({ name, arguments: given }) =>
              name.value === 'key' && !given?.some((argument) => argument.name.value === 'resolvable'),
          ),
      ) // prettier-ignore
      .map(({ name }) => name);
    const covered = rows.map(([name]) => name.split(' ')[0] ?? '');
    for (const field of fields.filter((name) => !name.includes('._'))) expect(covered).toContain(field);
    for (const name of entities) expect(covered.some((row) => row === name || row.startsWith(`${name}.`))).toBe(true);
  });
});

test('a stranger can not tell a foreign order from one that does not exist', async () => {
  const { id, number } = await world.place(owner);
  const stranger = userViewer();
  const ask = async (query: string, variables: Record<string, unknown>) => world.run(stranger, query, variables);
  const byId = 'query ($id: ID) { order(id: $id) { id } }';
  const byNumber = 'query ($number: String) { order(number: $number) { id } }';
  expect(await ask(byId, { id })).toEqual(await ask(byId, { id: newId() }));
  expect(await ask(byId, { id })).toEqual(await ask(byId, { id: 'none' }));
  expect(await ask(byNumber, { number })).toEqual(await ask(byNumber, { number: 'SO000000000000000' }));
  expect((await ask('query ($id: ID, $number: String) { order(id: $id, number: $number) { id } }', { id, number })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
});

test('nobody is answered without a token of ours', async () => {
  const result = await world.order.execute({ query: '{ orderTypes { code } }', headers: {} });
  expect(result.errors?.[0]?.extensions['code']).toBe('UNAUTHORISED_CALLER');
});
