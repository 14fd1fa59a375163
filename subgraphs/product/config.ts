import { type Env, integer, readEnv } from '../shared/env.ts';
import { z } from 'zod';

/** Where this subgraph listens as a process of its own. */
export type ProductConfig = { readonly host: string; readonly port: number };

/** Throws ConfigError naming the variable and the mend. */
export function readProductConfig(env: Env): ProductConfig {
  const given = readEnv(env, {
    SUBGRAPH_HOST: z.string().min(1).default('127.0.0.1').describe('address that subgraphs listen on; keep it private'),
    PRODUCT_PORT: integer(0, 65_535).default(4102).describe('port of the product subgraph'),
  });
  return { host: given.SUBGRAPH_HOST, port: given.PRODUCT_PORT };
}
