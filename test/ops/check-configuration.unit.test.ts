import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { checkConfiguration } from '../../ops/check-configuration.ts';
import { generateEnv } from '../../ops/docker/generate-env.mjs';
import { ConfigError, type Env } from '../../subgraphs/shared/process/env.ts';

const root = resolve(import.meta.dirname, '../..');
const number = 'is not a whole number from ';
const httpUrl = 'is not a http or https URL';
const boolean = ['yes', ''] as const;
const stripe = { STRIPE_SECRET_KEY: 'sk_live_1', STRIPE_WEBHOOK_SECRET: 'whsec_0123456789abcdef' };
const alipay = { ALIPAY_APP_ID: '2021000000000000', ALIPAY_SELLER_ID: '2088000000000000', ALIPAY_PRIVATE_KEY: 'x', ALIPAY_PUBLIC_KEY: 'x' }; // prettier-ignore
const wechatPay = {
  WX_APP_ID: 'wx0123456789abcdef', WX_PAY_MCH_ID: '1900000001', WX_PAY_SERIAL_NO: '5157F09EFDC096DE', WX_PAY_PRIVATE_KEY: 'x',
  WX_PAY_API_V3_KEY: 'x'.repeat(32), WX_PAY_PUBLIC_KEY_ID: 'x', WX_PAY_PUBLIC_KEY: 'x',
}; // prettier-ignore
const reviews = { SUPERGRAPH_PATH: 'schema/supergraph.graphql' };

