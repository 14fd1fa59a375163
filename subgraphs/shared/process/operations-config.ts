import { z } from 'zod';
import { type Env, integer, readEnv } from './env.ts';

/** Above the port that clients use. */
const portOffset = 5_000;
const maxPort = 65_535;

/** Throws ConfigError. `ownPort`: where the process serves, 0 for a free port or none. */
export function readOperationsConfig(env: Env, ownPort: number): { port: number; host: string; isGiven: boolean } {
  const given = readEnv(env, {
    METRICS_PORT: integer(0, maxPort).optional(),
    METRICS_HOST: z.string().default('127.0.0.1').describe('address on which metrics are served'),
  });
  const usual = ownPort === 0 || ownPort + portOffset > maxPort ? 0 : ownPort + portOffset;
  return { port: given.METRICS_PORT ?? usual, host: given.METRICS_HOST, isGiven: given.METRICS_PORT !== undefined };
}
