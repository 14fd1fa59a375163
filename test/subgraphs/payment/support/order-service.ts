import { parse } from 'graphql';
import { authenticator } from '../../../../subgraphs/shared/auth/authenticator.ts';
import { grantService } from '../../../../subgraphs/shared/auth/grants.ts';
import { streamOf, partitionOf } from '../../../../subgraphs/shared/tables/outbox.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import type { SubgraphLink } from '../../../../subgraphs/shared/calls/link.ts';
import type { Runtime } from '../../../../subgraphs/shared/process/runtime.ts';
import { createEngine } from '../../../../subgraphs/shared/engine/subgraph.ts';
import type { CallContext } from '../../../../subgraphs/shared/engine/prepare.ts';

/** An order as the order service would tell of it. */
export type StandInOrder = {
  id: string;
  state: string;
  /** Code of its order type. */
  type: string;
  customerId: string;
  balanceDueMinor: number;
  currency: string;
  expiresAt: string | null;
};

/** A name under which a user signs in, as the user service would tell of it. */
export type StandInIdentity = { readonly type: string; readonly key: string; readonly issuer: string | null };

const typeDefs = parse(/* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  scalar DateTime
  scalar SafeInt
  type Money {
    amount: SafeInt!
    currency: String!
  }
  type User @key(fields: "id") {
    id: ID!
    name: String!
    identities: [UserIdentity!]!
  }
  type UserIdentity {
    type: String!
    key: String!
    issuer: String
  }
  type Order @key(fields: "id") {
    id: ID!
    state: String!
    type: OrderType!
    customer: User!
    balanceDue: Money!
    expiresAt: DateTime
  }
  type OrderType {
    code: String!
  }
  type Query {
    ready: Boolean
  }
`);

/**
 * Stands in for the order service, and for what payment asks of the user service: answers `_entities` over real GraphQL to services that show their
 * token, and can say what the real one says by events.
 */
export function createOrderService(runtime: () => Runtime) {
  const orders = new Map<string, StandInOrder>();
  const unknownUsers = new Set<string>();
  const identities = new Map<string, readonly StandInIdentity[]>();
  let engine: SubgraphLink | undefined;

  async function open(): Promise<SubgraphLink> {
    const { redis, config, log, metrics, now } = runtime();
    const token = config.serviceTokens.get('payment') ?? '';
    const seed = () => grantService(redis, { app: 'payment', service: 'order', token });
    await seed();
    const made = createEngine<CallContext>({
      name: 'order',
      typeDefs,
      resolvers: {
        User: {
          __resolveReference: ({ id }: { id: string }) => (unknownUsers.has(id) ? null : { id, name: 'Somebody' }),
          identities: ({ id }: { id: string }) => identities.get(id) ?? [],
        },
        Order: {
          __resolveReference: ({ id }: { id: string }) => orders.get(id) ?? null,
          type: ({ type }: StandInOrder) => ({ code: type }),
          customer: ({ customerId }: StandInOrder) => ({ id: customerId, name: 'Somebody' }),
          balanceDue: ({ balanceDueMinor, currency }: StandInOrder) => ({ amount: balanceDueMinor, currency }),
        },
      },
      authenticate: authenticator({
        service: 'order',
        redis,
        identitySecret: config.identitySecret,
        strict: true,
        now,
        reseed: seed,
      }),
      context: (call) => call,
      log,
      metrics,
    });
    return { ...made, close: async () => undefined };
  }

  return {
    link: (): SubgraphLink => {
      if (!engine) throw new Error('open the order service first');
      return engine;
    },
    async open(): Promise<void> {
      engine = await open();
    },
    /** Adds an order that waits for 12.34 EUR for 20 minutes, but for what is given. */
    add(order: Partial<StandInOrder> & { customerId: string }): StandInOrder {
      const added = {
        id: newId(order.customerId),
        state: 'PENDING_PAYMENT',
        type: 'STANDARD',
        balanceDueMinor: 1_234,
        currency: 'EUR',
        expiresAt: new Date(Date.now() + 1_200_000).toISOString(),
        ...order,
      };
      orders.set(added.id, added);
      return added;
    },
    /** The identities that this user has from now on. */
    identify(id: string, these: readonly StandInIdentity[]): void {
      identities.set(id, these);
    },
    /** From now on nobody has this id; otherwise the stand-in knows every user. */
    forgetUser(id: string): void {
      unknownUsers.add(id);
    },
    set(id: string, change: Partial<StandInOrder>): void {
      orders.set(id, { ...(orders.get(id) as StandInOrder), ...change });
    },
    /** Publishes an event of an order, `copies` times. */
    async tell(type: string, orderId: string, data: Record<string, unknown>, copies = 1): Promise<void> {
      const event = {
        id: newId(),
        type,
        aggregateId: orderId,
        traceId: 'a'.repeat(32),
        at: new Date().toISOString(),
        data: { orderId, ...data },
      };
      for (let copy = 0; copy < copies; copy += 1) {
        await runtime().redis.xAdd(streamOf('order', partitionOf(orderId)), '*', { event: JSON.stringify(event) });
      }
    },
  };
}

export type OrderService = ReturnType<typeof createOrderService>;
