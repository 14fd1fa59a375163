// The first container of docker-compose.yml: `node ops/docker/secrets.mjs [--demo]`. Secrets that the environment gives are
// taken, others are made once and kept in /secrets/all. Each container finds its own in /run/secrets: its volume, which is
// /secrets/<container> here. Plain JavaScript without packages.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateEnv } from './generate-env.mjs';

/** @typedef {ReturnType<typeof generateEnv>} Secrets */
/** @typedef {Record<string, string>} Variables */

const schemas = ['user', 'product', 'order', 'payment', 'simulated'];

/**
 * A line of a file for `node --env-file`: it knows three quotes and no way to escape one. Without quotes where none are needed:
 * kustomize takes them for a part of the value.
 *
 * @param {string} name
 * @param {string} value
 */
const line = (name, value) => {
  if (/^[^\s#'"`][^\r\n#]*$/.test(value) && value === value.trim()) return `${name}=${value}\n`;
  const quote = [`'`, '"', '`'].find((one) => !value.includes(one));
  if (quote === undefined || /[\r\n]/.test(value))
    throw new Error(`${name}: has all three kinds of quotes, or a line break`);
  return `${name}=${quote}${value}${quote}\n`;
};
/** @param {Variables} variables */
const envFile = (variables) =>
  Object.entries(variables)
    .map(([name, value]) => line(name, value))
    .join('');
/**
 * @param {Secrets} from
 * @param {(keyof Secrets)[]} names
 * @returns {Variables}
 */
const pick = (from, ...names) => Object.fromEntries(names.map((name) => [name, from[name]]));

/**
 * What each container may know: its files by name.
 *
 * @param {Secrets} secrets
 * @param {{ demo: boolean }} options demo: with the simulated provider and the demo shop
 * @returns {Record<string, Variables>}
 */
function filesOf(secrets, { demo }) {
  /** @param {keyof Secrets} name */
  const password = (name) => encodeURIComponent(secrets[name]);
  /**
   * @param {string} name
   * @returns {Variables}
   */
  const database = (name) => ({
    [`${name.toUpperCase()}_DATABASE_URL`]: `mysql://orders_${name}:${password(/** @type {keyof Secrets} */ (`${name.toUpperCase()}_DATABASE_PASSWORD`))}@mysql:3306/orders_${name}`,
  });
  const root = { MYSQL_URL: `mysql://root:${password('MYSQL_ROOT_PASSWORD')}@mysql:3306` };
  // Without a user, for the others: each has its own schema's URL.
  const server = { MYSQL_URL: 'mysql://mysql:3306' };
  const redis = { REDIS_URL: `redis://:${password('REDIS_PASSWORD')}@redis:6379` };
  const platform = {
    ...server,
    ...redis,
    MONGODB_URL: `mongodb://agenda:${password('MONGODB_PASSWORD')}@mongodb:27017/agenda?authSource=admin&replicaSet=rs0`,
    ...pick(secrets, 'IDENTITY_SECRET', 'SERVICE_TOKENS'),
  };
  const signing = pick(secrets, 'JWT_PRIVATE_JWK', 'WEBHOOK_ENCRYPTION_KEY');
  const merchant = pick(secrets, 'SIMULATED_API_KEY', 'SIMULATED_WEBHOOK_SECRET');
  const allowed = { ALLOW_SIMULATED_PROVIDER: 'true' };
  const provider = { SIMULATED_PROVIDER_URL: 'http://simulated-provider:4106' };
  /** @type {Variables} */
  const payment = demo ? { ...merchant, ...allowed, ...provider } : {};
  /** @type {Variables} */
  const databases = Object.assign({}, ...schemas.map(database));
  const { SIMULATED_DATABASE_URL: _, ...ownDatabases } = databases;
  const environments = {
    setup: { ...platform, ...root, ...databases, ...signing, ...payment, ...(demo && { DEMO_SHOP: 'true' }) },
    user: { ...platform, ...database('user'), ...signing },
    product: { ...platform, ...database('product') },
    order: { ...platform, ...database('order') },
    payment: { ...platform, ...database('payment'), ...payment },
    worker: { ...platform, ...ownDatabases, ...signing, ...payment },
    gateway: { ...platform, ...(demo && provider) },
    'simulated-provider': { ...server, ...database('simulated'), ...merchant, ...allowed },
    operations: { ...platform, ...root, ...databases },
  };
  return {
    mysql: { 'root-password': secrets.MYSQL_ROOT_PASSWORD },
    redis: {
      'redis.conf': `requirepass "${secrets.REDIS_PASSWORD.replaceAll(/["\\]/g, '\\$&')}"\n`,
      password: secrets.REDIS_PASSWORD,
    },
    mongodb: { password: secrets.MONGODB_PASSWORD, key: secrets.MONGODB_KEY },
    grafana: { 'admin-password': secrets.GRAFANA_ADMIN_PASSWORD },
    ...Object.fromEntries(Object.entries(environments).map(([name, variables]) => [name, { env: envFile(variables) }])),
  };
}

/**
 * Writes beside the file and puts it in its place: a reader finds the old one or the new one. Only its container has its volume.
 *
 * @param {string} path
 * @param {string} text
 * @param {number} mode
 */
function write(path, text, mode) {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} args
 */
function main(root, env, args) {
  const kept = join(root, 'all', 'secrets.json');
  const made = generateEnv();
  const before = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {};
  const given = Object.fromEntries(Object.keys(made).flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const secrets = { ...made, ...before, ...given };
  const files = filesOf(secrets, { demo: args.includes('--demo') });
  mkdirSync(join(root, 'all'), { recursive: true });
  write(kept, JSON.stringify(secrets), 0o600);
  for (const [container, texts] of Object.entries(files)) {
    mkdirSync(join(root, container), { recursive: true });
    for (const [name, text] of Object.entries(texts)) write(join(root, container, name), text, 0o444);
  }
  console.log(
    `secrets: ${Object.keys(before).length > 0 ? 'kept' : 'made'}, for ${Object.keys(files).length} containers`,
  );
}

if (process.argv[1]?.endsWith('secrets.mjs'))
  main(process.env['SECRETS_DIR'] ?? '/secrets', process.env, process.argv.slice(2));
