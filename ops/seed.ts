import { createConnection } from 'mysql2/promise';
import { decimalText } from '../subgraphs/shared/values/currencies.ts';
import type { Role } from '../subgraphs/shared/auth/viewer.ts';
import type { Env } from '../subgraphs/shared/process/env.ts';
import type { Runtime } from '../subgraphs/shared/process/runtime.ts';
import { databaseUrl, readPlatformConfig } from '../subgraphs/shared/process/platform-config.ts';
import { type Accounts, openAccounts } from '../subgraphs/user/accounts.ts';
import { readDemoShop } from './check-configuration.ts';
import { demoAccounts } from './demo-shop.ts';
import { migrate } from './migrate.ts';
import { type Subgraphs, openPlatform } from './platform-parts.ts';
import { runProcess } from '../subgraphs/shared/process/run-process.ts';
import { seedAddress, seedCatalogue, seedRules } from './seed-shop.ts';
import { type Act, actAs, seedDocuments } from './seed-documents.ts';
import { serversFor } from './servers-for.ts';

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
 * Fills a new database through the subgraphs' own commands: outside production a demo shop with its customers, a merchant and
 * an operator, and the administrator, last, so that a seeding that was interrupted is done again. Each step is harmless twice.
 */
export async function seed(runtime: Runtime, subgraphs: Subgraphs): Promise<void> {
  if (await isSeeded(runtime.env)) return;
  const accounts = await openAccounts(runtime);
  try {
    const isProduction = runtime.env['NODE_ENV'] === 'production';
    // The demo accounts' passwords are in the README: they are never made in production, the products only when asked for.
    const people = isProduction ? [] : await seedDemoAccounts(accounts);
    const operator = people.find(({ roles }) => roles.includes('OPERATOR')) ?? {
      id: runtime.newId(),
      roles: ['OPERATOR'],
    };
    const act = actAs({ runtime, subgraphs });
    const asOperator = act(operator);
    const filled = readDemoShop(runtime.env);
    const merchant = people.find(({ roles }) => roles.includes('MERCHANT'));
    if (filled !== 'none') await seedCatalogue(asOperator, merchant ? act(merchant) : asOperator);
    if (filled === 'all') await seedRules(asOperator);
    for (const [index, person] of people.entries()) await seedAddress(act(person), { ...person, index });
    await seedWallets(
      asOperator,
      people.filter((person) => person !== operator && person !== merchant),
    );
    const admin = await accounts.ensureAdmin();
    // A password that was made up is told this once.
    if (admin.password !== null)
      console.log(`administrator: mobile ${admin.mobile}, password ${admin.password} (shown once)`);
  } finally {
    await accounts.close();
  }
}

type DemoPerson = { readonly id: string; readonly name: string; readonly roles: readonly Role[] };

async function seedDemoAccounts(accounts: Accounts): Promise<readonly DemoPerson[]> {
  const people: DemoPerson[] = [];
  for (const account of demoAccounts) {
    const { id } = await accounts.createUser({ ...account, roles: [...account.roles] });
    people.push({ id, name: account.name, roles: account.roles });
  }
  console.log(`seeded: ${people.length} demo accounts (the README has their passwords)`);
  return people;
}

async function seedWallets(asOperator: Act, customers: readonly DemoPerson[]): Promise<void> {
  if (customers.length === 0) return;
  for (const { id: userId } of customers) {
    const variables = { userId, amount: demoBalance, idempotencyKey: `seed-${userId}` };
    await asOperator('payment', `the wallet of ${userId}`, { query: seedDocuments.creditWallet, variables });
  }
  console.log(
    `seeded: ${customers.length} wallets with ${decimalText(demoBalance.amount, demoBalance.currency)} ${demoBalance.currency}`,
  );
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
