import { z } from 'zod';
import { isCurrency } from '../shared/values/currencies.ts';
import { ConfigError, type Env, developmentValue, integer, readEnv, url } from '../shared/process/env.ts';
import { rsaPrivateKey, rsaPublicKey } from './rsa-keys.ts';

/** How the payment service reaches the simulated provider and knows its webhooks. */
export type SimulatedConfig = {
  readonly url: string;
  readonly apiKey: string;
  /** All of them are accepted, so that the secret can be changed without losing a webhook. */
  readonly webhookSecrets: readonly string[];
};

/** How the payment service reaches Stripe and knows its webhooks. */
export type StripeConfig = {
  readonly secretKey: string;
  /** For the shop's own page; undefined: it knows the key by itself. */
  readonly publishableKey: string | undefined;
  /** All of them are accepted, so that the secret can be changed without losing a webhook. */
  readonly webhookSecrets: readonly string[];
  readonly apiBase: string;
};

/** How the payment service reaches Alipay and knows its notifications. */
export type AlipayConfig = {
  readonly appId: string;
  /** The account that the money goes to, at Alipay: a notification for another one is not ours. */
  readonly sellerId: string;
  /** The app's own key, as PEM of PKCS#8. */
  readonly privateKey: string;
  /** All of them are believed, so that Alipay's key can be changed without losing a notification. PEM, at least one. */
  readonly alipayPublicKeys: readonly string[];
  readonly gatewayUrl: string;
};

/** How the payment service reaches WeChat Pay and knows its notifications. */
export type WechatPayConfig = {
  /** The app that customers pay in: a mini program, an official account or a website's, bound to the merchant. */
  readonly appId: string;
  readonly merchantId: string;
  /** The serial number of the merchant's certificate, whose key signs our requests. */
  readonly serialNumber: string;
  /** The merchant's own key, as PEM of PKCS#8. */
  readonly privateKey: string;
  /** 32 bytes, with which WeChat encrypts notifications. */
  readonly apiV3Key: string;
  /** WeChat's keys, as PEM, by their ids. All are believed; WeChat is asked to sign with the first. At least one. */
  readonly publicKeys: ReadonlyMap<string, string>;
  readonly apiBase: string;
};

/** Where customers send money, as they are told. */
export type BankTransferConfig = {
  readonly account: string;
  readonly holder: string;
  readonly bic: string | undefined;
  /** How many days an order waits for the money, once its customer has chosen to send it. */
  readonly waitDays: number;
  /** In which currencies the account takes money. Undefined: in every one. */
  readonly currencies: ReadonlySet<string> | undefined;
};

/** `manual`: a card's money is held until staff capture it. */
export type CaptureMode = 'automatic' | 'manual';

export type PaymentConfig = {
  /** Whether money is taken at once, or held until staff capture it, where the provider can. */
  readonly capture: CaptureMode;
  /** What one member of staff may credit or refund without a second person, in minor units of whichever currency. */
  readonly staffApprovalAboveMinor: bigint;
  /** For how many days what providers sent is kept as it came. */
  readonly webhookRetentionDays: number;
  /** Undefined: there is no account to send money to. */
  readonly bankTransfer: BankTransferConfig | undefined;
  /** Undefined: there is no app at Alipay. */
  readonly alipay: AlipayConfig | undefined;
  /** Undefined: there is no merchant at WeChat Pay. */
  readonly wechatPay: WechatPayConfig | undefined;
  /** Undefined: there is no secret key of Stripe. */
  readonly stripe: StripeConfig | undefined;
  /** Undefined: this platform does not take payments at the simulated provider. */
  readonly simulated: SimulatedConfig | undefined;
};

const developmentApiKey = 'sk_simulated_development';
const developmentWebhookSecret = 'whsec_simulated_development';

