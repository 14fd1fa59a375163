import { z } from 'zod';
import { ConfigError, type Env, integer, readEnv, url } from '../../shared/process/env.ts';
import { databaseUrl, readDatabaseConfig } from '../../shared/process/platform-config.ts';
import { allowsSimulatedProvider, readSimulatedSecrets } from '../config.ts';

export type ProviderConfig = {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly logLevel: string;
  /** How long it waits for its database when it starts. */
  readonly startWaitMs: number;
  /** Where its merchant wants to hear. */
  readonly webhookUrl: string;
  /** How long it holds a card's money for a merchant who captures later. */
  readonly authorizationSeconds: number;
  readonly apiKey: string;
  /** Signs the webhooks. */
  readonly webhookSecret: string;
};

/** Throws ConfigError, also when this is production and the simulated provider was not asked for. */
export function readProviderConfig(env: Env): ProviderConfig {
  if (!allowsSimulatedProvider(env)) {
    throw new ConfigError(
      'ALLOW_SIMULATED_PROVIDER: must be true to run the simulated payment provider with NODE_ENV=production.',
    );
  }
  const given = readEnv(env, {
    SUBGRAPH_HOST: z.string().default('127.0.0.1'),
    SIMULATED_PROVIDER_PORT: integer(0, 65_535).default(4106),
    PORT: integer(0, 65_535).default(4000),
    SIMULATED_WEBHOOK_URL: url('http', 'https').optional(),
    SIMULATED_AUTHORIZATION_SECONDS: integer(1, 31_536_000).default(604_800),
  });
  const database = readDatabaseConfig(env);
  const { apiKey, webhookSecrets } = readSimulatedSecrets(env);
  return {
    host: given.SUBGRAPH_HOST,
    port: given.SIMULATED_PROVIDER_PORT,
    databaseUrl: databaseUrl(env, database, 'simulated'),
    logLevel: database.logLevel,
    startWaitMs: database.startWaitMs,
    webhookUrl: given.SIMULATED_WEBHOOK_URL ?? `http://127.0.0.1:${given.PORT}/webhooks/simulated`,
    authorizationSeconds: given.SIMULATED_AUTHORIZATION_SECONDS,
    apiKey,
    webhookSecret: webhookSecrets[0] as string,
  };
}
