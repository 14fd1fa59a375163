import { Registry } from 'prom-client';
import type { Role } from '../../../../subgraphs/shared/auth/viewer.ts';
import { type Database, openDatabase } from '../../../../subgraphs/shared/database/database.ts';
import { handleOnce } from '../../../../subgraphs/shared/events/handle-events.ts';
import type { DomainEvent } from '../../../../subgraphs/shared/tables/outbox.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { createDependencies } from '../../../../subgraphs/user/create-dependencies.ts';
import type { UserDeps } from '../../../../subgraphs/user/dependencies.ts';
import { createDeliverer } from '../../../../subgraphs/user/webhooks/deliverer.ts';
import { openWebhookMetrics } from '../../../../subgraphs/user/webhooks/metrics.ts';
import { type DeliveryPolicy, deliveryPolicy } from '../../../../subgraphs/user/webhooks/policy.ts';
import { createSender } from '../../../../subgraphs/user/webhooks/send-webhook.ts';
import { webhookEvents } from '../../../../subgraphs/user/webhooks/webhook-events.ts';
import {
  type Answer,
  type Person,
  type UserPlatform,
  loginMutation,
  newMobile,
  openUserPlatform,
  userErrorFields,
  viewerOf,
} from '../support.ts';

/** A process that sends. */
export type Worker = {
  stop(): Promise<void>;
  /** It dies: what it has sent it records no more. */
  kill(): void;
};

export type WebhookWorld = {
  readonly platform: UserPlatform;
  readonly db: Database;
  readonly deps: UserDeps;
  readonly registry: Registry;
  /** By how much the clock of the deliveries is ahead. */
  aheadMs: number;
  person(...roles: Role[]): Promise<Person>;
  work(policy?: Partial<DeliveryPolicy>): Worker;
  /** Handles events as the consumer does; false where they were handled before. */
  handle(...events: readonly DomainEvent[]): Promise<boolean[]>;
  /** Runs a mutation on endpoints, which must give no errors but `userErrors`. */
  mutate(name: string, given: Record<string, unknown>, by: Person | null): Promise<Answer['data']>;
  close(): Promise<void>;
};

/** So short that tests need not wait. */
export const quick: Partial<DeliveryPolicy> = {
  timeoutMs: 5_000,
  leaseMs: 8_000,
  firstRetryMs: 20,
  maxRetryMs: 100,
  firstPauseMs: 10,
  maxPauseMs: 100,
};

const argumentTypes: Readonly<Record<string, string>> = {
  id: 'ID', deliveryId: 'ID!', url: 'String!', events: '[String!]!', description: 'String', active: 'Boolean', idempotencyKey: 'String!',
}; // prettier-ignore
const deliveryFields = 'id event payload state attempts statusCode responseMs lastError createdAt nextTryAt';
export const endpointFields = `id url events description active secretHint createdAt disabledReason deliveries { edges { node { ${deliveryFields} } } }`;

export async function openWebhookWorld(): Promise<WebhookWorld> {
  const platform = await openUserPlatform({ env: { WEBHOOK_ALLOW_PRIVATE: 'true' } });
  const { log } = platform.runtime;
  const db = await openDatabase({ url: platform.databaseUrl, entities: [], migrations: [], poolSize: 12, log });
  const registry = new Registry();
  const metrics = openWebhookMetrics(registry, db, log);
  const world: { aheadMs: number } = { aheadMs: 0 };
  const now = () => new Date(Date.now() + world.aheadMs);
  const deps = { ...(await createDependencies(platform.runtime, db)), now };
  const part = webhookEvents(deps, () => undefined);
  const workers = new Set<Worker>();

  return Object.assign(world, {
    platform, db, deps, registry,
    async person(...roles) {
      const mobile = newMobile();
      const password = 'correct horse battery';
      const { id } = await platform.accounts.createUser({ name: 'Ada Lovelace', mobile, password, roles: ['CUSTOMER', ...roles] });
      const { accessToken, refreshToken } = (await platform.run(loginMutation, { mobile, password })).data.login.tokens;
      return { id, mobile, password, viewer: viewerOf(accessToken), refreshToken, accessToken };
    },
    work(change = quick) {
      const policy = { ...deliveryPolicy, ...change };
      const { webhooks } = deps;
      let isAlive = true;
      const mortal: Database = {
        ...db,
        transaction: (work) => (isAlive ? db.transaction(work) : Promise.reject(new Error('dead'))),
      };
      const sender = createSender({ ...webhooks, now }, { ...webhooks.addresses, timeoutMs: policy.timeoutMs });
      const deliverer = createDeliverer({ ...deps, db: mortal, sender, metrics, policy });
      const timer = setInterval(() => void deliverer.deliverDue().catch(() => undefined), 10);
      const worker: Worker = {
        async stop() {
          clearInterval(timer);
          workers.delete(worker);
          await deliverer.stop();
          await sender.close();
        },
        kill() {
          isAlive = false;
          clearInterval(timer);
        },
      };
      workers.add(worker);
      return worker;
    },
    async handle(...events) {
      const handled: boolean[] = [];
      for (const event of events) {
        const handler = part.handlers[event.type];
        if (handler) handled.push(await handleOnce(db, event, handler));
      }
      return handled;
    },
    async mutate(name, given, by) {
      const values = { idempotencyKey: newId(), ...given };
      const names = Object.keys(values);
      const declared = names.map((argument) => `$${argument}: ${name === 'saveWebhookEndpoint' || argument !== 'id' ? argumentTypes[argument] : 'ID!'}`);
      const passed = names.map((argument) => `${argument}: $${argument}`);
      const fields = `webhookEndpoint { ${endpointFields} } delivery { ${deliveryFields} } secret replayed userErrors { ${userErrorFields} }`;
      const query = `mutation (${declared.join(', ')}) { ${name}(${passed.join(', ')}) { ${fields} } }`;
      const { data, errors } = await platform.run(query, values, by ? { viewer: by.viewer } : {});
      if (errors.length > 0) throw new Error(errors.map(({ code, message }) => `${String(code)}: ${message}`).join());
      return data[name];
    },
    async close() {
      await Promise.all([...workers].map((worker) => worker.stop()));
      await db.close();
      await platform.close();
    },
  } satisfies Omit<WebhookWorld, 'aheadMs'>);
} // prettier-ignore

/** An event as the order service writes it. */
export function orderEvent(
  orderId: string,
  seq: number,
  type = 'order.completed',
  data: Readonly<Record<string, unknown>> = {},
): DomainEvent {
  const order = { seq, number: 'SO1', type: 'STANDARD', state: 'PAID', currency: 'EUR', totalMinor: 1_290, paidMinor: 1_290, refundedMinor: 0 }; // prettier-ignore
  return {
    id: newId(), type, aggregateId: orderId, traceId: '0'.repeat(32), at: new Date().toISOString(),
    data: { orderId, customerId: newId(), order, ...data },
  }; // prettier-ignore
}
export const placedEvent = (orderId: string, sellerId: string | null): DomainEvent =>
  orderEvent(orderId, 2, 'order.placed', { sellerId, expiresAt: new Date().toISOString() });
export const refundedEvent = (orderId: string): DomainEvent => ({
  ...orderEvent(orderId, 1, 'payment.refunded'),
  data: { orderId, paymentId: newId(), refundId: newId(), amountMinor: 100, refundedTotalMinor: 100, currency: 'EUR', automatic: true },
}); // prettier-ignore
