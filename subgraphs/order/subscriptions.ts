import { isStaff, requireStaff, requireUser } from '../shared/auth/viewer.ts';
import { badUserInput } from '../shared/errors/errors.ts';
import { isId } from '../shared/values/ids.ts';
import { readOnWake } from '../shared/process/live.ts';
import type * as Schema from '../../schema/generated/order.ts';
import { orderChannel } from './channels.ts';
import { type OrderContext, noOrder, requireReader, visible } from './context.ts';
import type { JournalEntry } from './domain/journal.ts';
import type { FeedScope } from './feed.ts';
import {
  type FeedEntry,
  type OrderFilter,
  customersOf,
  feedHead,
  forReader,
  matchingOrders,
  numberFeed,
  readFeed,
  readJournal,
} from './queries.ts';
import type { StoredOrder } from './stored-order.ts';

/** Entries that one read of a subscription gives, and so the most that wait for a slow client. */
const batchSize = 100;

/** A journal entry, and its place in the stream that it is sent in. */
type Told = { readonly entry: JournalEntry; readonly seq: number };

/** A change with its order, as clients see it. */
type Notice = { readonly order: StoredOrder; readonly event: JournalEntry; readonly seq: number };

/** A fresh read of the order for every notice: the loaders of the subscription are as old as the subscription. */
async function resolve({ entry, seq }: Told, _: unknown, { loaders, viewer }: OrderContext): Promise<Notice> {
  for (const loader of Object.values(loaders)) loader.clearAll();
  const order = await loaders.byId.load(entry.orderId);
  if (!order) throw noOrder();
  return { order, event: forReader(entry, isStaff(viewer)), seq };
}

/** Where a stream begins. What a client can't have seen would leave it deaf. Throws BAD_USER_INPUT. */
function startOf(afterSeq: number | null | undefined, lastSeq: number): number {
  const start = afterSeq ?? lastSeq;
  if (start < 0) throw badUserInput('afterSeq: must not be negative.');
  if (start > lastSeq) throw badUserInput(`afterSeq: must not be beyond the last entry, which is ${lastSeq}.`);
  return start;
}

async function orderEvents(
  { orderId, afterSeq }: Schema.SubscriptionOrderEventsArgs,
  { deps, loaders, viewer }: OrderContext,
): Promise<AsyncIterableIterator<Told>> {
  requireReader(viewer);
  const order = visible(viewer, isId(orderId) ? await loaders.byId.load(orderId) : null);
  if (!order) throw noOrder();
  let position = startOf(afterSeq, order.seq);
  let isFull = false;
  return readOnWake<Told>({
    hasMore: () => isFull,
    subscribe(wake) {
      // The notice is the fast way, the feed the sure one.
      const ends = [deps.live.listen(orderChannel(orderId), wake), deps.feed.listen({ orderId }, wake)];
      return () => {
        for (const end of ends) end();
      };
    },
    async read() {
      const entries = await readJournal(deps.db.em(), orderId, position, batchSize);
      position = entries.at(-1)?.seq ?? position;
      isFull = entries.length === batchSize;
      return entries.map((entry) => ({ entry, seq: entry.seq }));
    },
  });
}

/** The feed from `afterSeq` on, or from now; `pass` says which entries are sent. */
async function follow(
  { deps }: OrderContext,
  options: {
    scope: Exclude<FeedScope, { readonly orderId: string }>;
    afterSeq: number | null | undefined;
    pass: (entries: readonly FeedEntry[]) => Promise<readonly FeedEntry[]>;
  },
): Promise<AsyncIterableIterator<Told>> {
  const { scope, pass } = options;
  const customerId = scope === 'all' ? null : scope.customerId;
  let position = startOf(options.afterSeq, await feedHead(deps.db));
  let isFull = false;
  return readOnWake<Told>({
    hasMore: () => isFull,
    subscribe: (wake) => deps.feed.listen(scope, wake),
    async read() {
      await numberFeed(deps.db);
      for (;;) {
        const entries = await readFeed(deps.db.em(), { customerId, afterSeq: position, limit: batchSize });
        position = entries.at(-1)?.feedSeq ?? position;
        isFull = entries.length === batchSize;
        const passed = await pass(entries);
        if (passed.length > 0 || !isFull) return passed.map((entry) => ({ entry, seq: entry.feedSeq }));
      }
    },
  });
}

const myOrders = ({ afterSeq }: Schema.SubscriptionMyOrdersArgs, context: OrderContext) =>
  follow(context, {
    scope: { customerId: requireUser(context.viewer).userId },
    afterSeq,
    pass: async (entries) => entries,
  });

async function allOrders(
  { filter, afterSeq }: Schema.SubscriptionAllOrdersArgs,
  context: OrderContext,
): Promise<AsyncIterableIterator<Told>> {
  requireStaff(context.viewer);
  const { deps, traceId } = context;
  const wanted = filter as OrderFilter | null | undefined;
  // Whom a name finds when the stream begins.
  const customerIds = await customersOf(deps, { scope: 'all', filter: wanted ?? {}, traceId });
  const matching = (orderIds: readonly string[]) =>
    matchingOrders(deps.db.em(), orderIds, { scope: 'all', filter: wanted ?? {}, at: deps.now(), customerIds });
  // A filter that can't be refuses the subscription, not its first event.
  if (wanted) await matching([]);
  return follow(context, {
    scope: 'all',
    afterSeq,
    async pass(entries) {
      if (!wanted) return entries;
      const ids = await matching(entries.map((entry) => entry.orderId));
      return entries.filter((entry) => ids.has(entry.orderId));
    },
  });
}

type Start<Args> = (args: Args, context: OrderContext) => Promise<AsyncIterableIterator<Told>>;
const field = <Args>(start: Start<Args>) => ({
  subscribe: (_: unknown, args: Args, context: OrderContext) => start(args, context),
  resolve,
});

export const Subscription = {
  orderEvents: field(orderEvents),
  myOrders: field(async (args: Schema.SubscriptionMyOrdersArgs, context) => myOrders(args, context)),
  allOrders: field(allOrders),
};
