import type { NamedMigration } from '../subgraphs/shared/database/database.ts';
import type { SubgraphLink } from '../subgraphs/shared/calls/link.ts';
import { type SubgraphName, subgraphNames } from '../subgraphs/shared/values/subgraph-names.ts';
import type { Env } from '../subgraphs/shared/process/env.ts';
import { type Runtime, openRuntime } from '../subgraphs/shared/process/runtime.ts';
import type { Subgraph } from '../subgraphs/shared/engine/subgraph.ts';
import { createOrderSubgraph, orderSchema } from '../subgraphs/order/subgraph.ts';
import { createPaymentSubgraph, paymentSchema } from '../subgraphs/payment/subgraph.ts';
import { simulatedSchema } from '../subgraphs/payment/simulated-provider/subgraph.ts';
import { createProductSubgraph, productSchema } from '../subgraphs/product/subgraph.ts';
import { createUserSubgraph, userSchema } from '../subgraphs/user/subgraph.ts';

/** One service's schema as it is to be. */
export type Schema = {
  readonly name: string;
  readonly entities: readonly unknown[];
  readonly migrations: readonly NamedMigration[];
};

/** Every schema of the platform: the four subgraphs' and that of the simulated provider, which is a foreign system. */
export const schemas: readonly Schema[] = [userSchema, productSchema, orderSchema, paymentSchema, simulatedSchema];

const creators: Readonly<Record<SubgraphName, (runtime: Runtime) => Promise<Subgraph>>> = {
  user: createUserSubgraph,
  product: createProductSubgraph,
  order: createOrderSubgraph,
  payment: createPaymentSubgraph,
};

/** All four subgraphs in this process. */
export type Subgraphs = {
  readonly link: (name: SubgraphName) => SubgraphLink;
  startWorkers(): Promise<void>;
  /** Rejects when one of them isn't ready. */
  ready(): Promise<void>;
  close(): Promise<void>;
};

export async function openSubgraphs(runtime: Runtime): Promise<Subgraphs> {
  const opened = await Promise.all(subgraphNames.map((name) => creators[name](runtime)));
  const links = new Map<SubgraphName, SubgraphLink>(opened.map((subgraph) => [subgraph.name, subgraph]));
  const each = async (act: (subgraph: Subgraph) => Promise<void>): Promise<void> => {
    await Promise.all(opened.map(act));
  };
  return {
    link: (name) => links.get(name) as SubgraphLink,
    startWorkers: () => each((subgraph) => subgraph.startWorker()),
    ready: () => each((subgraph) => subgraph.ready()),
    close: () => each((subgraph) => subgraph.close()),
  };
}

/** A runtime whose subgraphs are in this process and reach each other there. */
export async function openPlatform(env: Env, name: string): Promise<{ runtime: Runtime; subgraphs: Subgraphs }> {
  const links = new Map<SubgraphName, SubgraphLink>();
  const runtime = await openRuntime(env, {
    name,
    link: (service) => {
      const link = links.get(service);
      if (!link) throw new Error(`the ${service} subgraph was called before all were made`);
      return link;
    },
  });
  const subgraphs = await openSubgraphs(runtime);
  for (const service of subgraphNames) links.set(service, subgraphs.link(service));
  return { runtime, subgraphs };
}