/** The simulated provider, like Stripe's test mode, moves no real money, so production has it only when it says so. */
export function allowsSimulatedProvider(env: Env): boolean {
  const given = readEnv(env, { ALLOW_SIMULATED_PROVIDER: z.enum(['true', 'false']).default('false') });
  return env['NODE_ENV'] !== 'production' || given.ALLOW_SIMULATED_PROVIDER === 'true';
}

/** One secret, or the new and the old one while it is being changed, comma-separated. */
function secretsOf(variable: string, given: string): readonly string[] {
  const secrets = given.split(',').map((secret) => secret.trim());
  if (secrets.some((secret) => secret.length < 16)) {
    throw new ConfigError(`${variable}: each of the comma-separated secrets needs at least 16 characters.`);
  }
  return secrets;
}

/** What the simulated provider and its merchant both know. Throws ConfigError. */
export function readSimulatedSecrets(env: Env): Pick<SimulatedConfig, 'apiKey' | 'webhookSecrets'> {
  const given = developmentValue(env, 'SIMULATED_WEBHOOK_SECRET', developmentWebhookSecret);
  const webhookSecrets = secretsOf('SIMULATED_WEBHOOK_SECRET', given);
  return { apiKey: developmentValue(env, 'SIMULATED_API_KEY', developmentApiKey), webhookSecrets };
}

/** With such a key Stripe takes its test cards, which anybody knows, and moves no money. */
export const isStripeTestKey = (secretKey: string): boolean => /^(sk|rk)_test_/.test(secretKey);

/** Stripe is had by having its secret key. */
function readStripeConfig(env: Env): StripeConfig | undefined {
  const given = readEnv(env, {
    STRIPE_SECRET_KEY: z
      .string()
      .regex(/^(sk|rk)_\w+$/, 'is not a secret or restricted key')
      .optional(),
    STRIPE_PUBLISHABLE_KEY: z
      .string()
      .regex(/^pk_\w+$/, 'is not a publishable key')
      .optional(),
    STRIPE_WEBHOOK_SECRET: z.string().optional(),
    STRIPE_API_BASE: url('http', 'https').default('https://api.stripe.com'),
  });
  if (given.STRIPE_SECRET_KEY === undefined) return undefined;
  if (isStripeTestKey(given.STRIPE_SECRET_KEY) && !allowsSimulatedProvider(env)) {
    throw new ConfigError(
      'STRIPE_SECRET_KEY: is a key of Stripe’s test mode, which moves no money; with NODE_ENV=production it needs ALLOW_SIMULATED_PROVIDER=true.',
    );
  }
  if (given.STRIPE_WEBHOOK_SECRET === undefined) {
    throw new ConfigError("STRIPE_WEBHOOK_SECRET: is not set — the signing secret of Stripe's webhook endpoint.");
  }
  if (env['NODE_ENV'] === 'production' && !given.STRIPE_API_BASE.startsWith('https:')) {
    throw new ConfigError('STRIPE_API_BASE: must be an https URL when NODE_ENV=production.');
  }
  return {
    secretKey: given.STRIPE_SECRET_KEY,
    publishableKey: given.STRIPE_PUBLISHABLE_KEY,
    webhookSecrets: secretsOf('STRIPE_WEBHOOK_SECRET', given.STRIPE_WEBHOOK_SECRET),
    apiBase: given.STRIPE_API_BASE,
  };
}

function needed(variable: string, value: string | undefined, what: string): string {
  if (value !== undefined) return value;
  throw new ConfigError(`${variable}: is not set — ${what}.`);
}

