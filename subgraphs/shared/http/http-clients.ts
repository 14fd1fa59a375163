import { z } from 'zod';
import { type Env, readEnv } from '../process/env.ts';
import type { HttpClient } from './connection.ts';
import { ownClient } from './own-client.ts';

const httpClients = ['own', 'undici'] as const;
export type HttpClientName = (typeof httpClients)[number];

/** Which client carries requests between our services. Throws ConfigError. */
export const readHttpClient = (env: Env): HttpClientName =>
  readEnv(env, { HTTP_CLIENT: z.enum(httpClients, { error: 'is neither own nor undici' }).default('own') }).HTTP_CLIENT;

/** undici is loaded where it is chosen only: it takes 27 MiB. */
export const loadHttpClient = async (name: HttpClientName): Promise<HttpClient> =>
  name === 'own' ? ownClient : (await import('./undici-client.ts')).undiciClient;
