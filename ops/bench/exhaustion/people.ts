import { randomUUID } from 'node:crypto';
import type { BenchPlatform } from '../bench-platform.ts';
import { loginDocument, signInStaff } from '../staff.ts';
import { type ExhaustionCase, type Scene, codeOf, openAttacker, untilAborted } from './case.ts';

const json = { 'content-type': 'application/json' };
const newMobile = (): string => `49${String(Math.floor(Math.random() * 1e11)).padStart(11, '1')}`;
const password = 'bench password 1';
const registerDocument =
  'mutation R($input: RegisterInput!) { register(input: $input) { user { id } tokens { accessToken } userErrors { __typename } } }';

type Signed = { user: { id: string }; tokens: { accessToken: string } };
const register = async (platform: BenchPlatform, mobile: string): Promise<Signed> =>
  (await platform.gql<{ register: Signed }>(registerDocument, { input: { name: 'Bench', mobile, password } })).register;

const lines = 100;

/** A sign-in of somebody who signed in from here before. */
async function signIn(platform: BenchPlatform, { mobile }: Scene): Promise<void> {
  const { login } = await platform.gql<{ login: { tokens: object | null } }>(loginDocument, { mobile, password });
  if (!login.tokens) throw new Error('the owner is kept out');
}

async function prepareOwner(platform: BenchPlatform): Promise<{ mobile: string }> {
  const mobile = newMobile();
  await register(platform, mobile);
  return { mobile };
}

export const registrations: ExhaustionCase = {
  name: 'registrations',
  what: `F47: ${lines} lines register from one address while others sign in`,
  // So that the queue of passwords is full, and not only the limit of the address seen.
  env: { REGISTRATIONS_PER_ADDRESS: '1000000' },
  prepare: prepareOwner,
  honest: signIn,
  async attack({ url }, signal, count) {
    const attacker = openAttacker(url, lines);
    signal.addEventListener('abort', () => void attacker.close());
    await untilAborted(lines, signal, count, async () => {
      const input = { name: 'Attacker', mobile: newMobile(), password: `not so easy ${randomUUID()}` };
      const body = JSON.stringify({ query: registerDocument, variables: { input } });
      return codeOf((await attacker.send({ method: 'POST', path: '/graphql', headers: json, body })).body);
    });
  },
};

export const wrongPasswords: ExhaustionCase = {
  name: 'wrong-passwords',
  what: `F47: ${lines} lines guess the password of a number whose owner signs in`,
  prepare: prepareOwner,
  honest: signIn,
  async attack({ url, mobile }, signal, count) {
    const attacker = openAttacker(url, lines);
    signal.addEventListener('abort', () => void attacker.close());
    await untilAborted(lines, signal, count, async () => {
      const body = JSON.stringify({ query: loginDocument, variables: { mobile, password: randomUUID() } });
      return codeOf((await attacker.send({ method: 'POST', path: '/graphql', headers: json, body })).body);
    });
  },
};

const pieces = 1_000;
const accounts = 8;
const placeDocument =
  'mutation O($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { order { id } userErrors { __typename ... on UserError { code } } } }';
const cancelDocument = 'mutation C($id: ID!, $key: String!) { cancelOrder(id: $id, idempotencyKey: $key) { userErrors { __typename } } }'; // prettier-ignore

export const unpaidOrders: ExhaustionCase = {
  name: 'unpaid-orders',
  what: `F48: ${accounts} accounts order the ${pieces} pieces of a product unpaid, ten at a time, while others buy it`,
  env: { OPEN_ORDERS_PER_CUSTOMER: '20', OPEN_UNITS_PER_CUSTOMER: '100' },
  async prepare(platform) {
    const staff = await signInStaff(platform);
    const sku = `BENCH-${randomUUID().slice(0, 8)}`;
    const productId = await staff.createProduct({ sku, name: 'Scarce', description: '', priceMinor: 100, initialOnHand: pieces }); // prettier-ignore
    const attackers: string[] = [];
    for (let index = 0; index < accounts; index += 1)
      attackers.push((await register(platform, newMobile())).tokens.accessToken);
    const buyer = (await register(platform, newMobile())).tokens.accessToken;
    return { productId, attackers, buyer };
  },
  /** Buys one piece, which has to be there, and gives it back, so that the next can buy. */
  async honest(platform, { productId, buyer }) {
    const input = { currency: 'EUR', lines: [{ productId, quantity: 1 }] };
    const placed = await platform.gql<{ placeOrder: { order: { id: string } | null } }>(placeDocument, { input, key: randomUUID() }, buyer as string); // prettier-ignore
    if (!placed.placeOrder.order) throw new Error('sold out for nothing');
    await platform.gql(cancelDocument, { id: placed.placeOrder.order.id, key: randomUUID() }, buyer as string);
  },
  async attack({ url, productId, attackers }, signal, count) {
    const tokens = attackers as readonly string[];
    const attacker = openAttacker(url, tokens.length);
    signal.addEventListener('abort', () => void attacker.close());
    let next = 0;
    await untilAborted(tokens.length, signal, count, async () => {
      const authorization = `Bearer ${tokens[next++ % tokens.length]}`;
      const input = { currency: 'EUR', lines: [{ productId, quantity: 10 }] };
      const body = JSON.stringify({ query: placeDocument, variables: { input, key: randomUUID() } });
      const answer = await attacker.send({ method: 'POST', path: '/graphql', headers: { ...json, authorization }, body }); // prettier-ignore
      const { data } = JSON.parse(answer.body) as { data?: { placeOrder: { userErrors: { code: string }[] } } };
      return data?.placeOrder.userErrors[0]?.code ?? codeOf(answer.body);
    });
  },
};