type Wrong = readonly [value: string, says: string, others?: Env];
/** Each variable of docs/configuration.md with a value that can't work, what is said of it, and what else has to be set. */
const wrong: Readonly<Record<string, Wrong>> = {
  PORT: ['abc', `${number}0 to 65535`],
  PUBLIC_URL: ['http://shop.example/eu', 'is more than an origin'],
  SHOP_NAME: ['x'.repeat(1_000), 'has more than'],
  TRACE_URL: ['https://jaeger.example/trace/', 'has no {traceId}'],
  USER_PORT: ['-1', number], PRODUCT_PORT: ['65536', number], ORDER_PORT: ['4103.5', number], PAYMENT_PORT: ['x', number],
  WORKER_PORT: ['1e3', number], SIMULATED_PROVIDER_PORT: [' ', number],
  USER_URL: ['user:4101', httpUrl], PRODUCT_URL: ['ftp://x', httpUrl], ORDER_URL: ['x', httpUrl], PAYMENT_URL: ['//x', httpUrl],
  HTTP_CLIENT: ['curl', 'is neither own nor undici'],
  METRICS_PORT: ['99999', number],
  START_WAIT_SECONDS: ['0', `${number}1 to 86400`],
  DRAIN_DELAY_MS: ['1s', number],
  NODE_ENV: ['prod', 'is none of production, development and test'],
  LOG_LEVEL: ['loud', 'expected one of "fatal"'],
  LOG_FORMAT: ['xml', 'is neither json nor pretty'],
  LOG_OPERATIONS: ['loud', 'is none of'],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['collector:4318', httpUrl], OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ['x', httpUrl],
  OTEL_EXPORTER_OTLP_HEADERS: ['token=%', 'is not key=value'], OTEL_RESOURCE_ATTRIBUTES: ['production', 'is not key=value'],
  OTEL_EXPORTER_OTLP_PROTOCOL: ['grpc', 'is not http/json'], OTEL_TRACES_EXPORTER: ['zipkin', 'is neither otlp nor none'],
  OTEL_SDK_DISABLED: ['yes', 'is neither true nor false'], OTEL_TRACES_SAMPLER: ['some', 'is none of always_on'],
  OTEL_TRACES_SAMPLER_ARG: ['1.1', 'is not a number from 0 to 1'], OTEL_BSP_SCHEDULE_DELAY: ['0', number],
  PAGES_DIR: ['/nope', '/nope has no index.html'],
  MYSQL_URL: ['localhost:3306', 'is not a mysql URL'],
  REDIS_URL: ['http://localhost', 'is not a redis or rediss URL'],
  MONGODB_URL: ['localhost', 'is not a mongodb or mongodb+srv URL'],
  DATABASE_PREFIX: ['My-Shop', 'must match pattern'],
  USER_DATABASE_URL: ['x', 'is not a mysql URL'], PRODUCT_DATABASE_URL: ['mysql://a@b', 'names no schema'],
  ORDER_DATABASE_URL: ['mysql://a@b/', 'names no schema'], PAYMENT_DATABASE_URL: ['postgres://a@b/c', 'is not a mysql URL'],
  SIMULATED_DATABASE_URL: ['x', 'is not a mysql URL'],
  DEMO_SHOP: ['1', 'nor false'],
  ADMIN_MOBILE: ['abc', 'is no mobile number'],
  ADMIN_PASSWORD: ['short', 'A password must have 8 to 128 characters'],
  JWT_PRIVATE_JWK: ['{}', 'is not an Ed25519 private key'],
  JWT_ACCESS_SECONDS: ['601', `${number}10 to 600`], JWT_REFRESH_DAYS: ['0', number],
  LOGIN_FAILURES_PER_ACCOUNT: ['0', number], LOGIN_FAILURES_PER_ADDRESS: ['many', number], LOGIN_WINDOW_SECONDS: ['', number],
  REGISTRATIONS_PER_ADDRESS: ['0', number], PASSWORD_QUEUE: ['0', number],
  SMTP_URL: ['mail', 'is not a smtp or smtps URL'], MAIL_FROM: ['', 'is not set', { SMTP_URL: 'smtp://mail' }], DEFAULT_LOCALE: ['FR', 'expected one of'],
  SMS_WEBHOOK_URL: ['x', httpUrl], SMS_WEBHOOK_SECRET: ['short', 'is not whsec_'],
  WEBHOOK_ENCRYPTION_KEY: ['short', 'needs at least'], WEBHOOK_ALLOW_PRIVATE: ['yes', 'is neither true nor false'],
  IDENTITY_REQUESTS_PER_ADDRESS: ['0', number], OIDC_ISSUERS: ['x', 'is not JSON'], WX_API_BASE: ['x', httpUrl],
  WX_APP_ID: ['', 'is not set', { WX_APP_SECRET: 'x' }],
  CODES_PER_ACCOUNT: ['0', number], CODES_PER_ADDRESS: ['0', number],
  NOTIFICATION_RETENTION_DAYS: ['29', number], WEBHOOK_RETENTION_DAYS: ['6', number], PROVIDER_WEBHOOK_RETENTION_DAYS: ['13', number],
  SERVICE_TOKENS: ['gateway', 'is not app=token'],
  RPC_AUTH_STRICT: ['maybe', 'expected one of "true"|"false"'], RPC_AUTH_GRACE_SECONDS: ['-1', number],
  ALLOWED_ORIGINS: ['shop', 'shop is not an origin'],
  INTROSPECTION: [boolean[0], 'expected one of "true"|"false"'],
  SUPERGRAPH_PATH: ['/nope', "/nope can't be read (ENOENT)"],
  GRAPH_SUBGRAPHS: ['reviews', 'entry 1 is not name=value', reviews],
  GRAPH_SUBGRAPH_TOKENS: ['reviews=x', 'names reviews, which GRAPH_SUBGRAPHS does not'],
  GRAPH_SUBGRAPH_IDENTITY_SECRETS: ['x', 'entry 1 is not name=value'],
  TRUSTED_PROXY_HOPS: ['6', `${number}0 to 5`],
  TRUSTED_DOCUMENTS: ['/nope', "/nope can't be read (ENOENT)"],
  TRUSTED_DOCUMENTS_ONLY: ['yes', 'expected one of "true"|"false"'], RESPONSE_CACHE: ['on', 'expected one of "true"|"false"'],
  OPERATION_TIMEOUT_MS: ['4999', `${number}5000 to 60000`],
  MAX_OPERATIONS: ['0', number], MAX_OPERATIONS_PER_CLIENT: ['0', number], MAX_WAITING_OPERATIONS: ['-1', number],
  OPERATION_WAIT_MS: ['0', number], MAX_ANSWER_VALUES: ['1', number], MAX_ANSWER_BYTES: ['1', number],
  MAX_CONNECTIONS: ['0', number], MAX_CONNECTIONS_PER_ADDRESS: ['0', number], ANONYMOUS_SOCKETS_PER_ADDRESS: ['0', number],
  PAYMENT_WINDOW_SECONDS: ['0', number], PLACING_WAIT_MS: ['30001', number], PLACING_DEADLINE_MS: ['99', number],
  OPEN_ORDERS_PER_CUSTOMER: ['0', number], OPEN_UNITS_PER_CUSTOMER: ['0', number], OPEN_ORDERS_PER_ADDRESS: ['0', number],
  OPEN_UNITS_PER_ADDRESS: ['0', number],
  WRONG_COUPONS_PER_CUSTOMER: ['0', number], WRONG_COUPONS_PER_ADDRESS: ['0', number],
  PRICES_INCLUDE_TAX: ['yes', 'is neither true nor false'],
  SHOP_COUNTRY: ['XX', 'is no country'], SHOP_TIME_ZONE: ['Mars', 'is no time zone'],
  RETURN_WINDOW_DAYS: ['-1', number], LAPSE_GRACE_HOURS: ['x', number],
  PAYMENT_CAPTURE: ['later', 'expected one of "automatic"|"manual"'],
  STAFF_APPROVAL_ABOVE: ['0', number], RECONCILIATION_HOUR: ['24', `${number}0 to 23`],
  BANK_TRANSFER_ACCOUNT: ['x'.repeat(65), 'expected string to have <=64 characters', { BANK_TRANSFER_HOLDER: 'Shop' }],
  BANK_TRANSFER_HOLDER: ['', 'is not set', { BANK_TRANSFER_ACCOUNT: 'DE02' }],
  BANK_TRANSFER_BIC: ['x'.repeat(17), 'expected string to have <=16 characters'],
  BANK_TRANSFER_CURRENCIES: ['EUR,EURO', 'EURO is the code of no currency', { BANK_TRANSFER_ACCOUNT: 'DE02', BANK_TRANSFER_HOLDER: 'Shop' }],
  BANK_TRANSFER_DAYS: ['61', number],
  STRIPE_SECRET_KEY: ['pk_live_1', 'is not a secret or restricted key'],
  STRIPE_PUBLISHABLE_KEY: ['sk_live_1', 'is not a publishable key'],
  STRIPE_WEBHOOK_SECRET: ['', 'is not set', { STRIPE_SECRET_KEY: stripe.STRIPE_SECRET_KEY }],
  STRIPE_API_BASE: ['stripe', httpUrl], STRIPE_JS_URL: ['stripe', httpUrl],
  ALIPAY_APP_ID: ['1', 'is not an app id of 16 digits'], ALIPAY_SELLER_ID: ['1', 'is not an account id of 16 digits'],
  ALIPAY_PRIVATE_KEY: ['', 'is not set', { ...alipay, ALIPAY_PRIVATE_KEY: undefined }],
  ALIPAY_PUBLIC_KEY: ['', 'is not set', { ...alipay, ALIPAY_PUBLIC_KEY: undefined }],
  ALIPAY_GATEWAY_URL: ['x', httpUrl],
  WX_PAY_MCH_ID: ['1', 'is not a merchant id of 8 to 10 digits'],
  WX_PAY_SERIAL_NO: ['x', 'is not the serial number of a certificate'],
  WX_PAY_PRIVATE_KEY: ['', 'is not set', { WX_PAY_MCH_ID: '1900000001' }],
  WX_PAY_API_V3_KEY: ['x', 'is not a key of 32 characters'],
  WX_PAY_PUBLIC_KEY_ID: ['', 'is not set', { ...wechatPay, WX_PAY_PUBLIC_KEY_ID: undefined }],
  WX_PAY_PUBLIC_KEY: ['', 'is not set', { ...wechatPay, WX_PAY_PUBLIC_KEY: undefined }],
  WX_PAY_API_BASE: ['x', httpUrl],
  ALLOW_SIMULATED_PROVIDER: ['yes', 'expected one of "true"|"false"'],
  SIMULATED_PROVIDER_URL: ['x', httpUrl], SIMULATED_WEBHOOK_URL: ['x', httpUrl], SIMULATED_AUTHORIZATION_SECONDS: ['0', number],
  SIMULATED_WEBHOOK_SECRET: ['short', 'needs at least 16 characters'],
}; // prettier-ignore

