import { readSubgraphUrls } from '../calls/subgraph-urls.ts';
import { readHttpClient } from '../http/http-clients.ts';
import { type Env, developmentValue, integer, readEnv } from './env.ts';
import { readOperationsConfig } from './operations-config.ts';
import { databaseUrl, readDatabaseConfig, readPlatformConfig } from './platform-config.ts';

/**
 * For `checkAll`: what every process of the platform reads, each part by itself, so that every variable that can't work is
 * named, whatever else is wrong.
 *
 * @param schemas whose URLs the process uses, e.g. `order`
 * @param ports variables of ports, e.g. `ORDER_PORT`
 */
export const processChecks = (
  env: Env,
  { schemas, ports }: { schemas: readonly string[]; ports: readonly string[] },
): readonly (() => unknown)[] => [
  () => developmentValue(env, 'IDENTITY_SECRET', ''),
  () => developmentValue(env, 'SERVICE_TOKENS', ''),
  () => readPlatformConfig(env),
  ...schemas.map((name) => () => databaseUrl(env, readDatabaseConfig(env), name)),
  () => readEnv(env, Object.fromEntries(ports.map((name) => [name, integer(0, 65_535).optional()]))),
  () => readSubgraphUrls(env),
  () => readHttpClient(env),
  () => readOperationsConfig(env, 0),
];
