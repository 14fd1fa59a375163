import { requireStaff } from '../auth/viewer.ts';
import { type Page, foreignCursor, pageArguments, toPage } from '../values/paging.ts';
import { type Database, type Row, type Sql, run, select, toDate, toJson, write } from '../database/database.ts';
import { type Refusal, isUnavailable, notFoundError } from '../errors/errors.ts';
import { type EventHandler, handleOnce } from '../events/handle-events.ts';
import type { DomainEvent } from '../tables/outbox.ts';
import type { SubgraphName } from '../values/subgraph-names.ts';
import type { Asker, StaffAct } from '../tables/staff-acts.ts';
import { idFromBytes, idToBytes, isId } from '../values/ids.ts';
import type { ResolverMap } from './subgraph.ts';
import type { CallContext } from './prepare.ts';

/** An event that a service failed to handle as often as it tries. */
export type DeadLetter = {
  /** The event's id. */
  readonly id: string;
  readonly service: string;
  readonly type: string;
  readonly aggregateId: string;
  readonly event: DomainEvent;
  readonly attempts: number;
  readonly error: string;
  readonly failedAt: Date;
  readonly replayedAt: Date | null;
};

/** How a service handles events; the same as for its consumer. */
export type EventHandling = {
  readonly db: Database;
  readonly handlers: Readonly<Record<string, EventHandler>>;
  readonly onHandled?: (event: DomainEvent) => void;
  /** Writes into the audit log that somebody had a letter handled again, in the transaction that does it. */
  readonly record: (tx: Sql, asker: Asker, act: StaffAct) => Promise<void>;
  /** Has the outbox published, where the log is in another service. */
  readonly kickRelay?: () => void;
};

const maxErrorLength = 1_000;

const toDeadLetter = (row: Row): DeadLetter => ({
  id: idFromBytes(row['event_id'] as Buffer),
  service: String(row['service']),
  type: String(row['type']),
  aggregateId: idFromBytes(row['aggregate_id'] as Buffer),
  event: toJson<DomainEvent>(row['event']),
  attempts: Number(row['attempts']),
  error: String(row['error']),
  failedAt: toDate(row['failed_at']) as Date,
  replayedAt: toDate(row['replayed_at']),
});

async function findDeadLetter(sql: Sql, id: string): Promise<DeadLetter | null> {
  const [row] = isId(id) ? await select(sql, 'select * from dead_letter where event_id = ?', [idToBytes(id)]) : [];
  return row ? toDeadLetter(row) : null;
}

/** The service's dead letters, the latest failure first. Throws BAD_USER_INPUT. */
export async function listDeadLetters(
  sql: Sql,
  service: string,
  args: { first?: number | null; after?: string | null; replayed?: boolean | null },
): Promise<Page<DeadLetter>> {
  const page = pageArguments(args, {
    name: `${service}DeadLetters`,
    keyLength: 2,
    selection: { replayed: args.replayed === true },
  });
  const conditions = [args.replayed ? 'replayed_at is not null' : 'replayed_at is null'];
  const parameters: (Date | Buffer)[] = [];
  if (page.after) {
    const [failedAt, id] = page.after;
    if (typeof failedAt !== 'string' || Number.isNaN(Date.parse(failedAt)) || !isId(id)) throw foreignCursor();
    conditions.push('(failed_at, event_id) < (?, ?)');
    parameters.push(new Date(failedAt), idToBytes(id));
  }
  const rows = await select(
    sql,
    `select * from dead_letter where ${conditions.join(' and ')} order by failed_at desc, event_id desc limit ?`,
    [...parameters, page.first + 1],
  );
  return toPage(rows.map(toDeadLetter), page, ({ failedAt, id }) => [failedAt.toISOString(), id]);
}

/**
 * Handles a dead letter's event as when it came: once, with its inbox row. One that was replayed already is given back as
 * it is. A handler that fails again leaves the letter where it is, with the new error.
 */
export async function replayDeadLetter(
  { db, handlers, onHandled, record, kickRelay }: EventHandling,
  asker: Asker,
  id: string,
): Promise<{ deadLetter: DeadLetter | null; userErrors: readonly Refusal[] }> {
  const letter = await findDeadLetter(db.em(), id);
  if (!letter) return { deadLetter: null, userErrors: [notFoundError('There is no such dead letter.', id)] };
  if (letter.replayedAt) return { deadLetter: letter, userErrors: [] };
  const { event } = letter;
  const handler = handlers[event.type];
  const failure = handler ? null : `This service handles no ${event.type} any more.`;
  const error = failure ?? (await handle(event, handler as EventHandler));
  const deadLetter = await findDeadLetter(db.em(), id);
  const refusal = { __typename: 'ReplayFailedError', code: 'REPLAY_FAILED', message: `It failed again: ${error}` };
  return { deadLetter, userErrors: error === null ? [] : [refusal] };

  /** Null when it was handled, now or before; else why not. */
  async function handle(told: DomainEvent, byHandler: EventHandler): Promise<string | null> {
    try {
      const fresh = await handleOnce(db, told, async (tx, one) => {
        await byHandler(tx, one);
        await markReplayed(tx, id);
        await record(tx, asker, {
          action: 'dead_letter.replayed',
          subject: `event:${id}`,
          after: { type: one.type },
        });
      });
      if (fresh) {
        onHandled?.(told);
        kickRelay?.();
      } else await markReplayed(db.em(), id);
      return null;
    } catch (cause) {
      if (isUnavailable(cause)) throw cause;
      const message = (cause as Error).message.slice(0, maxErrorLength);
      await run(db.em(), 'update dead_letter set attempts = attempts + 1, error = ?, failed_at = utc_timestamp(3) where event_id = ?', [message, idToBytes(id)]); // prettier-ignore
      return message;
    }
  }
}

const markReplayed = (sql: Sql, id: string): Promise<number> =>
  write(sql, 'update dead_letter set replayed_at = utc_timestamp(3) where event_id = ?', [idToBytes(id)]);

/**
 * `base` with `<service>DeadLetters` and `replay<Service>DeadLetter`, for staff. The types are in the SDL of each service
 * that consumes events.
 */
export function withDeadLetters<Context extends CallContext>(
  base: ResolverMap,
  service: SubgraphName,
  handlingOf: (context: Context) => EventHandling,
): ResolverMap {
  const name = `${service.charAt(0).toUpperCase()}${service.slice(1)}`;
  return {
    ...base,
    Query: {
      ...(base['Query'] as ResolverMap | undefined),
      [`${service}DeadLetters`]: (_: unknown, args: Parameters<typeof listDeadLetters>[2], context: Context) => {
        requireStaff(context.viewer);
        return listDeadLetters(handlingOf(context).db.em(), service, args);
      },
    },
    Mutation: {
      ...(base['Mutation'] as ResolverMap | undefined),
      [`replay${name}DeadLetter`]: (_: unknown, { id }: { id: string }, context: Context) => {
        requireStaff(context.viewer);
        return replayDeadLetter(handlingOf(context), context, id);
      },
    },
  };
}
