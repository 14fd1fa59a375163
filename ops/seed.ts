import { createConnection } from 'mysql2/promise';
import { callerHeaders } from '../subgraphs/shared/auth/caller-headers.ts';
import { identitySigner } from '../subgraphs/shared/auth/identity.ts';
import { decimalText } from '../subgraphs/shared/values/currencies.ts';
import type { Env } from '../subgraphs/shared/process/env.ts';
import { CallError } from '../subgraphs/shared/calls/link.ts';
import type { Runtime } from '../subgraphs/shared/process/runtime.ts';
import { databaseUrl, readPlatformConfig } from '../subgraphs/shared/process/platform-config.ts';
import { traceparentOf } from '../subgraphs/shared/process/telemetry.ts';
import { type Accounts, openAccounts } from '../subgraphs/user/accounts.ts';
import { readDemoShop } from './check-configuration.ts';
import { type DemoProduct, demoAccounts, demoCategories, demoProducts } from './demo-shop.ts';
import { migrate } from './migrate.ts';
import { type Subgraphs, openPlatform } from './platform-parts.ts';
import { runProcess } from '../subgraphs/shared/process/run-process.ts';
import { serversFor } from './servers-for.ts';

const createProduct = `mutation SeedProduct($input: CreateProductInput!, $idempotencyKey: String!) {
  createProduct(input: $input, idempotencyKey: $idempotencyKey) { product { id } userErrors { __typename ... on UserError { code message } } }
}`;

const saveCategory = `mutation SeedCategory($slug: String!, $name: String!, $parentId: ID, $idempotencyKey: String!) {
  saveCategory(slug: $slug, name: $name, parentId: $parentId, idempotencyKey: $idempotencyKey) { category { id } userErrors { __typename ... on UserError { code message } } }
}`;

const creditWallet = `mutation SeedWallet($userId: ID!, $amount: MoneyInput!, $idempotencyKey: String!) {
  creditWallet(userId: $userId, amount: $amount, reason: "Welcome", idempotencyKey: $idempotencyKey) { userErrors { __typename ... on UserError { code message } } }
}`;
/** What each demo customer has to spend. */
const demoBalance = { amount: 5_000, currency: 'EUR' };

/** Seeding ends with the administrator: where there is one, the database is not new. */
export async function isSeeded(env: Env): Promise<boolean> {
  const connection = await createConnection({ uri: databaseUrl(env, readPlatformConfig(env), 'user') });
  try {
    const [rows] = await connection.query("select 1 from user_account where roles like '%ADMIN%' limit 1");
    return (rows as unknown[]).length > 0;
  } finally {
    await connection.end();
  }
}

/**
 * Fills a new database through the subgraphs' own commands: outside production a demo shop with its customers and an
 * operator, and the administrator, last, so that a seeding that was interrupted is done again. Each step is harmless twice.
 */
export async function seed(runtime: Runtime, subgraphs: Subgraphs): Promise<void> {
  if (await isSeeded(runtime.env)) return;
  const accounts = await openAccounts(runtime);
  try {
    const isProduction = runtime.env['NODE_ENV'] === 'production';
    // The demo accounts' passwords are in the README: they are never made in production, the products only when asked for.
    const { operatorId, customerIds } = isProduction
      ? { operatorId: runtime.newId(), customerIds: [] }
      : await seedDemoAccounts(accounts);
    if (!isProduction || readDemoShop(runtime.env)) await seedDemoShop(runtime, subgraphs, operatorId);
    await seedWallets(runtime, subgraphs, { operatorId, customerIds });
    const admin = await accounts.ensureAdmin();
    // A password that was made up is told this once.
    if (admin.password !== null)
      console.log(`administrator: mobile ${admin.mobile}, password ${admin.password} (shown once)`);
  } finally {
    await accounts.close();
  }
}

type DemoPeople = { readonly operatorId: string; readonly customerIds: readonly string[] };

async function seedDemoAccounts(accounts: Accounts): Promise<DemoPeople> {
  let operatorId = '';
  const customerIds: string[] = [];
  for (const { roles, ...account } of demoAccounts) {
    const { id } = await accounts.createUser({ ...account, roles: [...roles] });
    if (roles.includes('OPERATOR')) operatorId = id;
    else customerIds.push(id);
  }
  console.log(`seeded: ${demoAccounts.length} demo accounts (the README has their passwords)`);
  return { operatorId, customerIds };
}

type Asked = { readonly query: string; readonly variables: Readonly<Record<string, unknown>> };