/** Alipay is had by having an app there. */
function readAlipayConfig(env: Env): AlipayConfig | undefined {
  const given = readEnv(env, {
    ALIPAY_APP_ID: z
      .string()
      .regex(/^\d{16}$/, 'is not an app id of 16 digits')
      .optional(),
    ALIPAY_SELLER_ID: z
      .string()
      .regex(/^2088\d{12}$/, 'is not an account id of 16 digits that begins with 2088')
      .optional(),
    ALIPAY_PRIVATE_KEY: z.string().optional(),
    ALIPAY_PUBLIC_KEY: z.string().optional(),
    ALIPAY_GATEWAY_URL: url('http', 'https').default('https://openapi.alipay.com/gateway.do'),
  });
  const { ALIPAY_APP_ID: appId, ALIPAY_SELLER_ID: sellerId, ALIPAY_GATEWAY_URL: gatewayUrl } = given;
  if (appId === undefined) return undefined;
  if (env['NODE_ENV'] === 'production' && !gatewayUrl.startsWith('https:')) {
    throw new ConfigError('ALIPAY_GATEWAY_URL: must be an https URL when NODE_ENV=production.');
  }
  const privateKey = needed('ALIPAY_PRIVATE_KEY', given.ALIPAY_PRIVATE_KEY, "the app's own private key");
  const publicKeys = needed('ALIPAY_PUBLIC_KEY', given.ALIPAY_PUBLIC_KEY, "Alipay's public key for the app");
  return {
    appId,
    sellerId: needed('ALIPAY_SELLER_ID', sellerId, "the merchant's account at Alipay"),
    privateKey: rsaPrivateKey('ALIPAY_PRIVATE_KEY', privateKey),
    alipayPublicKeys: publicKeys.split(',').map((key) => rsaPublicKey('ALIPAY_PUBLIC_KEY', key)),
    gatewayUrl,
  };
}

/** WeChat Pay is had by having a merchant there. */
function readWechatPayConfig(env: Env): WechatPayConfig | undefined {
  const given = readEnv(env, {
    WX_PAY_MCH_ID: z
      .string()
      .regex(/^\d{8,10}$/, 'is not a merchant id of 8 to 10 digits')
      .optional(),
    WX_APP_ID: z.string().max(32).optional(),
    WX_PAY_SERIAL_NO: z
      .string()
      .regex(/^[0-9A-Fa-f]{8,64}$/, 'is not the serial number of a certificate')
      .optional(),
    WX_PAY_PRIVATE_KEY: z.string().optional(),
    WX_PAY_API_V3_KEY: z
      .string()
      .regex(/^[\x21-\x7e]{32}$/, 'is not a key of 32 characters')
      .optional(),
    WX_PAY_PUBLIC_KEY_ID: z.string().optional(),
    WX_PAY_PUBLIC_KEY: z.string().optional(),
    WX_PAY_API_BASE: url('http', 'https').default('https://api.mch.weixin.qq.com'),
  });
  const { WX_PAY_MCH_ID: merchantId, WX_PAY_API_BASE: apiBase } = given;
  if (merchantId === undefined) return undefined;
  if (env['NODE_ENV'] === 'production' && !apiBase.startsWith('https:')) {
    throw new ConfigError('WX_PAY_API_BASE: must be an https URL when NODE_ENV=production.');
  }
  const privateKey = needed('WX_PAY_PRIVATE_KEY', given.WX_PAY_PRIVATE_KEY, "the key of the merchant's certificate");
  return {
    appId: needed('WX_APP_ID', given.WX_APP_ID, 'the app that customers pay in'),
    merchantId,
    serialNumber: needed('WX_PAY_SERIAL_NO', given.WX_PAY_SERIAL_NO, "the serial number of the merchant's certificate"),
    apiV3Key: needed('WX_PAY_API_V3_KEY', given.WX_PAY_API_V3_KEY, 'the key by which notifications are encrypted'),
    publicKeys: wechatPayKeys(given),
    privateKey: rsaPrivateKey('WX_PAY_PRIVATE_KEY', privateKey),
    apiBase: apiBase.replace(/\/$/, ''),
  };
}

