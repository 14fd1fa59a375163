import { z } from 'zod';
import { ConfigError, type Env, developmentValue, integer, readEnv } from '../shared/process/env.ts';
import { checkMobile, normaliseMobile } from './domain/mobile.ts';
import { checkPassword } from './domain/password.ts';
import type { AddressRule } from './webhooks/inward-addresses.ts';

/** An Ed25519 private key as JWK (RFC 8037). */
export type PrivateJwk = {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly d: string;
  readonly kid?: string | undefined;
};

export type UserConfig = {
  readonly signingJwk: PrivateJwk;
  readonly accessSeconds: number;
  readonly refreshDays: number;
  /** Failed logins of one account, and from one address, within the window, after which more are not looked at. */
  readonly maxFailuresPerAccount: number;
  readonly maxFailuresPerAddress: number;
  readonly loginWindowSeconds: number;
  /** Registrations that one address may ask for within the same window. */
  readonly maxRegistrationsPerAddress: number;
  /** One-time codes that may be asked for, for one account and from one address, within the same window. */
  readonly maxCodesPerAccount: number;
  readonly maxCodesPerAddress: number;
  /** Sign-ins at other systems that one address may begin or end, within the same window. */
  readonly maxIdentityRequestsPerAddress: number;
  /** Passwords that may wait to be hashed; more are answered TOO_MANY_REQUESTS. */
  readonly maxQueuedPasswords: number;
  /** For how many days is kept what people were told, and what other systems were. */
  readonly retention: { readonly notificationDays: number; readonly webhookDays: number };
  readonly webhooks: {
    /** The first one seals endpoints' secrets, any of them opens them. */
    readonly encryptionKeys: readonly string[];
    readonly addresses: AddressRule;
  };
};

/** Public in this repository: whoever has it can sign in as anybody, so it is refused in production. */
const developmentJwk = JSON.stringify({
  kty: 'OKP', crv: 'Ed25519', kid: 'development-only',
  x: 'g2KQh0oRI_O6IS3bcfp-14qG9cHHI-cuDnZeIrIowLE', d: 'DzP5qQdirqaQtkX90tYMnmfGWKimq9t5_douDZgupoo',
}); // prettier-ignore

/** Public, too. */
const developmentEncryptionKey = 'development-webhook-encryption-key-only';
const minEncryptionKeyLength = 32;

const base64url32Bytes = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const privateJwk = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: base64url32Bytes,
  d: base64url32Bytes,
  kid: z.string().min(1).max(128).optional(),
});

/** Throws ConfigError naming the variable and the mend. */
export function readUserConfig(env: Env): UserConfig {
  const given = readEnv(env, {
    JWT_ACCESS_SECONDS: integer(10, 600).default(600).describe('life of an access token, 10 to 600 seconds'),
    JWT_REFRESH_DAYS: integer(1, 365).default(30).describe('life of a refresh token in days'),
    LOGIN_FAILURES_PER_ACCOUNT: integer(1, 100_000).default(10),
    LOGIN_FAILURES_PER_ADDRESS: integer(1, 1_000_000).default(300),
    LOGIN_WINDOW_SECONDS: integer(1, 86_400).default(900),
    REGISTRATIONS_PER_ADDRESS: integer(1, 1_000_000).default(300),
    CODES_PER_ACCOUNT: integer(1, 1_000).default(5),
    CODES_PER_ADDRESS: integer(1, 1_000_000).default(300),
    IDENTITY_REQUESTS_PER_ADDRESS: integer(1, 1_000_000).default(300),
    PASSWORD_QUEUE: integer(1, 10_000).default(400).describe('passwords that may wait to be hashed'),
    NOTIFICATION_RETENTION_DAYS: integer(30, 3_650).default(365),
    // Longer than a message to an endpoint is tried.
    WEBHOOK_RETENTION_DAYS: integer(7, 3_650).default(30),
    WEBHOOK_ALLOW_PRIVATE: z.enum(['true', 'false'], { error: 'is neither true nor false' }).default('false'),
  });
  return {
    signingJwk: parseJwk(developmentValue(env, 'JWT_PRIVATE_JWK', developmentJwk)),
    accessSeconds: given.JWT_ACCESS_SECONDS,
    refreshDays: given.JWT_REFRESH_DAYS,
    maxFailuresPerAccount: given.LOGIN_FAILURES_PER_ACCOUNT,
    maxFailuresPerAddress: given.LOGIN_FAILURES_PER_ADDRESS,
    loginWindowSeconds: given.LOGIN_WINDOW_SECONDS,
    maxRegistrationsPerAddress: given.REGISTRATIONS_PER_ADDRESS,
    maxCodesPerAccount: given.CODES_PER_ACCOUNT,
    maxCodesPerAddress: given.CODES_PER_ADDRESS,
    maxIdentityRequestsPerAddress: given.IDENTITY_REQUESTS_PER_ADDRESS,
    maxQueuedPasswords: given.PASSWORD_QUEUE,
    retention: { notificationDays: given.NOTIFICATION_RETENTION_DAYS, webhookDays: given.WEBHOOK_RETENTION_DAYS },
    webhooks: {
      encryptionKeys: parseKeys(developmentValue(env, 'WEBHOOK_ENCRYPTION_KEY', developmentEncryptionKey)),
      addresses: {
        allowPrivate: given.WEBHOOK_ALLOW_PRIVATE === 'true',
        allowHttp: given.WEBHOOK_ALLOW_PRIVATE === 'true' || env['NODE_ENV'] !== 'production',
      },
    },
  };
}

function parseKeys(text: string): readonly string[] {
  const keys = text.split(',').map((key) => key.trim());
  if (keys.some((key) => key.length < minEncryptionKeyLength))
    throw new ConfigError(
      `WEBHOOK_ENCRYPTION_KEY: needs at least ${minEncryptionKeyLength} characters, of each key where there are several, comma-separated.`,
    );
  return keys;
}

function parseJwk(text: string): PrivateJwk {
  try {
    const result = privateJwk.safeParse(JSON.parse(text));
    if (result.success) return result.data;
  } catch {
    // not JSON: said below, without the text, which may hold a key
  }
  throw new ConfigError(
    'JWT_PRIVATE_JWK: is not an Ed25519 private key as JWK, {"kty":"OKP","crv":"Ed25519","x":"…","d":"…"}.',
  );
}

/** What the first administrator is called. */
export const adminName = 'Administrator';

/** The first administrator; `password` undefined: one is made up and told once. Throws ConfigError. */
export function readAdminConfig(env: Env): { readonly mobile: string; readonly password: string | undefined } {
  const given = readEnv(env, {
    ADMIN_MOBILE: z
      .string()
      .refine((text) => checkMobile(text, []).ok, { error: 'is no mobile number: it has 5 to 15 digits' })
      .default('10000000000'),
    ADMIN_PASSWORD: z.string().optional(),
  });
  const owner = { names: [adminName], mobile: normaliseMobile(given.ADMIN_MOBILE) };
  const checked = given.ADMIN_PASSWORD === undefined ? null : checkPassword(given.ADMIN_PASSWORD, [], owner);
  if (checked && !checked.ok) throw new ConfigError(`ADMIN_PASSWORD: ${checked.refusal.message}`);
  return { mobile: given.ADMIN_MOBILE, password: given.ADMIN_PASSWORD };
}
