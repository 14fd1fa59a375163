import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Api, Person } from './api.ts';
import { myOrdersFeed, orderEventsFeed } from './documents.ts';
import type { Journal, OrderTold } from './journal.ts';

/** One buyer's socket: a subscription to all own orders, and to single ones, each resumed from its last `seq` for as long as it takes. */
export type Watch = {
  /** What the feed of all own orders has told of each, by id: its last `seq` there, its state. */
  readonly seen: ReadonlyMap<string, { readonly lastSeq: number; readonly state: string; readonly paid: boolean }>;
  /** Watches one order by itself until the watch ends; `lastSeq` grows. */
  follow(order: OrderTold): { readonly lastSeq: () => number };
  readonly resumed: () => number;
  end(): Promise<void>;
};

const resumeAfterMs = 200;
const pingMs = 5_000;
const pongTimeoutMs = 5_000;

type Notice = { seq: number; event: { seq: number; toState: string | null }; order: { id: string } };

export function watchOrders(options: {
  wsUrl: string;
  api: Api;
  person: Person;
  journal: Pick<Journal, 'violate'>;
}): Watch {
  const { wsUrl, api, person, journal } = options;
  const seen = new Map<string, { lastSeq: number; state: string; paid: boolean }>();
  let ended = false;
  let resumed = 0;
  let late: NodeJS.Timeout | undefined;
  class FromAddress extends WebSocket {
    constructor(url: string, protocols: string | string[]) {
      super(url, protocols, { headers: { 'x-forwarded-for': person.address } });
    }
  }
  const client: Client = createClient({
    url: wsUrl,
    webSocketImpl: FromAddress,
    retryAttempts: 0,
    lazy: true,
    keepAlive: pingMs,
    on: {
      // A peer that is stopped, or cut off without a word, is given up.
      ping: (received) => {
        if (!received) late = setTimeout(() => client.terminate(), pongTimeoutMs);
      },
      pong: () => clearTimeout(late),
      closed: () => clearTimeout(late),
    },
    connectionParams: () => ({ authorization: `Bearer ${person.token}` }),
  });

  /** Takes notices until the watch ends; asks again from the last `seq` whenever the stream does. */
  async function stream<Field extends string>(
    query: string,
    variables: () => Record<string, unknown>,
    field: Field,
    take: (notice: Notice) => void,
  ): Promise<void> {
    for (; !ended; resumed += 1) {
      try {
        for await (const { data, errors } of client.iterate<Record<Field, Notice>>({ query, variables: variables() })) {
          if (errors || !data) break;
          take(data[field]);
        }
      } catch (error) {
        // Its token has ended, or it was signed by a clock that was wrong.
        if (!ended && (error as { code?: number }).code === 4403) await api.signIn(person);
      }
      await sleep(resumeAfterMs * (1 + Math.random()));
    }
  }

  let place = 0;
  const feed = stream(
    myOrdersFeed,
    () => ({ afterSeq: place }),
    'myOrders',
    ({ seq, event, order }) => {
      if (seq <= place) journal.violate(`the feed of ${person.mobile} went from ${place} to ${seq}`);
      place = seq;
      const before = seen.get(order.id) ?? { lastSeq: 0, state: '', paid: false };
      if (event.seq !== before.lastSeq + 1)
        journal.violate(`the feed of ${person.mobile} told of order ${order.id} ${event.seq} after ${before.lastSeq}`);
      const state = event.toState ?? before.state;
      seen.set(order.id, { lastSeq: event.seq, state, paid: before.paid || state === 'PAID' });
    },
  );
  const followed: Promise<void>[] = [];

  return {
    seen,
    resumed: () => resumed,
    follow(order) {
      let last = 0;
      const variables = () => ({ orderId: order.id, afterSeq: last });
      followed.push(
        stream(orderEventsFeed, variables, 'orderEvents', ({ event }) => {
          if (event.seq !== last + 1)
            journal.violate(`the stream of order ${order.id} went from ${last} to ${event.seq}`);
          last = event.seq;
        }),
      );
      return { lastSeq: () => last };
    },
    async end() {
      ended = true;
      await client.dispose();
      client.terminate();
      await Promise.all([feed, ...followed]);
    },
  };
}
