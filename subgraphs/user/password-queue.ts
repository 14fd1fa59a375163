import { tooManyRequests } from '../shared/errors/errors.ts';
import { type FairQueue, createFairQueue } from '../shared/queues/fair-queue.ts';

/**
 * Who comes first: who is known (a session, or a device or address that signed in to the account before), then other
 * sign-ins, then registrations.
 */
const ranks = ['KNOWN', 'SIGN_IN', 'REGISTER'] as const;
export type Rank = (typeof ranks)[number];
/** Whose turn a password takes: clients of a rank take turns. */
export type Turn = { readonly rank: Rank; readonly client: string };

/** Below libuv's four threads, so that DNS, files and signatures are not kept waiting. */
const maxConcurrent = 2;
/** So often in a row others are preferred to a rank that waits: nobody is kept out by those before. */
const maxPassedOver = 4;
/** A sign-in finds a place free however many register. */
const maxRegistering = 1;
/** Who has more than so many times as many waiting as the client to be refused is refused instead, of whichever rank. */
const maxTimesMore = 8;
/** Longer than an operation may take: nobody waits for it any more. */
const maxWaitMs = 10_000;

type Waiting = { readonly rank: Rank; readonly sinceMs: number; start(): void; refuse(): void };
export type PasswordQueue = <T>(turn: Turn, work: () => Promise<T>) => Promise<T>;

const busy = () => tooManyRequests('Too many people sign in at this moment; try again in a few seconds.');

/**
 * Runs at most two works at once and keeps at most `maxQueued` waiting. Where there are more, the newest of the client with
 * the most is refused (TOO_MANY_REQUESTS), registrations before sign-ins, so one client can't take the places of others: nor
 * can one that is known take those of strangers, by being preferred.
 */
export function createPasswordQueue(options: { maxQueued: number; nowMs?: () => number }): PasswordQueue {
  const { nowMs = () => performance.now() } = options;
  const queues = Object.fromEntries(ranks.map((rank) => [rank, createFairQueue<Waiting>()])) as Record<Rank, FairQueue<Waiting>>; // prettier-ignore
  const running: Record<Rank, number> = { KNOWN: 0, SIGN_IN: 0, REGISTER: 0 };
  const passedOver: Record<Rank, number> = { KNOWN: 0, SIGN_IN: 0, REGISTER: 0 };
  const total = (count: (rank: Rank) => number): number => ranks.reduce((sum, rank) => sum + count(rank), 0);
  const isFree = (rank: Rank): boolean =>
    total((each) => running[each]) < maxConcurrent && (rank !== 'REGISTER' || running.REGISTER < maxRegistering);

  /** The first rank that waits, or the last one that was passed over for long enough. */
  function nextRank(): Rank | undefined {
    const waiting = ranks.filter((rank) => queues[rank].size > 0 && isFree(rank));
    return waiting.findLast((rank) => passedOver[rank] >= maxPassedOver) ?? waiting[0];
  }

  function startNext(): void {
    for (let rank = nextRank(); rank !== undefined; rank = nextRank()) {
      const next = queues[rank].take();
      if (next && nowMs() - next.sinceMs > maxWaitMs) next.refuse();
      else if (next) {
        for (const each of ranks) passedOver[each] += 1;
        passedOver[rank] = 0;
        next.start();
      }
    }
  }

  /** Of the last rank that waits, unless a client of another one has many times as much. */
  function mostToRefuse(): FairQueue<Waiting> | undefined {
    const waiting = ranks.map((rank) => queues[rank]).filter(({ size }) => size > 0);
    const [longest] = waiting.toSorted((one, other) => other.longest - one.longest);
    const last = waiting.at(-1);
    return longest && last && longest.longest > maxTimesMore * last.longest ? longest : last;
  }

  return (turn, work) =>
    new Promise((resolve, reject) => {
      const { rank, client } = turn;
      queues[rank].push(client, {
        rank,
        sinceMs: nowMs(),
        refuse: () => reject(busy()),
        start() {
          running[rank] += 1;
          void work()
            .then(resolve, reject)
            .finally(() => {
              running[rank] -= 1;
              startNext();
            });
        },
      });
      startNext();
      if (total((each) => queues[each].size) > options.maxQueued) mostToRefuse()?.takeFromLongest()?.refuse();
    });
}
