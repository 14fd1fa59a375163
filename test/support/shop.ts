import { randomInt, randomUUID } from 'node:crypto';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { operationText } from '../../schema/client-operations.ts';
import { type Answer, type Shop, admin } from './platform.ts';
import { until } from './until.ts';

/** Someone signed in. */
export type Person = { id: string; token: string; refreshToken: string; mobile: string; password: string };
export type Line = { productId: string; quantity: number; stayFrom?: string; stayTo?: string; guests?: number };
export type UserError = { __typename: string; code: string; message: string; path: string[] | null };
export type PlacedOrder = {
  id: string;
  number: string;
  state: string;
  total: { amount: number; currency: string };
  expiresAt: string;
};
export type PlaceOrderPayload = {
  order: PlacedOrder | null;
  replayed: boolean;
  userErrors: UserError[];
  saga: { id: string; state: string } | null;
};

/** A client operation of `schema/operations/`, as the pages use it. */
export const operation = operationText;

/** The data of an answer. Throws when it has errors: the test expected none. */
export function dataOf<Data>(answer: Answer<Data>): Data {
  if (answer.errors || !answer.data)
    throw new Error(`unexpected errors (${answer.status}): ${JSON.stringify(answer.errors ?? answer)}`);
  return answer.data;
}

export const newMobile = (): string => `19${String(randomInt(1e9)).padStart(9, '0')}`;
export const newKey = (): string => randomUUID();

type AuthPayload = {
  user: { id: string } | null;
  tokens: { accessToken: string; refreshToken: string } | null;
  userErrors: UserError[];
};

function person(payload: AuthPayload, secret: { mobile: string; password: string }): Person {
  if (!payload.user || !payload.tokens) throw new Error(`not signed in: ${JSON.stringify(payload.userErrors)}`);
  return {
    id: payload.user.id,
    token: payload.tokens.accessToken,
    refreshToken: payload.tokens.refreshToken,
    ...secret,
  };
}

export async function register(platform: Shop, name = 'Test Buyer'): Promise<Person> {
  const secret = { mobile: newMobile(), password: 'correct horse battery' };
  const answer = await platform.gql<{ register: AuthPayload }>(operation('register'), { input: { name, ...secret } });
  return person(dataOf(answer).register, secret);
}

export async function logIn(platform: Shop, account: { mobile: string; password: string }): Promise<Person> {
  const secret = { mobile: account.mobile, password: account.password };
  const answer = await platform.gql<{ login: AuthPayload }>(operation('login'), secret);
  return person(dataOf(answer).login, secret);
}

/** Puts an address into somebody's book, for shops that ship. */
export async function giveAddress(platform: Shop, { token }: Person): Promise<void> {
  const address = { name: 'Test Buyer', line1: 'Ring 1', postalCode: '10115', city: 'Berlin', countryCode: 'DE' };
  const answer = await platform.gql<{ saveAddress: { userErrors: UserError[] } }>(
    operation('save-address'),
    { address, idempotencyKey: newKey() },
    { token },
  );
  const { userErrors } = dataOf(answer).saveAddress;
  if (userErrors.length > 0) throw new Error(`no address: ${JSON.stringify(userErrors)}`);
}

export const logInAsAdmin = (platform: Shop): Promise<Person> => logIn(platform, admin);

export type NewProduct = {
  kind?: 'STOCKED' | 'BOOKABLE' | 'DIGITAL';
  priceMinor?: number;
  onHand?: number;
  name?: string;
  capacity?: number;
  maxGuests?: number;
  sku?: string;
};

/** A product of its own for a test, so that no other test changes its stock. */
export async function createProduct(
  platform: Shop,
  staff: Person,
  product: NewProduct = {},
): Promise<{ id: string; sku: string; name: string }> {
  const sku = product.sku ?? `TEST-${randomUUID().slice(0, 13).toUpperCase()}`;
  const input = {
    sku,
    kind: product.kind ?? 'STOCKED',
    name: product.name ?? `Product ${sku}`,
    description: 'Made for a test.',
    price: { amount: product.priceMinor ?? 1_250, currency: 'EUR' },
    initialOnHand: (product.kind ?? 'STOCKED') === 'STOCKED' ? (product.onHand ?? 10) : 0,
    capacity: product.capacity,
    maxGuests: product.maxGuests,
  };
  const answer = await platform.gql<{
    createProduct: { product: { id: string; sku: string; name: string } | null; userErrors: UserError[] };
  }>(
    'mutation CreateProduct($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) { product { id sku name } userErrors { __typename ... on UserError { code message path } } } }',
    { input, key: newKey() },
    { token: staff.token },
  );
  const { product: created, userErrors } = dataOf(answer).createProduct;
  if (!created) throw new Error(`no product: ${JSON.stringify(userErrors)}`);
  return created;
}

