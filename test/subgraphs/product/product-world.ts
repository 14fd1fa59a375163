import { randomBytes } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { createConnection } from 'mysql2/promise';
import pino from 'pino';
import type { Role, UserViewer, Viewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { callerHeaders } from '../../../subgraphs/shared/auth/caller-headers.ts';
import { identitySigner } from '../../../subgraphs/shared/auth/identity.ts';
import { type Sql, select } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Runtime, openRuntime } from '../../../subgraphs/shared/process/runtime.ts';
import type { CreateProductInput } from '../../../subgraphs/product/commands/create-product.ts';
import { createProduct } from '../../../subgraphs/product/commands/create-product.ts';
import type { Product } from '../../../subgraphs/product/domain/product.ts';
import { callsNobody } from '../../support/no-links.ts';
import { createMigratedSchema } from '../../support/schemas.ts';
import { sentDuring, statementsTo } from '../../support/statements.ts';
import { type ProductSubgraph, createProductSubgraph } from '../../../subgraphs/product/subgraph.ts';
import { asker } from '../../support/asker.ts';

export type Answer = { readonly data: any; readonly errors: readonly { message: string; code: string }[] }; // eslint-disable-line typescript/no-explicit-any

export type ProductWorld = {
  readonly runtime: Runtime;
  readonly subgraph: ProductSubgraph;
  readonly sql: () => Sql;
  /** Runs an operation as this viewer; `service` is one of our apps. */
  run(viewer: Viewer, query: string, variables?: Record<string, unknown>): Promise<Answer>;
  headers(viewer: Viewer): Promise<Record<string, string>>;
  /** Makes a product through the command, as staff unless told otherwise. */
  make(input?: Partial<CreateProductInput>, viewer?: Viewer): Promise<Product>;
  /** Counters, version, number of movements, and sum of held reservations. */
  stock(
    productId: string,
  ): Promise<{ onHand: number; allocated: number; version: number; movements: number; held: number }>;
  /** The statements of this world that `work` sends, without those of transaction control. */
  statements(work: () => Promise<unknown>): Promise<string[]>;
  close(): Promise<void>;
};

export const userViewer = (...roles: Role[]): UserViewer => ({
  kind: 'user',
  userId: newId(),
  roles,
  sessionId: newId(),
});
export const orderService: Viewer = { kind: 'service', app: 'order' };

/** A Redis database of these tests' own: streams and grants are under fixed names. */
const redisDatabase = 2;

/** The product subgraph on a fresh schema of its own. */
export async function openProductWorld(): Promise<ProductWorld> {
  const prefix = `t${randomBytes(6).toString('hex')}`;
  const mysqlUrl = new URL(String(process.env['TEST_MYSQL_URL']));
  const redisUrl = new URL(String(process.env['TEST_REDIS_URL']));
  const schema = `${prefix}_product`;
  const root = await createConnection({ uri: mysqlUrl.href });
  mysqlUrl.href = await createMigratedSchema(schema, 'product');
  redisUrl.pathname = `/${redisDatabase}`;
  const env = {
    MYSQL_URL: mysqlUrl.href,
    REDIS_URL: redisUrl.href,
    DATABASE_PREFIX: prefix,
    PRODUCT_DATABASE_URL: mysqlUrl.href,
  };
  const runtime = await openRuntime(env, { name: 'product-test', link: callsNobody, log: pino({ level: 'silent' }) });
  const subgraph = await createProductSubgraph(runtime);
  const sign = identitySigner(runtime.config.identitySecret);
  const admin = userViewer('ADMIN');

  const headers = async (viewer: Viewer): Promise<Record<string, string>> => {
    const app = viewer.kind === 'service' ? viewer.app : 'gateway';
    const shown = { [callerHeaders.app]: app, [callerHeaders.token]: runtime.config.serviceTokens.get(app) ?? '' };
    return viewer.kind === 'user' ? { ...shown, [callerHeaders.identity]: await sign(viewer) } : shown;
  };

  return {
    runtime,
    subgraph,
    headers,
    sql: () => subgraph.deps.db.em(),
    async run(viewer, query, variables) {
      return answerOf(await subgraph.execute({ query, variables, headers: await headers(viewer) }));
    },
    async make(input = {}, viewer = admin) {
      const given = {
        sku: newId(),
        name: 'Espresso beans',
        description: 'Dark roast',
        price: { amount: 1290, currency: 'EUR' },
        ...input,
      };
      const { product, userErrors } = await createProduct(subgraph.deps, asker(viewer), given, newId());
      if (!product) throw new Error(JSON.stringify(userErrors));
      return product;
    },
    async stock(productId) {
      const [row] = await select(
        subgraph.deps.db.em(),
        `select on_hand, allocated, version, (select count(*) from stock_movement m where m.product_id = s.product_id) as movements,
           (select coalesce(sum(r.quantity), 0) from stock_reservation r where r.product_id = s.product_id and r.state = 'HELD') as held
         from stock s where product_id = unhex(?)`,
        [productId.replaceAll('-', '')],
      );
      const number = (name: string) => Number(row?.[name]);
      return {
        onHand: number('on_hand'),
        allocated: number('allocated'),
        version: number('version'),
        movements: number('movements'),
        held: number('held'),
      };
    },
    statements: async (work) => statementsTo(schema, await sentDuring(work)),
    async close() {
      await subgraph.close();
      await runtime.close();
      await root.query(`drop database ${schema}`);
      await root.end();
    },
  };
}

export const answerOf = (result: ExecutionResult): Answer => ({
  data: result.data,
  errors: (result.errors ?? []).map((error) => ({ message: error.message, code: String(error.extensions['code']) })),
});
