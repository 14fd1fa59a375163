import { GraphQLNonNull } from 'graphql';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person, createProduct, creditWallet, logInAsAdmin, newKey, newMobile, orderIn, pay, placeOrder, register,
} from '../../support/shop.ts'; // prettier-ignore
import { api } from './descriptions.ts';

export type World = {
  readonly platform: Platform;
  readonly staff: Person;
  readonly buyer: Person;
  readonly stockedId: string;
  readonly digitalId: string;
  readonly stayId: string;
  /** Unpaid. */
  readonly open: { readonly id: string; readonly number: string };
  readonly paid: { readonly id: string; readonly number: string };
  readonly payment: { readonly id: string; readonly number: string };
};

export const freshOrder = ({ platform, buyer, stockedId }: World): Promise<{ id: string; number: string }> =>
  placeOrder(platform, buyer, [{ productId: stockedId, quantity: 1 }]);

export async function paidOrder(world: World): Promise<{ id: string; number: string; paymentId: string }> {
  const order = await freshOrder(world);
  const { id: paymentId } = await pay(world.platform, world.buyer, order.id);
  await orderIn(world.platform, world.buyer, order.id, ['PAID', 'PROCESSING']);
  return { ...order, paymentId };
}

export async function openWorld(): Promise<World> {
  const platform = await startPlatform({ shape: 'one' });
  const [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
  const [stocked, digital, stay] = await Promise.all([
    createProduct(platform, staff, { onHand: 1_000 }),
    createProduct(platform, staff, { kind: 'DIGITAL', priceMinor: 1 }),
    createProduct(platform, staff, { kind: 'BOOKABLE', capacity: 10_000, maxGuests: 2, priceMinor: 1 }),
  ]);
  const products = { stockedId: stocked.id, digitalId: digital.id, stayId: stay.id };
  const place = () => placeOrder(platform, buyer, [{ productId: stocked.id, quantity: 1 }]);
  const [open, paid] = [await place(), await place()];
  await creditWallet(platform, staff, buyer, 1_000);
  const payment = await pay(platform, buyer, paid.id);
  await orderIn(platform, buyer, paid.id, ['PAID', 'PROCESSING']);
  return { platform, staff, buyer, ...products, open, paid, payment };
}

/** What a value met: it was taken, or refused for its size. */
export type Outcome = 'taken' | 'refused';
export type Errors = readonly { readonly message: string; readonly extensions: { readonly code: string } }[];

/** Throws where the refusal is not about `field`. */
export function refusedFor(errors: Errors, field: string): Outcome {
  const [error] = errors;
  if (error?.extensions.code !== 'BAD_USER_INPUT' || !error.message.includes(field))
    throw new Error(`refused for something else than ${field}: ${JSON.stringify(errors)}`);
  return 'refused';
}

/** Whether a query is answered, or refused for what it says of `field`. */
export async function ask(
  { platform, staff }: World,
  query: string,
  variables: Record<string, unknown>,
  field: string,
): Promise<Outcome> {
  const { errors } = await platform.gql(query, variables, { token: staff.token });
  return errors ? refusedFor(errors, field) : 'taken';
}

type Variables = Record<string, unknown>;
/** Arguments with which each mutation succeeds; a new set each time. */
const successes: Readonly<Record<string, (world: World) => Variables | Promise<Variables>>> = {
  placeOrder: ({ digitalId }) => ({ input: { currency: 'EUR', lines: [{ productId: digitalId, quantity: 1 }] } }),
  savePromotion: () => ({ input: { name: 'Limit', kind: 'FREE_SHIPPING', active: false } }),
  // Not offered, and of a country to which nobody here orders.
  saveShippingMethod: () => ({ input: { code: newKey().slice(0, 32), name: 'Limit', countries: ['AQ'], rates: [{ price: { amount: 1, currency: 'EUR' } }], active: false } }), // prettier-ignore
  saveTaxRate: () => ({ input: { countryCode: 'AQ', name: 'Limit', ratePpm: 1, active: false } }),
  placeOrderFor: ({ buyer, digitalId }) => ({
    customerId: buyer.id,
    input: { currency: 'EUR', lines: [{ productId: digitalId, quantity: 1 }] },
  }),
  updateOrderRemark: ({ open }) => ({ id: open.id, remark: 'Ring twice.' }),
  cancelOrder: async (world) => ({ id: (await freshOrder(world)).id }),
  refundOrder: async (world) => ({ input: { orderId: (await paidOrder(world)).id, amount: { amount: 1, currency: 'EUR' }, reason: 'Scratched.' } }), // prettier-ignore
  requestReturn: ({ open }) => ({ orderId: open.id, lines: [{ lineId: open.id, quantity: 1 }], reason: 'Too small.' }),
  decideReturn: ({ payment }) => ({ returnId: payment.id, approve: true }),
  receiveReturn: ({ payment }) => ({
    returnId: payment.id,
    lines: [{ lineId: payment.id, quantity: 1, restock: 1 }],
    refund: false,
  }),
  cancelReturn: ({ payment }) => ({ returnId: payment.id }),
  archiveOrder: ({ paid }) => ({ id: paid.id }),
  unarchiveOrder: ({ paid }) => ({ id: paid.id }),
  advanceOrder: ({ paid }) => ({ id: paid.id }),
  fulfilOrder: async (world) => ({ id: (await paidOrder(world)).id }),
  markDelivered: ({ payment }) => ({ fulfilmentId: payment.id }),
  cancelFulfilment: ({ payment }) => ({ fulfilmentId: payment.id, reason: 'Lost.' }),
  redeemOrder: ({ paid }) => ({ number: paid.number, confirmationCode: 'WRONG' }),
  addOrderNote: ({ open }) => ({ id: open.id, note: 'Called.' }),
  resolveAttention: ({ paid }) => ({ id: paid.id, to: 'COMPLETED', note: 'By hand.' }),
  createPayment: async (world) => ({ input: { orderId: (await freshOrder(world)).id, method: 'SIMULATED_CARD' } }),
  createMixedPayment: async (world) => {
    const parts = [{ method: 'WALLET', amount: { amount: 1, currency: 'EUR' } }, { method: 'SIMULATED_CARD' }];
    return { input: { orderId: (await freshOrder(world)).id, parts } };
  },
  retryPayment: ({ payment }) => ({ paymentId: payment.id }),
  cancelPayment: ({ payment }) => ({ paymentId: payment.id }),
  capturePayment: ({ payment }) => ({ paymentId: payment.id }),
  refundPayment: async (world) => {
    const { paymentId } = await paidOrder(world);
    return { input: { paymentId, amount: { amount: 1, currency: 'EUR' }, reason: 'Scratched.' } };
  },
  creditWallet: ({ buyer }) => ({ userId: buyer.id, amount: { amount: 100, currency: 'EUR' }, reason: 'Sorry.' }),
  retryRefund: ({ payment }) => ({ refundId: payment.id }),
  confirmRefund: ({ payment }) => ({ refundId: payment.id, reference: 'T 1' }),
  replayWebhook: ({ payment }) => ({ deliveryId: payment.id }),
  replayOrderDeadLetter: ({ payment }) => ({ id: payment.id }),
  replayProductDeadLetter: ({ payment }) => ({ id: payment.id }),
  replayPaymentDeadLetter: ({ payment }) => ({ id: payment.id }),
  replayUserDeadLetter: ({ payment }) => ({ id: payment.id }),
  retrySaga: ({ payment }) => ({ id: payment.id }),
  createProduct: () => ({ input: newProduct() }),
  createStay: () => ({ input: { ...newProduct(), kind: 'BOOKABLE', capacity: 1, maxGuests: 1 } }),
  updateProduct: async ({ platform, staff }) => ({
    input: { id: (await createProduct(platform, staff)).id, expectedVersion: 1 },
  }),
  updateStay: async ({ platform, staff }) => ({
    input: {
      id: (await createProduct(platform, staff, { kind: 'BOOKABLE', capacity: 1, maxGuests: 1 })).id,
      expectedVersion: 1,
    },
  }),
  saveCategory: () => ({ slug: `limit-${newKey().slice(0, 8)}`, name: 'Limit' }),
  removeCategory: ({ payment }) => ({ id: payment.id }),
  saveProductGroup: async ({ platform, staff }) => {
    const { id: productId } = await createProduct(platform, staff);
    return { name: 'Limit', optionNames: ['Size'], products: [{ productId, options: [{ name: 'Size', value: 'S' }] }] };
  },
  removeProduct: async ({ platform, staff }) => ({ id: (await createProduct(platform, staff)).id }),
  adjustStock: async ({ platform, staff }) => {
    const { id: productId } = await createProduct(platform, staff, { onHand: 0 });
    return { changes: [{ productId, delta: 1, reason: 'Counted.' }] };
  },
  setStock: async ({ platform, staff }) => {
    const { id: productId } = await createProduct(platform, staff, { onHand: 0 });
    return { changes: [{ productId, onHand: 1, expectedOnHand: 0, reason: 'Counted.' }] };
  },
  register: () => ({ input: { name: 'Grace', mobile: newMobile(), password: 'correct horse battery' } }),
  login: ({ buyer }) => ({ mobile: buyer.mobile, password: buyer.password }),
  updateProfile: () => ({ input: { nickname: 'G' } }),
  changePassword: ({ buyer }) => ({ current: buyer.password, next: buyer.password }),
  saveAddress: () => ({
    address: { name: 'Ada', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE' },
  }),
  removeAddress: async ({ platform, buyer }) => {
    const document =
      'mutation ($address: PostalAddressInput!, $key: String!) { saveAddress(address: $address, idempotencyKey: $key) { address { id } } }';
    const address = { name: 'Ada', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE' };
    type Saved = { saveAddress: { address: { id: string } } };
    const { data } = await platform.gql<Saved>(document, { address, key: newKey() }, { token: buyer.token });
    return { id: data?.saveAddress.address.id };
  },
  setRoles: ({ buyer }) => ({ userId: buyer.id, roles: ['CUSTOMER'] }),
  inviteUser: () => ({ name: 'Grace', mobile: newMobile(), roles: ['CUSTOMER'] }),
  eraseUser: async ({ platform }) => ({ userId: (await register(platform)).id, reason: 'limits' }),
  suspendUser: async ({ platform }) => ({ userId: (await register(platform)).id, reason: 'limits' }),
  reinstateUser: ({ buyer }) => ({ userId: buyer.id }),
  revokeSession: async ({ platform }) => ({ sessionId: sessionOf(await register(platform)) }),
  revokeAllSessions: async ({ platform }) => ({ userId: (await register(platform)).id }),
  requestEmailVerification: ({ buyer }) => ({ email: `${newKey()}@example.com`, password: buyer.password }),
  loginWithIdentity: () => ({ type: 'OIDC', code: 'x', proof: 'y' }),
  linkIdentity: () => ({ type: 'OIDC', code: 'x', proof: 'y' }),
  unlinkIdentity: () => ({ type: 'OIDC' }),
  verifyEmail: () => ({ code: 'AAAA-BBBB-CCCC' }),
  saveWebhookEndpoint: () => ({ url: 'https://hooks.example/', events: ['order.paid'] }),
  rotateWebhookSecret: ({ payment }) => ({ id: payment.id }),
  removeWebhookEndpoint: ({ payment }) => ({ id: payment.id }),
  sendTestWebhook: ({ payment }) => ({ id: payment.id }),
  redeliverWebhook: ({ payment }) => ({ deliveryId: payment.id }),
  issueServiceCredential: () => ({ app: 'limits', service: 'order' }),
  revokeServiceCredential: () => ({ app: 'limits', service: 'order' }),
};
/** The session that an access token names. */
const sessionOf = ({ token }: Person): string =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }).sid;
const newProduct = () => ({
  sku: `LIMIT-${newKey().slice(0, 18)}`,
  name: 'Limit',
  description: 'Made for a test.',
  price: { amount: 100, currency: 'EUR' },
});
/** Mutations that only customers may use. */
const byBuyer = new Set(['placeOrder', 'createPayment', 'createMixedPayment', 'retryPayment', 'updateProfile', 'changePassword', 'updateOrderRemark', 'saveAddress', 'removeAddress', 'requestEmailVerification', 'verifyEmail', 'linkIdentity', 'unlinkIdentity']); // prettier-ignore

/** A document with all arguments of a mutation as variables. */
function documentOf(name: string): string {
  const field = api.getMutationType()?.getFields()[name];
  if (!field) throw new Error(`there is no mutation ${name}`);
  const declared = field.args.map((argument) => `$${argument.name}: ${String(argument.type)}`).join(', ');
  const passed = field.args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
  return `mutation Try(${declared}) { ${name}(${passed}) { userErrors { ... on UserError { code message path } } } }`;
}

/** Sets `input.lines.0.quantity` and the like. */
function put(target: Variables, path: string, value: unknown): void {
  const keys = path.split('.');
  let place = target as Record<string, unknown>;
  for (const key of keys.slice(0, -1)) place = (place[key] ??= {}) as Record<string, unknown>;
  place[keys.at(-1) ?? ''] = value;
}

type Refusals = readonly { readonly code: string; readonly message: string; readonly path: readonly string[] | null }[];

/**
 * Sends a mutation that succeeds but for the value at `path`.
 *
 * @param mutation its name, or one of `successes` that leads to another kind of success (`createStay`)
 * @param others arguments that the value needs beside it
 * @param options.otherwise refusals that come after the value was looked at, so they count as taken
 */
export async function send(
  world: World,
  mutation: string,
  path: string,
  value: unknown,
  otherwise: readonly string[] | 'all' = [],
  others: Variables = {},
): Promise<Outcome> {
  const name = mutation.replace(/Stay$/, 'Product');
  const variables = { ...(await successes[mutation]?.(world)), ...others };
  const args = api.getMutationType()?.getFields()[name]?.args ?? [];
  const key = args.find((argument) => argument.name === 'idempotencyKey');
  if (key && (key.type instanceof GraphQLNonNull || path === 'idempotencyKey')) variables['idempotencyKey'] = newKey();
  put(variables, path, value);
  const { token } = byBuyer.has(name) ? world.buyer : world.staff;
  const answer = await world.platform.gql<Record<string, { userErrors: Refusals }>>(documentOf(name), variables, { token }); // prettier-ignore
  const field = path.split('.').findLast((part) => !/^\d+$/.test(part)) ?? '';
  if (answer.errors) return refusedFor(answer.errors, field);
  const userErrors = answer.data?.[name]?.userErrors ?? [];
  const about = userErrors.filter(({ code, message, path: at }) => code === 'VALIDATION' && (message.includes(field) || at?.includes(field))); // prettier-ignore
  if (about.length > 0) return 'refused';
  if (otherwise === 'all' || userErrors.every(({ code }) => otherwise.includes(code))) return 'taken';
  throw new Error(`${mutation} refuses something else than ${field}: ${JSON.stringify(userErrors)}`);
}

/** Every mutation that takes an idempotency key. */
export const keyed = Object.values(api.getMutationType()?.getFields() ?? {})
  .filter(({ args }) => args.some(({ name }) => name === 'idempotencyKey'))
  .map(({ name }) => name);
