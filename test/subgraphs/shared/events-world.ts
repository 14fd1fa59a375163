import { randomBytes } from 'node:crypto';
import { Migration } from '@mikro-orm/migrations';
import { createConnection } from 'mysql2/promise';
import { type Database, openDatabase } from '../../../subgraphs/shared/database/database.ts';
import { startEventConsumer } from '../../../subgraphs/shared/events/event-consumer.ts';
import type { EventHandler } from '../../../subgraphs/shared/events/handle-events.ts';
import { type DomainEvent, appendOutbox, sharedTables } from '../../../subgraphs/shared/tables/outbox.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Relay, startOutboxRelay } from '../../../subgraphs/shared/events/outbox-relay.ts';
import { type Redis, openRedis } from '../../../subgraphs/shared/process/redis.ts';
import { type Metrics, createLogger, createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { type TcpProxy, startTcpProxy } from '../../faults/tcp-proxy.ts';
import { startTestServers } from '../../support/test-servers.ts';

export const log = createLogger('test', process.env['TEST_LOG_LEVEL'] ?? 'silent');

class EventTables extends Migration {
  override up(): void {
    for (const statement of [...sharedTables.outbox, ...sharedTables.outboxMark, ...sharedTables.inbox])
      this.addSql(statement);
    this.addSql(
      'create table applied (aggregate_id binary(16) not null, n int not null, at datetime(6) not null default current_timestamp(6), index applied_order (aggregate_id, at)) engine = InnoDB',
    );
  }
}

/** A schema with outbox and inbox, and a Redis that a test may empty. The database is reached through a proxy. */
export type EventsWorld = {
  readonly db: Database;
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly metrics: Metrics;
  readonly databaseProxy: TcpProxy;
  /** The name of a service that no other test uses. */
  service(): string;
  /** Appends events about one aggregate, each in a transaction of its own; `n` counts from 1. */
  /** Writes events and kicks this world's relays, as a command does after its commit. */
  append(aggregateId: string, count: number, type?: string): Promise<DomainEvent[]>;
  relay(service: string): Relay;
  consume(
    service: string,
    source: string,
    handlers: Readonly<Record<string, EventHandler>>,
    onHandled?: (event: DomainEvent) => void,
  ): { stop(): Promise<void> };
  rows(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Deletes all events, and what became of them, from the database. */
  empty(): Promise<void>;
  close(): Promise<void>;
};

export async function openEventsWorld(): Promise<EventsWorld> {
  const root = new URL(String(process.env['TEST_MYSQL_URL']));
  const servers = await startTestServers({ mysqlUrl: root.href });
  const schema = `t${randomBytes(6).toString('hex')}_events`;
  const connection = await createConnection({ uri: root.href });
  await connection.query(`create database ${schema} default character set utf8mb4 collate utf8mb4_bin`);
  await connection.query(`use ${schema}`);
  const databaseProxy = await startTcpProxy({ host: root.hostname, port: Number(root.port) });
  root.port = String(databaseProxy.port);
  root.pathname = `/${schema}`;
  const db = await openDatabase({
    url: root.href,
    entities: [],
    migrations: [{ name: 'initial', load: async () => EventTables }],
    poolSize: 20,
    log,
  });
  await db.migrate();
  const redis = await openRedis(servers.redisUrl, log);
  const metrics = createMetrics();
  const relays: Relay[] = [];
  let services = 0;
  return {
    db,
    redis,
    redisUrl: servers.redisUrl,
    metrics,
    databaseProxy,
    service: () => `service${(services += 1)}`,
    async append(aggregateId, count, type = 'thing.happened') {
      const events: DomainEvent[] = [];
      for (let n = 1; n <= count; n += 1) {
        const event = {
          id: newId(),
          type,
          aggregateId,
          traceId: 'a'.repeat(32),
          at: new Date().toISOString(),
          data: { n },
        };
        await db.transaction((tx) => appendOutbox(tx, [event]));
        events.push(event);
      }
      for (const relay of relays) relay.kick();
      return events;
    },
    relay(service) {
      const relay = startOutboxRelay({ service, db, redis, log, metrics });
      relays.push(relay);
      return relay;
    },
    consume: (service, source, handlers, onHandled) =>
      startEventConsumer({
        service,
        sources: [source],
        handlers,
        db,
        redis,
        log,
        metrics,
        ...(onHandled ? { onHandled } : {}),
      }),
    async rows(sql, values = []) {
      const [rows] = await connection.query(sql, values);
      return rows as Record<string, unknown>[];
    },
    async empty() {
      for (const table of ['outbox', 'outbox_mark', 'inbox', 'dead_letter', 'applied'])
        await connection.query(`delete from ${table}`);
    },
    async close() {
      await db.close();
      await databaseProxy.close();
      redis.destroy();
      await connection.query(`drop database ${schema}`);
      await connection.end();
      await servers.stop();
    },
  };
}