type Payload = {
  readonly userErrors: readonly { readonly message: string }[];
  readonly category?: { readonly id: string } | null;
};

/** Runs a mutation as the operator; its payload. Throws when it is refused; `what` names it then. */
async function asOperator(
  runtime: Runtime,
  subgraphs: Subgraphs,
  operatorId: string,
): Promise<(name: 'product' | 'payment', what: string, asked: Asked) => Promise<Payload | undefined>> {
  const identity = await identitySigner(
    runtime.config.identitySecret,
    runtime.now,
  )({
    kind: 'user',
    userId: operatorId,
    roles: ['OPERATOR'],
    sessionId: runtime.newId(),
  });
  const headers = {
    [callerHeaders.app]: 'gateway',
    [callerHeaders.token]: runtime.config.serviceTokens.get('gateway'),
    [callerHeaders.identity]: identity,
    [callerHeaders.trace]: traceparentOf(runtime.newId().replaceAll('-', '')),
  };
  return async (name, what, asked) => {
    const result = await subgraphs.link(name).execute({ ...asked, headers });
    if (result.errors) throw new CallError(name, result.errors);
    const [payload] = Object.values(result.data as Record<string, Payload>);
    const messages = payload?.userErrors.map(({ message }) => message) ?? [];
    if (messages.length > 0) throw new Error(`${what} was not seeded: ${messages.join('; ')}`);
    return payload;
  };
}

async function seedDemoShop(runtime: Runtime, subgraphs: Subgraphs, operatorId: string): Promise<void> {
  const run = await asOperator(runtime, subgraphs, operatorId);
  const categories = new Map<string, string | undefined>();
  for (const { slug, name, parent } of demoCategories) {
    const parentId = parent === undefined ? null : categories.get(parent);
    const variables = { slug, name, parentId, idempotencyKey: `seed-${slug}` };
    const saved = await run('product', slug, { query: saveCategory, variables });
    categories.set(slug, saved?.category?.id);
  }
  for (const product of demoProducts) {
    const input = { ...inputOf(product), categoryId: categories.get(product.category) };
    const variables = { input, idempotencyKey: `seed-${product.sku}` };
    await run('product', product.sku, { query: createProduct, variables });
  }
  console.log(`seeded: ${demoProducts.length} products in ${demoCategories.length} categories`);
}

async function seedWallets(
  runtime: Runtime,
  subgraphs: Subgraphs,
  { operatorId, customerIds }: DemoPeople,
): Promise<void> {
  if (customerIds.length === 0) return;
  const run = await asOperator(runtime, subgraphs, operatorId);
  for (const userId of customerIds) {
    const variables = { userId, amount: demoBalance, idempotencyKey: `seed-${userId}` };
    await run('payment', `the wallet of ${userId}`, { query: creditWallet, variables });
  }
  console.log(
    `seeded: ${customerIds.length} wallets with ${decimalText(demoBalance.amount, demoBalance.currency)} ${demoBalance.currency}`,
  );
}

function inputOf({ rooms, ...product }: DemoProduct) {
  const { sku, kind, name, subtitle, description, priceMinor, marketPriceMinor, onHand } = product;
  const euros = (amount: number) => ({ amount, currency: 'EUR' });
  const cover = `/products/${sku}.svg`;
  return {
    sku,
    kind,
    name,
    subtitle,
    description,
    cover,
    images: [cover],
    price: euros(priceMinor),
    marketPrice: marketPriceMinor === undefined ? null : euros(marketPriceMinor),
    initialOnHand: onHand,
    ...(rooms && {
      capacity: rooms.capacity,
      maxGuests: rooms.maxGuests,
      addOns: [{ code: 'BREAKFAST', name: 'Breakfast', unitPrice: euros(rooms.breakfastMinor), perPerson: true, perNight: true }], // prettier-ignore
    }),
  };
}

/** Seeds with subgraphs of its own, where none run in this process. */
export async function seedAlone(env: Env): Promise<void> {
  if (await isSeeded(env)) return;
  const { runtime, subgraphs } = await openPlatform(env, 'seed');
  try {
    await seed(runtime, subgraphs);
  } finally {
    await subgraphs.close();
    await runtime.close();
  }
}

if (import.meta.main) {
  await runProcess(async () => {
    const { env, servers } = await serversFor(process.env, console.error);
    try {
      await migrate(env);
      await seedAlone(env);
    } finally {
      await servers.stop();
    }
    return { stop: async () => {} };
  });
}
