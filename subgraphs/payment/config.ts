import { z } from 'zod';
import { ConfigError, type Env, developmentValue, readEnv, url } from '../shared/env.ts';

/** How the payment service reaches the simulated provider and knows its webhooks. */
export type SimulatedConfig = {
  readonly url: string;
  readonly apiKey: string;
  /** All of them are accepted, so that the secret can be changed without losing a webhook. */
  readonly webhookSecrets: readonly string[];
};

export type PaymentConfig = {
  /** Undefined: this platform does not take payments at the simulated provider. */
  readonly simulated: SimulatedConfig | undefined;
};

const developmentApiKey = 'sk_simulated_development';
const developmentWebhookSecret = 'whsec_simulated_development';

/** The simulated provider moves no real money, so production has it only when it says so. */
export function allowsSimulatedProvider(env: Env): boolean {
  const given = readEnv(env, { ALLOW_SIMULATED_PROVIDER: z.enum(['true', 'false']).default('false') });
  return env['NODE_ENV'] !== 'production' || given.ALLOW_SIMULATED_PROVIDER === 'true';
}

/** What the simulated provider and its merchant both know. Throws ConfigError. */
export function readSimulatedSecrets(env: Env): Pick<SimulatedConfig, 'apiKey' | 'webhookSecrets'> {
  const webhookSecrets = developmentValue(env, 'SIMULATED_WEBHOOK_SECRET', developmentWebhookSecret)
    .split(',')
    .map((secret) => secret.trim());
  if (webhookSecrets.some((secret) => secret.length < 16)) {
    throw new ConfigError(
      'SIMULATED_WEBHOOK_SECRET: each of the comma-separated secrets needs at least 16 characters.',
    );
  }
  return { apiKey: developmentValue(env, 'SIMULATED_API_KEY', developmentApiKey), webhookSecrets };
}

/** Throws ConfigError naming the variable and the mend. */
export function readPaymentConfig(env: Env): PaymentConfig {
  if (!allowsSimulatedProvider(env)) return { simulated: undefined };
  const given = readEnv(env, {
    SIMULATED_PROVIDER_URL: url('http', 'https')
      .describe('origin of the simulated payment provider')
      .default('http://127.0.0.1:4106'),
  });
  return {
    simulated: { url: given.SIMULATED_PROVIDER_URL.replace(/\/$/, ''), ...readSimulatedSecrets(env) },
  };
}
