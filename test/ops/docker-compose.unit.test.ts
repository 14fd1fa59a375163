import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { generateEnv } from '../../ops/docker/generate-env.mjs';
import { readGatewayConfig } from '../../gateway/config.ts';
import { readPaymentConfig } from '../../subgraphs/payment/config.ts';
import { databaseUrl, readPlatformConfig } from '../../subgraphs/shared/process/platform-config.ts';
import { readUserConfig } from '../../subgraphs/user/config.ts';

type Service = {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  profiles?: string[];
  volumes?: string[];
  read_only?: boolean;
  cap_drop?: string[];
};
type Compose = { services: Record<string, Service>; volumes: Record<string, null> };

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docker-compose.yml', root), 'utf8');
const { services, volumes } = parse(text, { merge: true }) as Compose;
const ours = Object.entries(services).filter(([, service]) => service.image === 'order-platform');

/** Compose's substitution of `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. */
const substitute = (value: string, env: Record<string, string>): string =>
  value.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string | undefined, rest: string) => {
    const given = env[name];
    if (given !== undefined) return given;
    if (kind === '-') return rest;
    throw new Error(`${name} is not in what generate-env.mjs makes`);
  });

const environmentOf = (service: Service): Record<string, string> =>
  Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([name, value]) => [name, substitute(value, generateEnv())]),
  );

describe('docker-compose.yml', () => {
  test('[GM-12] starts the databases, the one-shot set-up and every process of --split', () => {
    expect(Object.keys(services)).toEqual(
      expect.arrayContaining([
        'mysql',
        'redis',
        'mongodb',
        'setup',
        'user',
        'product',
        'order',
        'payment',
        'worker',
        'simulated-provider',
        'gateway',
      ]),
    );
    for (const [name, service] of ours) {
      const file = service.command?.find((part) => part.endsWith('.ts')) ?? '';
      expect([name, existsSync(new URL(file, root))]).toEqual([name, true]);
    }
  });

  test('names only services and volumes that are there', () => {
    for (const service of Object.values(services)) {
      for (const needed of Object.keys(service.depends_on ?? {})) expect(Object.keys(services)).toContain(needed);
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0] ?? '';
        expect(source.startsWith('./') ? existsSync(new URL(source, root)) : source in volumes).toBe(true);
      }
    }
  });

  test('runs our containers read-only, without capabilities, with a health check unless they end by themselves', () => {
    for (const [name, service] of ours) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      expect([name, service.healthcheck !== undefined]).toEqual([name, name !== 'setup']);
    }
    expect(readFileSync(new URL('ops/docker/Dockerfile', root), 'utf8')).toMatch(/\nUSER node\n/);
  });

  test('gives each process a configuration that production accepts, with the secrets of generate-env.mjs', () => {
    for (const [name, service] of ours) {
      const env = environmentOf(service);
      expect(env['NODE_ENV']).toBe('production');
      const config = readPlatformConfig(env);
      expect([...config.serviceTokens.keys()]).toEqual(['gateway', 'user', 'product', 'order', 'payment']);
      expect(new URL(databaseUrl(env, config, 'order')).host).toBe('mysql:3306');
      expect(readUserConfig(env).signingJwk.kty).toBe('OKP');
      expect(readPaymentConfig(env).simulated?.url).toBe('http://simulated-provider:4106');
      expect(readGatewayConfig(env).port).toBe(4000);
      // Only the set-up may know the root password.
      expect([name, new URL(config.mysqlUrl).username]).toEqual([name, name === 'setup' ? 'root' : '']);
    }
  });

  test('has a new secret in every .env', () => {
    const [first, second] = [generateEnv(), generateEnv()];
    for (const [name, value] of Object.entries(first)) expect(second[name as keyof typeof second]).not.toBe(value);
  });
});