/** A coupon of 10 % unless told otherwise; its code. */
export async function createPromotion(
  platform: Shop,
  staff: Person,
  change: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const code = `CODE-${randomUUID().slice(0, 13).toUpperCase()}`;
  const input = { name: 'Coupon', kind: 'PERCENT', valuePpm: 100_000, code, ...change };
  type Saved = { savePromotion: { promotion: { id: string } | null; userErrors: UserError[] } };
  const answer = await platform.gql<Saved>(
    'mutation Promote($input: PromotionInput!, $key: String!) { savePromotion(input: $input, idempotencyKey: $key) { promotion { id } userErrors { __typename ... on UserError { code message path } } } }',
    { input, key: newKey() },
    { token: staff.token },
  );
  const { promotion, userErrors } = dataOf(answer).savePromotion;
  if (!promotion) throw new Error(`no promotion: ${JSON.stringify(userErrors)}`);
  return code;
}

/** Gives a buyer money to spend, in EUR. */
export async function creditWallet(platform: Shop, staff: Person, buyer: Person, amountMinor: number): Promise<void> {
  const answer = await platform.gql<{ creditWallet: { userErrors: UserError[] } }>(
    operation('credit-wallet'),
    {
      userId: buyer.id,
      amount: { amount: amountMinor, currency: 'EUR' },
      reason: 'for a test',
      idempotencyKey: newKey(),
    },
    { token: staff.token },
  );
  const { userErrors } = dataOf(answer).creditWallet;
  if (userErrors.length > 0) throw new Error(`no credit: ${JSON.stringify(userErrors)}`);
}

/** A buyer's money here in EUR, in cents. */
export async function walletOf(platform: Shop, buyer: Person): Promise<{ balance: number; held: number }> {
  type Wallet = { balance: { amount: number }; held: { amount: number } };
  const answer = await platform.gql<{ me: { wallet: Wallet } }>(
    operation('my-wallet'),
    { currency: 'EUR' },
    { token: buyer.token },
  );
  const { wallet } = dataOf(answer).me;
  return { balance: wallet.balance.amount, held: wallet.held.amount };
}

/** Starts to pay an order partly by wallet: the wallet's payment, then the card's. */
export async function payMixed(
  platform: Shop,
  buyer: Person,
  orderId: string,
  options: { walletMinor: number; key?: string },
): Promise<[StartedPayment, StartedPayment]> {
  const { walletMinor, key = newKey() } = options;
  const parts = [{ method: 'WALLET', amount: { amount: walletMinor, currency: 'EUR' } }, { method: 'SIMULATED_CARD' }];
  const answer = await platform.gql<{
    createMixedPayment: { payments: [StartedPayment, StartedPayment]; userErrors: UserError[] };
  }>(operation('create-mixed-payment'), { input: { orderId, parts }, idempotencyKey: key }, { token: buyer.token });
  const { payments, userErrors } = dataOf(answer).createMixedPayment;
  if (userErrors.length > 0) throw new Error(`not started: ${JSON.stringify(userErrors)}`);
  return payments;
}

export type PlaceOptions = { key?: string; currency?: string; type?: string; [input: string]: unknown };

/** Places an order and returns the answer as it came. */
export function tryPlaceOrder(
  platform: Shop,
  buyer: Person,
  lines: Line[],
  { key = newKey(), ...input }: PlaceOptions = {},
): Promise<Answer<{ placeOrder: PlaceOrderPayload }>> {
  return platform.gql<{ placeOrder: PlaceOrderPayload }>(
    operation('place-order'),
    { input: { currency: 'EUR', lines, ...input }, idempotencyKey: key },
    { token: buyer.token },
  );
}

/** What a client sends again, with the same key: nothing is done twice. */
const isLater = ({ errors }: Answer<unknown>): boolean =>
  Boolean(errors?.every(({ extensions }) => ['DEADLINE_EXCEEDED', 'SERVICE_UNAVAILABLE'].includes(extensions.code)));

/** Places an order that must succeed; sent again as a client does, at most four times, where a busy machine says "later". */
export async function placeOrder(
  platform: Shop,
  buyer: Person,
  lines: Line[],
  options: PlaceOptions = {},
): Promise<PlacedOrder> {
  const key = options.key ?? newKey();
  let answer = await tryPlaceOrder(platform, buyer, lines, { ...options, key });
  for (let tries = 1; tries < 5 && isLater(answer); tries += 1)
    answer = await tryPlaceOrder(platform, buyer, lines, { ...options, key });
  const { order, userErrors } = dataOf(answer).placeOrder;
  if (!order || userErrors.length > 0) throw new Error(`not placed: ${JSON.stringify({ order, userErrors })}`);
  return order;
}

export type StartedPayment = {
  id: string;
  number: string;
  state: string;
  amount: { amount: number; currency: string };
  attempts: { id: string; number: string; state: string; clientParams: { confirmUrl: string } }[];
};
export type PaymentPayload = { payment: StartedPayment | null; replayed: boolean; userErrors: UserError[] };

export function tryCreatePayment(
  platform: Shop,
  buyer: Person,
  input: Record<string, unknown>,
  key = newKey(),
): Promise<Answer<{ createPayment: PaymentPayload }>> {
  return platform.gql<{ createPayment: PaymentPayload }>(
    operation('create-payment'),
    { input: { method: 'SIMULATED_CARD', ...input }, idempotencyKey: key },
    { token: buyer.token },
  );
}

