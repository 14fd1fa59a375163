import { type ConstDirectiveNode, Kind } from 'graphql';
import { typeDefsOf } from '../../../schema/type-defs.ts';
import { subgraphNames } from '../../../subgraphs/shared/values/subgraph-names.ts';
import type { Platform } from '../../support/platform.ts';
import { type Person, createProduct, dataOf, newKey } from '../../support/shop.ts';
import type { Fixture, Role } from './root-fields.ts';

/** Who may ask a subgraph, past the gateway. */
export const callers = [
  'outsider',
  'anonymous',
  'stranger',
  'owner',
  'merchant',
  'operator',
  'staff',
  'service order',
  'service payment',
] as const;
export type CallerName = (typeof callers)[number];

const insiders: readonly CallerName[] = ['owner', 'operator', 'staff', 'service order', 'service payment'];
const admitted: readonly CallerName[] = ['anonymous', 'stranger', 'merchant', ...insiders];

type Known = Omit<Fixture, 'key'>;
type World = { platform: Platform; people: Record<Exclude<Role, 'anonymous'>, Person> };

export type EntityProbe = {
  /** Fields to ask for; the first one decides whether the entity is visible. */
  readonly select: string;
  readonly representation: (fixture: Known, world: World) => Record<string, unknown> | Promise<Record<string, unknown>>;
  readonly visibleTo: readonly CallerName[];
};

const owner = ({ ownerId }: Known) => ({ id: ownerId });
const order = ({ orderId }: Known) => ({ id: orderId });

async function reservation({ productId }: Known, { platform, people }: World): Promise<{ id: string }> {
  type Reservations = { product: { stock: { reservations: { id: string }[] } } };
  const document = 'query R($id: ID!) { product(id: $id) { stock { reservations { id } } } }';
  const { product } = dataOf(
    await platform.gql<Reservations>(document, { id: productId }, { token: people.staff.token }),
  );
  return { id: product.stock.reservations[0]?.id ?? '' };
}

/** A category of its own. */
async function category(_: Known, { platform, people }: World): Promise<{ id: string }> {
  type Saved = { saveCategory: { category: { id: string } } };
  const slug = newKey().slice(0, 13);
  const document = `mutation C { saveCategory(slug: "${slug}", name: "Probe", idempotencyKey: "${newKey()}") { category { id } } }`;
  return dataOf(await platform.gql<Saved>(document, {}, { token: people.staff.token })).saveCategory.category;
}

/** A group with one product on sale. */
async function group(_: Known, { platform, people }: World): Promise<{ id: string }> {
  type Saved = { saveProductGroup: { productGroup: { id: string } } };
  const { id: productId } = await createProduct(platform, people.staff);
  const products = [{ productId, options: [{ name: 'Size', value: 'S' }] }];
  const document =
    'mutation G($products: [GroupedProductInput!]!, $key: String!) { saveProductGroup(name: "Probe", optionNames: ["Size"], products: $products, idempotencyKey: $key) { productGroup { id } } }';
  return dataOf(await platform.gql<Saved>(document, { products, key: newKey() }, { token: people.staff.token }))
    .saveProductGroup.productGroup;
}

/** Every entity that a subgraph resolves by reference, `<subgraph>.<type>`, and who sees what of the owner's. */
export const entities: Readonly<Record<string, EntityProbe>> = {
  'user.User': { select: 'mobile', representation: owner, visibleTo: insiders },
  'order.User': { select: 'orders(first: 1) { edges { cursor } }', representation: owner, visibleTo: insiders },
  'payment.User': { select: 'payments(first: 1) { edges { cursor } }', representation: owner, visibleTo: insiders },
  'product.User': { select: 'products(first: 1) { edges { cursor } }', representation: owner, visibleTo: admitted },
  'product.Product': { select: 'name', representation: ({ productId }) => ({ id: productId }), visibleTo: admitted },
  'product.Category': { select: 'name', representation: category, visibleTo: admitted },
  'product.ProductGroup': { select: 'name', representation: group, visibleTo: admitted },
  'product.StockReservation': {
    select: 'quantity',
    representation: reservation,
    visibleTo: ['operator', 'staff', 'service order', 'service payment'],
  },
  'order.Order': { select: 'number', representation: order, visibleTo: insiders },
  'order.Saga': { select: 'kind', representation: ({ sagaId }) => ({ id: sagaId }), visibleTo: insiders },
  'payment.Order': { select: 'payments { id }', representation: order, visibleTo: insiders },
  'payment.Refund': {
    select: 'number',
    representation: ({ refundId }) => ({ id: refundId }),
    visibleTo: insiders,
  },
  'payment.Payment': { select: 'number', representation: ({ paymentId }) => ({ id: paymentId }), visibleTo: insiders },
};

export type InternalProbe = {
  readonly document: string;
  readonly variables: (fixture: Known) => Record<string, unknown>;
  readonly allowedApps: readonly string[];
  /** People in whose name the gateway may ask. */
  readonly allowedPeople?: readonly CallerName[];
};

const nobody = '01890000-0000-7000-8000-000000000000';

