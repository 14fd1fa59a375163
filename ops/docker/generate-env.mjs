// `node ops/docker/generate-env.mjs > .env`: fresh secrets for docker compose, where you want to keep them yourself.
// Without it the first container makes them (secrets.mjs). Plain JavaScript, Node ≥ 20, no packages.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** A secret that needs no quoting in a URL, a shell or an .env file. */
const secret = () => randomBytes(24).toString('base64url');

/** The secrets of docker-compose.yml, each with a value of its own. */
export function generateEnv() {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return {
    MYSQL_ROOT_PASSWORD: secret(),
    USER_DATABASE_PASSWORD: secret(),
    PRODUCT_DATABASE_PASSWORD: secret(),
    ORDER_DATABASE_PASSWORD: secret(),
    PAYMENT_DATABASE_PASSWORD: secret(),
    SIMULATED_DATABASE_PASSWORD: secret(),
    REDIS_PASSWORD: secret(),
    MONGODB_PASSWORD: secret(),
    MONGODB_KEY: randomBytes(96).toString('base64'),
    IDENTITY_SECRET: secret(),
    SERVICE_TOKENS: ['gateway', 'user', 'product', 'order', 'payment'].map((app) => `${app}=${secret()}`).join(','),
    JWT_PRIVATE_JWK: JSON.stringify({ kty: 'OKP', crv: 'Ed25519', kid: randomBytes(8).toString('hex'), x, d }),
    WEBHOOK_ENCRYPTION_KEY: secret(),
    SIMULATED_API_KEY: `sk_simulated_${secret()}`,
    SIMULATED_WEBHOOK_SECRET: `whsec_simulated_${secret()}`,
    GRAFANA_ADMIN_PASSWORD: secret(),
  };
}

if (process.argv[1]?.endsWith('generate-env.mjs')) {
  for (const [name, value] of Object.entries({ ...generateEnv(), ADMIN_PASSWORD: secret() })) {
    console.log(`${name}=${value.includes('"') ? `'${value}'` : value}`);
  }
}
