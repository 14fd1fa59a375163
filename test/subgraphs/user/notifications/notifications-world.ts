import { randomBytes } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { CallError, type SubgraphLink } from '../../../../subgraphs/shared/calls/link.ts';
import { handleOnce } from '../../../../subgraphs/shared/events/handle-events.ts';
import type { DomainEvent } from '../../../../subgraphs/shared/tables/outbox.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { unavailable } from '../../../../subgraphs/shared/errors/errors.ts';
import type { UserDeps } from '../../../../subgraphs/user/dependencies.ts';
import { deliverDeps, startDelivering } from '../../../../subgraphs/user/notifications/background.ts';
import { readNotificationConfig } from '../../../../subgraphs/user/notifications/config.ts';
import { deliverDue } from '../../../../subgraphs/user/notifications/deliver.ts';
import { lanes } from '../../../../subgraphs/user/notifications/kinds.ts';
import { notificationEvents } from '../../../../subgraphs/user/notifications/notification-events.ts';
import { type Senders, openSenders } from '../../../../subgraphs/user/notifications/senders.ts';
import { type MailServer, startMailServer } from '../../../support/mail-server.ts';
import { type SmsGateway, startSmsGateway } from '../../../support/sms-gateway.ts';
import { type Person, type UserPlatform, openUserPlatform, redisDatabase, registerPerson } from '../support.ts';
import { order } from './order-facts.ts';

export const smsSecret = `whsec_${randomBytes(32).toString('base64')}`;

export type Delivery = {
  channel: string;
  state: string;
  attempts: number;
  last_error: string | null;
  secret: Buffer | null;
};

/** The user subgraph with a mail server and an SMS gateway; what the worker does is done by hand. */
export type NotificationsWorld = {
  readonly platform: UserPlatform;
  readonly mailServer: MailServer;
  readonly gateway: SmsGateway;
  /** What the order service answers: an order, or nothing. */
  orders: 'there' | 'away' | 'gone' | 'without code' | 'paid';
  /** Somebody with a mailbox. */
  person(input?: Record<string, unknown>): Promise<Person & { readonly email: string }>;
  /** Handles an event as the consumer does, at most once; false when it was handled before. */
  happens(event: DomainEvent): Promise<boolean>;
  /** An event of an order of this customer. */
  event(type: string, customer: { readonly id: string }, data?: Record<string, unknown>, at?: Date): DomainEvent;
  /** Sends what is due, as so many workers at once. */
  deliver(workers?: number): Promise<void>;
  /** Sends what is due, as the worker does, while `work` goes on. */
  whileDelivering(work: () => Promise<void>): Promise<void>;
  /** Lets the time pass until whatever waits is due. */
  later(): Promise<void>;
  deliveriesOf(customer: { readonly id: string }): Promise<Delivery[]>;
  withDependencies<T>(work: (deps: UserDeps) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

export async function openNotificationsWorld(): Promise<NotificationsWorld> {
  const [mailServer, gateway] = await Promise.all([startMailServer(), startSmsGateway()]);
  const env = {
    SMTP_URL: mailServer.url,
    MAIL_FROM: 'Tide & Pine <orders@shop.example>',
    SMS_WEBHOOK_URL: gateway.url,
    SMS_WEBHOOK_SECRET: smsSecret,
    PUBLIC_URL: 'https://shop.example',
  };
  const link = () =>
    ({
      async execute(): Promise<ExecutionResult> {
        if (world.orders === 'away') return { errors: [unavailable('The order service is away.')] };
        const answer = {
          ...order,
          confirmationCode: world.orders === 'without code' ? null : order.confirmationCode,
          state: world.orders === 'paid' ? 'PAID' : order.state,
        };
        return { data: { _entities: [world.orders === 'gone' ? null : answer] } };
      },
    }) as unknown as SubgraphLink;
  const platform = await openUserPlatform({ database: redisDatabase.notifications, env, link });
  const notifications = readNotificationConfig(env);
  const { now, log, config } = platform.runtime;
  const senders: Senders = await openSenders(notifications, { log, now, shop: 'Tide & Pine' });
  const call = async <Data>(): Promise<Data> => {
    const { data, errors } = await link().execute({ query: '', headers: {} });
    if (errors) throw new CallError('order', errors);
    return data as Data;
  };

  const world: NotificationsWorld = {
    platform, mailServer, gateway,
    orders: 'there',
    async person(input = {}) {
      const person = await registerPerson(platform, input);
      const email = `buyer-${person.mobile}@mail.example`;
      await platform.sql('update user_account set email = ?, verified_email = ? where mobile = ?', [email, email, person.mobile]);
      return { ...person, email };
    },
    happens: (event) =>
      platform.withDependencies(async (deps) => {
        const { handlers, onHandled } = notificationEvents({ ...deps, wake: () => undefined });
        const handler = handlers[event.type];
        if (!handler) throw new Error(`nobody handles ${event.type}`);
        const isFresh = await handleOnce(deps.db, event, handler);
        if (isFresh) onHandled?.(event);
        return isFresh;
      }),
    event(type, { id: customerId }, data = {}, at = new Date()) {
      const orderId = newId();
      const event = { id: newId(), type, aggregateId: orderId, traceId: '0'.repeat(32), at: at.toISOString() };
      return { ...event, data: { orderId, customerId, number: order.number, ...data } };
    },
    deliver: (workers = 1) =>
      platform.withDependencies(async (deps) => {
        const own = { call, notifications, senders };
        const delivering = deliverDeps({ config }, deps, own);
        await Promise.all(Array.from({ length: workers }, () => lanes.map((lane) => deliverDue(delivering, lane))).flat());
      }),
    whileDelivering: (work) =>
      platform.withDependencies(async (deps) => {
        const delivering = await startDelivering(platform.runtime, deps, { call, notifications });
        try {
          await work();
        } finally {
          await delivering.stop();
        }
      }),
    async later() {
      await platform.sql('update notification_delivery set next_try_at = utc_timestamp(3) where next_try_at is not null');
    },
    async deliveriesOf({ id }) {
      const rows = await platform.sql(
        `select d.channel, d.state, d.attempts, d.last_error, d.secret from notification_delivery d join notification n on n.id = d.notification_id
         where n.user_id = unhex(?) order by d.channel, n.seq`,
        [id.replaceAll('-', '')],
      );
      return rows as Delivery[];
    },
    withDependencies: (work) => platform.withDependencies(work),
    async close() {
      await Promise.all([...senders.values()].map((sender) => sender.close()));
      await platform.close();
      await Promise.all([mailServer.close(), gateway.close()]);
    },
  }; // prettier-ignore
  return world;
}