/** Operations of services among themselves, `<subgraph>.<field>`: @inaccessible, so the API doesn't have them. */
export const internalFields: Readonly<Record<string, InternalProbe>> = {
  'user.userIds': {
    document: 'query Probe { userIds(query: "O", first: 5) }',
    variables: () => ({}),
    allowedApps: ['order'],
  },
  'user.recordJobActs': {
    document: 'mutation Probe { recordJobActs(action: "job.paused", jobs: [{ name: "probe" }]) }',
    variables: () => ({}),
    allowedApps: [],
    allowedPeople: ['staff'],
  },
  'user.customerAddresses': {
    document: 'query Probe($id: ID!) { customerAddresses(customerId: $id) { shipping { name } } }',
    variables: ({ ownerId }) => ({ id: ownerId }),
    allowedApps: ['order'],
  },
  'order.orderErasureObstacles': {
    document: 'query Probe($id: ID!) { orderErasureObstacles(userId: $id) }',
    variables: ({ ownerId }) => ({ id: ownerId }),
    allowedApps: ['user'],
  },
  'order.orderPersonalData': {
    document: 'query Probe($id: ID!) { orderPersonalData(userId: $id) }',
    variables: ({ ownerId }) => ({ id: ownerId }),
    allowedApps: ['user'],
  },
  'order.eraseFromOrders': {
    document: 'mutation Probe($id: ID!) { eraseFromOrders(userId: $id) }',
    variables: () => ({ id: nobody }),
    allowedApps: ['user'],
  },
  'payment.paymentErasureObstacles': {
    document: 'query Probe($id: ID!) { paymentErasureObstacles(userId: $id) }',
    variables: ({ ownerId }) => ({ id: ownerId }),
    allowedApps: ['user'],
  },
  'payment.paymentPersonalData': {
    document: 'query Probe($id: ID!) { paymentPersonalData(userId: $id) }',
    variables: ({ ownerId }) => ({ id: ownerId }),
    allowedApps: ['user'],
  },
  'payment.eraseFromPayments': {
    document: 'mutation Probe($id: ID!) { eraseFromPayments(userId: $id) }',
    variables: () => ({ id: nobody }),
    allowedApps: ['user'],
  },
  'product.productErasureObstacles': {
    document: 'query Probe($id: ID!) { productErasureObstacles(userId: $id) }',
    variables: ({ ownerId }) => ({ id: ownerId }),
    allowedApps: ['user'],
  },
  'product.productPersonalData': {
    document: 'query Probe($id: ID!) { productPersonalData(userId: $id) }',
    variables: ({ ownerId }) => ({ id: ownerId }),
    allowedApps: ['user'],
  },
  'product.eraseFromProducts': {
    document: 'mutation Probe($id: ID!) { eraseFromProducts(userId: $id) }',
    variables: () => ({ id: nobody }),
    allowedApps: ['user'],
  },
  'product.reserveStock': {
    document:
      'mutation Probe($productId: ID!, $orderId: ID!, $sagaId: ID!) { reserveStock(sagaId: $sagaId, branch: "probe", orderId: $orderId, lines: [{ productId: $productId, quantity: 1 }], expiresAt: "2100-01-01T00:00:00.000Z") { ok } }',
    variables: ({ productId }) => ({ productId, orderId: nobody, sagaId: nobody }),
    allowedApps: ['order'],
  },
  'payment.chargeWallet': {
    document:
      'mutation Probe($orderId: ID!, $sagaId: ID!) { chargeWallet(sagaId: $sagaId, branch: "probe", orderId: $orderId, customerId: $sagaId, amount: { amount: 1, currency: "EUR" }) { ok } }',
    variables: () => ({ orderId: nobody, sagaId: nobody }),
    allowedApps: ['order'],
  },
  'payment.refundWalletCharge': {
    document:
      'mutation Probe($orderId: ID!, $sagaId: ID!) { refundWalletCharge(sagaId: $sagaId, branch: "probe", orderId: $orderId) }',
    variables: () => ({ orderId: nobody, sagaId: nobody }),
    allowedApps: ['order'],
  },
  'payment.creditTopUp': {
    document: 'mutation Probe($orderId: ID!) { creditTopUp(orderId: $orderId, number: "probe") }',
    variables: () => ({ orderId: nobody }),
    allowedApps: ['order'],
  },
  'payment.settleBeforeClosing': {
    document: 'mutation Probe($orderId: ID!) { settleBeforeClosing(orderIds: [$orderId]) { orderId } }',
    variables: () => ({ orderId: nobody }),
    allowedApps: ['order'],
  },
  'product.releaseStock': {
    document:
      'mutation Probe($orderId: ID!, $sagaId: ID!) { releaseStock(sagaId: $sagaId, branch: "probe", orderId: $orderId, reason: "probe") }',
    variables: () => ({ orderId: nobody, sagaId: nobody }),
    allowedApps: ['order'],
  },
};

/** What the SDL of the subgraphs says: entities with a resolvable key, and root fields that are @inaccessible. */
export function entityKeys(): { entities: string[]; internal: string[] } {
  const found = { entities: [] as string[], internal: [] as string[] };
  for (const service of subgraphNames) {
    for (const definition of typeDefsOf(service).definitions) {
      if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
      const keys = (definition.directives ?? []).filter((directive) => directive.name.value === 'key');
      if (keys.some(isResolvable)) found.entities.push(`${service}.${definition.name.value}`);
      if (!['Query', 'Mutation', 'Subscription'].includes(definition.name.value)) continue;
      for (const field of definition.fields ?? []) {
        if (field.directives?.some((directive) => directive.name.value === 'inaccessible'))
          found.internal.push(`${service}.${field.name.value}`);
      }
    }
  }
  return found;
}

const isResolvable = (key: ConstDirectiveNode): boolean =>
  !key.arguments?.some(
    (argument) => argument.name.value === 'resolvable' && argument.value.kind === Kind.BOOLEAN && !argument.value.value,
  );