function wechatPayKeys(given: { WX_PAY_PUBLIC_KEY_ID?: string; WX_PAY_PUBLIC_KEY?: string }): ReadonlyMap<string, string> {
  const split = (list: string): string[] => list.split(',').map((one) => one.trim());
  const ids = split(needed('WX_PAY_PUBLIC_KEY_ID', given.WX_PAY_PUBLIC_KEY_ID, "the id of WeChat Pay's public key"));
  const keys = split(needed('WX_PAY_PUBLIC_KEY', given.WX_PAY_PUBLIC_KEY, "WeChat Pay's public key"));
  if (ids.includes('') || new Set(ids).size !== ids.length || ids.length !== keys.length)
    throw new ConfigError('WX_PAY_PUBLIC_KEY_ID: needs one id for each key of WX_PAY_PUBLIC_KEY, in the same order.');
  return new Map(ids.map((id, index) => [id, rsaPublicKey('WX_PAY_PUBLIC_KEY', keys[index] ?? '')]));
} // prettier-ignore

function currenciesOf(given: string | undefined): ReadonlySet<string> | undefined {
  if (given === undefined) return undefined;
  const codes = given.split(',').map((code) => code.trim());
  const unknown = codes.find((code) => !isCurrency(code));
  if (unknown === undefined) return new Set(codes);
  throw new ConfigError(`BANK_TRANSFER_CURRENCIES: ${unknown} is the code of no currency of ISO 4217, as EUR is.`);
}

/** Bank transfers are had by having an account. */
function readBankTransferConfig(env: Env): BankTransferConfig | undefined {
  const given = readEnv(env, {
    BANK_TRANSFER_ACCOUNT: z.string().max(64).optional(),
    BANK_TRANSFER_HOLDER: z.string().max(140).optional(),
    BANK_TRANSFER_BIC: z.string().max(16).optional(),
    BANK_TRANSFER_CURRENCIES: z.string().optional(),
    BANK_TRANSFER_DAYS: integer(0, 60).default(7),
  });
  const { BANK_TRANSFER_ACCOUNT: account, BANK_TRANSFER_HOLDER: holder, BANK_TRANSFER_BIC: bic } = given;
  if (account === undefined) return undefined;
  if (holder === undefined) throw new ConfigError('BANK_TRANSFER_HOLDER: is not set — in whose name the account is.');
  const currencies = currenciesOf(given.BANK_TRANSFER_CURRENCIES);
  return { account, holder, bic, currencies, waitDays: given.BANK_TRANSFER_DAYS };
}

/** Throws ConfigError naming the variable and the mend. */
export function readPaymentConfig(env: Env): PaymentConfig {
  const stripe = readStripeConfig(env);
  const alipay = readAlipayConfig(env);
  const wechatPay = readWechatPayConfig(env);
  const bankTransfer = readBankTransferConfig(env);
  const given = readEnv(env, {
    PAYMENT_CAPTURE: z.enum(['automatic', 'manual']).default('automatic'),
    STAFF_APPROVAL_ABOVE: integer(1, 999_999_999_999_999).default(1_000_000),
    // Longer than the week in which days are compared with the providers' statements.
    PROVIDER_WEBHOOK_RETENTION_DAYS: integer(14, 3_650).default(90),
  });
  const common = {
    capture: given.PAYMENT_CAPTURE,
    staffApprovalAboveMinor: BigInt(given.STAFF_APPROVAL_ABOVE),
    webhookRetentionDays: given.PROVIDER_WEBHOOK_RETENTION_DAYS,
    bankTransfer,
    alipay,
    wechatPay,
    stripe,
  };
  if (!allowsSimulatedProvider(env)) return { ...common, simulated: undefined };
  const { SIMULATED_PROVIDER_URL } = readEnv(env, {
    SIMULATED_PROVIDER_URL: url('http', 'https')
      .describe('origin of the simulated payment provider')
      .default('http://127.0.0.1:4106'),
  });
  const simulated = { url: SIMULATED_PROVIDER_URL.replace(/\/$/, ''), ...readSimulatedSecrets(env) };
  return { ...common, simulated };
}

/** From which hour of the day (UTC) on yesterday is reconciled: late enough for the providers to have closed it. Throws ConfigError. */
export const readReconciliationHour = (env: Env): number =>
  readEnv(env, { RECONCILIATION_HOUR: integer(0, 23).default(3) }).RECONCILIATION_HOUR;
