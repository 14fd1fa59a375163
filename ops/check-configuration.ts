import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readGatewayConfig } from '../gateway/config.ts';
import { readOrderConfig } from '../subgraphs/order/config.ts';
import { readPaymentConfig, readReconciliationHour } from '../subgraphs/payment/config.ts';
import { readProviderConfig } from '../subgraphs/payment/simulated-provider/config.ts';
import { ConfigError, type Env, checkAll, developmentValue, readEnv } from '../subgraphs/shared/process/env.ts';
import { processChecks } from '../subgraphs/shared/process/process-checks.ts';
import { subgraphNames } from '../subgraphs/shared/values/subgraph-names.ts';
import { readTracingConfig } from '../subgraphs/shared/tracing/open-tracing.ts';
import { readAdminConfig, readUserConfig } from '../subgraphs/user/config.ts';
import { readIdentityConfig } from '../subgraphs/user/identities/identity-config.ts';
import { readNotificationConfig } from '../subgraphs/user/notifications/config.ts';

/**
 * How much of the demo shop is filled: `all` of it, its `products` alone, or `none`. Outside production there always are
 * products. Throws ConfigError.
 */
export function readDemoShop(env: Env): 'all' | 'products' | 'none' {
  const { DEMO_SHOP: wanted } = readEnv(env, {
    DEMO_SHOP: z.enum(['true', 'products', 'false'], { error: 'is neither true, products nor false' }).default('false'),
  });
  if (wanted === 'products') return wanted;
  return wanted === 'true' || env['NODE_ENV'] !== 'production' ? 'all' : 'none';
}

const pages = ['index.html', 'graphiql.html'];
const serviceNames = [...subgraphNames, 'worker', 'simulated_provider'];

/**
 * Looks at the configuration of everything that `npm start` runs, before anything is started. Throws one ConfigError that
 * names every variable that can't work, with the mend.
 */
export function checkConfiguration(given: Env): void {
  // Unset they are the embedded servers'.
  const env: Env = {
    ...given,
    MYSQL_URL: given['MYSQL_URL'] || 'mysql://root@127.0.0.1:3306',
    REDIS_URL: given['REDIS_URL'] || 'redis://127.0.0.1:6379',
  };
  const own = (variable: string) => () => developmentValue(env, variable, '');
  checkAll([
    own('JWT_PRIVATE_JWK'),
    own('WEBHOOK_ENCRYPTION_KEY'),
    own('SIMULATED_WEBHOOK_SECRET'),
    own('SIMULATED_API_KEY'),
    ...processChecks(env, {
      schemas: [...subgraphNames, 'simulated'],
      ports: serviceNames.map((name) => `${name.toUpperCase()}_PORT`),
    }),
    () => readTracingConfig(env),
    () => readUserConfig(env),
    () => readIdentityConfig(env, { publicUrl: '' }),
    () => readNotificationConfig(env),
    () => readAdminConfig(env),
    () => readOrderConfig(env),
    () => readPaymentConfig(env),
    () => readReconciliationHour(env),
    () => readProviderConfig(env),
    () => readGatewayConfig(env),
    () => readDemoShop(env),
    () => checkPages(env['PAGES_DIR']),
  ]);
}

function checkPages(directory: string | undefined): void {
  if (!directory) return;
  const missing = pages.filter((page) => !existsSync(join(directory, page)));
  if (missing.length > 0)
    throw new ConfigError(
      `PAGES_DIR: ${directory} has no ${missing.join(', ')}; unset it to have the pages built, or name a build of ops/pages.ts.`,
    );
}