/** Any text will do, or it is looked at when something is done with it. */
const others = new Set([
  ...['GATEWAY_HOST', 'SUBGRAPH_HOST', 'DATA_DIR'], // by `npm start` itself: test/ops/start.e2e.test.ts
  ...[
    'METRICS_HOST',
    'FAIL_POINT',
    'DATABASE_PASSWORD',
    'IDENTITY_SECRET',
    'SIMULATED_API_KEY',
    'WX_APP_SECRET',
    'OTEL_SERVICE_NAME',
  ],
]);

const configuration = readFileSync(resolve(root, 'docs/configuration.md'), 'utf8').split('\n## Containers')[0] ?? '';
const rows = [...configuration.matchAll(/^\| (`[^|]*?) *\|/gm)].map(([, cell = '']) => cell);
const namesOf = (cell: string): string[] => [...cell.matchAll(/`([A-Z][A-Z0-9_]*)`/g)].map(([, name = '']) => name);

/** The variables that checkConfiguration names, each with its line. */
function refused(env: Env): [name: string, line: string][] {
  try {
    checkConfiguration(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').slice(1, -1).map((line) => [line.trim().split(':')[0] ?? '', line]); // prettier-ignore
  }
}

const required: Env = Object.fromEntries(
  [
    'IDENTITY_SECRET',
    'SERVICE_TOKENS',
    'JWT_PRIVATE_JWK',
    'WEBHOOK_ENCRYPTION_KEY',
    'SIMULATED_API_KEY',
    'SIMULATED_WEBHOOK_SECRET',
  ].map((name) => [name, generateEnv()[name as 'IDENTITY_SECRET']]),
);
const production: Env = { ...required, NODE_ENV: 'production', DATABASE_PASSWORD: 'own', ALLOW_SIMULATED_PROVIDER: 'true' }; // prettier-ignore

describe('a configuration that can not work', () => {
  test('the table has every variable of docs/configuration.md', () => {
    const documented = rows.flatMap(namesOf);
    expect(documented.length).toBeGreaterThan(90);
    expect([...Object.keys(wrong), ...others].toSorted()).toEqual([...new Set(documented)].toSorted());
    expect(refused({})).toEqual([]);
    expect(refused(production)).toEqual([]);
  });

  test.each(Object.entries(wrong))(
    '[OP-2] %s: a wrong value is told in one line that names it',
    (name, [value, says, set]) => {
      const given = refused({ ...set, [name]: value || (set ? undefined : ' ') });
      expect(given).toEqual([[name, expect.stringContaining(says)]]);
    },
  );

  test('every variable marked † is asked for in production, in one line, also where it has its development value', () => {
    const marked = [...configuration.matchAll(/`([A-Z_]+)` †/g)].map(([, name = '']) => name);
    expect(marked.toSorted()).toEqual(
      [
        ...Object.keys(required),
        'DATABASE_PASSWORD',
        'GRAPH_SUBGRAPH_IDENTITY_SECRETS',
        'GRAPH_SUBGRAPH_TOKENS',
      ].toSorted(),
    );
    const added = { GRAPH_SUBGRAPHS: 'reviews=http://127.0.0.1:1/graphql' };
    for (const name of marked.filter((one) => !one.startsWith('GRAPH'))) {
      const lines = refused({ ...production, [name]: '' });
      expect(lines).toEqual([[name, expect.stringContaining('needs a value of your own when NODE_ENV=production')]]);
    }
    expect(refused({ ...production, ...added })).toEqual([
      ['GRAPH_SUBGRAPH_TOKENS', expect.stringContaining('has no value of your own for reviews')],
    ]);
    expect(refused({ ...production, DATABASE_PASSWORD: 'development-only' })).toHaveLength(1);
  });
});

// Nobody listens at these URLs: a process that looked for its servers first would say that, 10 s later.
test.each([
  [
    'subgraphs/order/server.ts',
    { SHOP_COUNTRY: 'XX', ORDER_URL: 'x', ORDER_PORT: 'x', METRICS_PORT: 'x', ORDER_DATABASE_URL: 'x' },
  ],
  ['subgraphs/payment/worker.ts', { RECONCILIATION_HOUR: '24', PAYMENT_CAPTURE: 'later' }],
  ['subgraphs/payment/simulated-provider/server.ts', { SIMULATED_WEBHOOK_SECRET: 'short', LOG_LEVEL: 'loud' }],
  ['ops/worker.ts', { WORKER_PORT: 'x', LAPSE_GRACE_HOURS: 'x' }],
  ['gateway/server.ts', { PORT: 'x', ALLOWED_ORIGINS: 'shop' }],
  ['ops/audit.ts', { DATABASE_PREFIX: 'My-Shop' }],
])(
  '%s ends with exit code 1 and a line for each variable, before it looks for its servers',
  async (file, env) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
      cwd: root,
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], MYSQL_URL: 'mysql://root@127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1', ...env }, // prettier-ignore
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text)); // prettier-ignore
    const code = await new Promise<number | null>((done) => child.once('close', done));
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(/^The configuration can't work:\n/) });
    const named = output.trimEnd().split('\n').slice(1, -1).map((line) => line.trim().split(':')[0]); // prettier-ignore
    expect(new Set(named)).toEqual(new Set(Object.keys(env)));
    expect(named).toHaveLength(Object.keys(env).length);
  },
  30_000,
);
