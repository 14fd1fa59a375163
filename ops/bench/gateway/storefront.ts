import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { operationText } from '../../../schema/client-operations.ts';
import { subgraphNames } from '../../../subgraphs/shared/values/subgraph-names.ts';
import { demoAccounts } from '../../demo-shop.ts';
import { freePort } from '../../embedded/servers.ts';
import { type BenchPlatform, startBenchPlatform } from '../bench-platform.ts';
import type { Scene } from './scene.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const orders = 6;
const paidOrders = 2;
const tokensGoodMs = 240_000;

/** Real operations of the storefront before the platform's own subgraphs, each a process with its database. */
export async function openStorefront(): Promise<Scene> {
  const env: Record<string, string> = {};
  for (const name of subgraphNames) {
    const port = await freePort();
    env[`${name.toUpperCase()}_PORT`] = String(port);
    env[`${name.toUpperCase()}_URL`] = `http://127.0.0.1:${port}`;
  }
  const platform = await startBenchPlatform({ args: ['--split'], env });
  const signIn = async (): Promise<string> => {
    const { mobile, password } = demoAccounts[0] ?? {};
    type SignedIn = { login: { tokens: { accessToken: string } } };
    const { login } = await platform.gql<SignedIn>(operationText('login'), { mobile, password });
    return login.tokens.accessToken;
  };
  const known = new Map<number, { headers: readonly string[]; untilMs: number }>();
  const requests = await signIn()
    .then((token) => buy(platform, token))
    .catch(async (error: unknown) => {
      await platform.stop();
      throw error;
    });
  const file = (name: string): string[] =>
    name === 'gateway' ? ['gateway/server.ts'] : ['ops/bench/gateway/targets/storefront.ts', name];
  return {
    requests,
    variants: ['gateway', 'stock', 'stock-undici', 'floor'],
    program: async (variant, port) => ({
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', ...file(variant)],
      cwd: root,
      env: {
        ...env,
        PORT: String(port),
        GATEWAY_HOST: '127.0.0.1',
        MYSQL_URL: platform.mysqlUrl,
        REDIS_URL: platform.redisUrl,
        DATABASE_PREFIX: platform.prefix,
        LOG_LEVEL: 'warn',
        APOLLO_TELEMETRY_DISABLED: 'true',
      },
    }),
    async authorizations(count) {
      const last = known.get(count);
      if (last && last.untilMs > Date.now()) return last.headers;
      const headers: string[] = [];
      while (headers.length < count) headers.push(`Bearer ${await signIn()}`);
      known.set(count, { headers, untilMs: Date.now() + tokensGoodMs });
      return headers;
    },
    versions: async () => ({}),
    close: () => platform.stop(),
  };
}

/** A customer with some orders, some of them paid. Answers what is asked of the storefront, as bodies. */
async function buy(platform: BenchPlatform, token: string): Promise<Record<string, string>> {
  type Products = { products: { edges: { node: { id: string; kind: string } }[] } };
  const { products } = await platform.gql<Products>(operationText('products'), { first: 50 });
  const stocked = products.edges.filter(({ node }) => node.kind === 'STOCKED');
  const ids: string[] = [];
  for (let index = 0; index < orders; index++) {
    const lines = stocked.slice(index, index + 3).map(({ node }) => ({ productId: node.id, quantity: 1 }));
    const input = { currency: 'EUR', lines };
    type Placed = { placeOrder: { order: { id: string } | null; userErrors: unknown[] } };
    const { placeOrder } = await platform.gql<Placed>(operationText('place-order'), { input, idempotencyKey: randomUUID() }, token); // prettier-ignore
    if (!placeOrder.order) throw new Error(`not placed: ${JSON.stringify(placeOrder.userErrors)}`);
    ids.push(placeOrder.order.id);
  }
  for (const orderId of ids.slice(0, paidOrders)) {
    const input = { orderId, method: 'SIMULATED_CARD' };
    type Paying = { createPayment: { payment: { attempts: { clientParams: { confirmUrl: string } }[] } | null } };
    const { createPayment } = await platform.gql<Paying>(operationText('create-payment'), { input, idempotencyKey: randomUUID() }, token); // prettier-ignore
    const confirmUrl = createPayment.payment?.attempts[0]?.clientParams.confirmUrl;
    if (!confirmUrl) throw new Error(`no payment: ${JSON.stringify(createPayment)}`);
    await platform.post(confirmUrl, { card: '4242424242424242' });
  }
  for (const orderId of ids.slice(0, paidOrders)) {
    type Found = { order: { state: string } };
    while ((await platform.gql<Found>(operationText('order'), { id: orderId }, token)).order.state !== 'PAID')
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const body = (file: string, variables: object): string => JSON.stringify({ query: operationText(file), variables });
  return {
    products: body('products', { first: 12 }),
    'my-orders': body('my-orders', {}),
    order: body('order', { id: ids[0] }),
  };
}