/** Starts the payment of an order; `confirm` then pays it at the provider. */
export async function createPayment(platform: Shop, buyer: Person, orderId: string): Promise<StartedPayment> {
  const { payment, userErrors } = dataOf(await tryCreatePayment(platform, buyer, { orderId })).createPayment;
  if (!payment || userErrors.length > 0) throw new Error(`no payment: ${JSON.stringify(userErrors)}`);
  return payment;
}

export const cards = {
  pays: '4242424242424242',
  declines: '4000000000000002',
  lacksFunds: '4000000000009995',
} as const;

/** Gives a card to the simulated provider, as the buyer's browser does. */
export async function confirm(
  platform: Shop,
  payment: StartedPayment,
  card: string = cards.pays,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const confirmUrl = payment.attempts.at(-1)?.clientParams.confirmUrl;
  if (!confirmUrl) throw new Error(`no confirmUrl: ${JSON.stringify(payment)}`);
  const response = await fetch(new URL(confirmUrl, platform.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ card }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Pays an order with a card that pays. */
export async function pay(platform: Shop, buyer: Person, orderId: string): Promise<StartedPayment> {
  const payment = await createPayment(platform, buyer, orderId);
  const { status, body } = await confirm(platform, payment);
  if (status !== 200) throw new Error(`not confirmed: ${status} ${JSON.stringify(body)}`);
  return payment;
}

export type OrderView = {
  id: string;
  number: string;
  state: string;
  paymentStatus: string;
  fulfilmentStatus: string;
  cancelReason: string | null;
  total: { amount: number };
  paidTotal: { amount: number };
  refundedTotal: { amount: number };
  lines: { id: string; quantity: number; total: { amount: number }; product: { id: string; name: string } | null }[];
  payments: { id: string; state: string; refunds: { state: string; automatic: boolean }[] }[];
  saga: {
    id: string;
    state: string;
    steps: { branchId: string; actionState: string; compensationState: string }[];
  } | null;
  history: { edges: { node: { seq: number; type: string; fromState: string | null; toState: string | null } }[] };
};

const orderQuery = `query OrderView($id: ID!) { order(id: $id) {
  id number state paymentStatus fulfilmentStatus cancelReason total { amount } paidTotal { amount } refundedTotal { amount }
  lines { id quantity total { amount } product { id name } }
  payments { id state refunds { state automatic } }
  saga { id state steps { branchId actionState compensationState } }
  history(first: 100) { edges { node { seq type fromState toState } } } } }`;

export async function readOrder(platform: Shop, viewer: Person, id: string): Promise<OrderView> {
  const { order } = dataOf(
    await platform.gql<{ order: OrderView | null }>(orderQuery, { id }, { token: viewer.token }),
  );
  if (!order) throw new Error(`no order ${id}`);
  return order;
}

/** Waits until the order is in one of these states. */
export const orderIn = (
  platform: Shop,
  viewer: Person,
  id: string,
  states: string[],
  timeoutMs = 15_000,
): Promise<OrderView> =>
  until(
    async () => {
      const { order } = dataOf(
        await platform.gql<{ order: { state: string } | null }>(
          'query State($id: ID!) { order(id: $id) { state } }',
          { id },
          { token: viewer.token },
        ),
      );
      return order && states.includes(order.state) ? readOrder(platform, viewer, id) : null;
    },
    { timeoutMs, what: `order ${id} in ${states.join(' or ')}` },
  );

export async function stockOf(
  platform: Shop,
  staff: Person,
  productId: string,
): Promise<{ onHand: number; allocated: number; available: number }> {
  type Stock = { onHand: number; allocated: number; available: number };
  const answer = await platform.gql<{ product: { stock: Stock } | null }>(
    'query Stock($id: ID!) { product(id: $id) { stock { onHand allocated available } } }',
    { id: productId },
    { token: staff.token },
  );
  const { product } = dataOf(answer);
  if (!product) throw new Error(`no product ${productId}`);
  return product.stock;
}

/** What a subscription has brought so far; grows by itself. */
export type Watched<Data> = { results: Answer<Data>[]; closed: Promise<unknown>; close(): Promise<void> };

/** Subscribes over graphql-ws as a browser does and collects what comes. */
export function watch<Data>(
  platform: Shop,
  document: string,
  variables: Record<string, unknown>,
  options: { token?: string | undefined } = {},
): Watched<Data> {
  const client: Client = createClient({
    url: platform.wsUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: options.token ? { authorization: `Bearer ${options.token}` } : {},
  });
  const results: Answer<Data>[] = [];
  const closed = new Promise<unknown>((resolve) => {
    client.subscribe<Data>(
      { query: document, variables },
      {
        next: (result) => void results.push(result as unknown as Answer<Data>),
        error: resolve,
        complete: () => resolve(undefined),
      },
    );
  });
  return { results, closed, close: async () => void (await client.dispose()) };
}
