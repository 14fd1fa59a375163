import type { ExecutionResult, GraphQLError } from 'graphql';
import { unavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { StreamKind } from './kinds.ts';
import type { Upstream, UpstreamStep } from './upstream.ts';

/** How a stream ended for its members: by itself, with a refusal before any event, or with an error. */
type End = { readonly refused?: readonly GraphQLError[]; readonly error?: Error };

/** One client's place in a stream: what it has yet to take. */
export type Member = {
  /** The next answer, a refusal as `{ errors }`, or undefined at the end. Rejects when the stream broke. */
  next(): Promise<ExecutionResult | undefined>;
  /** Leaves the stream; ends a pending `next()`. */
  leave(): void;
};

/** Clients that see the same answers: one upstream, one execution for each of its events. */
export type Group = {
  /** Whether a client that comes now sees what it would see alone. */
  isOpenTo(afterSeq: number | null): boolean;
  /** Adds a client that has a journal up to `afterSeq`; null wants what is new. */
  join(afterSeq: number | null): Member;
};

export type GroupOptions = {
  readonly kind: StreamKind | null;
  /** Where the stream starts: a journal after this entry. */
  readonly startAfter: number | null;
  readonly open: (afterSeq: number | null) => Upstream;
  readonly execute: (event: ExecutionResult) => Promise<ExecutionResult>;
  readonly count: (outcome: 'executed' | 'delivered' | 'coalesced' | 'detached') => void;
  /** Called once, when the last client has left or the stream has ended. */
  readonly onEnd: () => void;
};

/** Answers that wait for one client; more of a journal are not read for it. */
export const maxQueued = 16;
/** How long the others of a group wait for a client whose queue is full. */
const patienceMs = 250;
/** States whose latest events are kept for clients that come later. */
const maxStates = 100;

type Told = { readonly mark: number | string | null; readonly result: ExecutionResult };

type Place = {
  readonly queue: Told[];
  /** In a journal: the last entry that the client has, from wherever. */
  readonly after: number | null;
  /** Ends the client's waiting for an answer. */
  wake: (() => void) | undefined;
  /** While the client is told the states of before: those that have changed since it came. */
  changed: Set<number | string | null> | undefined;
  end: End | undefined;
  /** The group that it is in: a slow client goes on in one of its own. */
  home: Home;
};
type Home = { readonly leave: (place: Place) => void; readonly pump: () => void };

type Running = {
  readonly options: GroupOptions;
  readonly upstream: Upstream;
  readonly places: Set<Place>;
  /** The newest event of each state. */
  readonly latest: Map<number | string | null, ExecutionResult>;
  begun: boolean;
  ended: boolean;
  pumping: boolean;
  patience: NodeJS.Timeout | undefined;
};

/**
 * Opens the upstream and pulls an event whenever one of the clients waits for it, so that events stay with their source
 * until somebody takes them. What a slow client has not taken waits in a queue of its own: of states only the latest is
 * kept, so it never holds the others up. Of a journal nothing is left out: when its queue is full it goes on alone, read
 * anew after its last entry.
 */
export function openGroup(options: GroupOptions): Group {
  const { kind } = options;
  const group = run(options, []);
  const home = homeOf(group);
  return {
    isOpenTo(afterSeq) {
      if (group.ended || !kind) return false;
      if (kind.kind === 'states') return kind.begins === 'with changes' || group.latest.size <= maxStates;
      return afterSeq === null ? options.startAfter === null : group.upstream.position() === afterSeq;
    },
    join(afterSeq) {
      const place: Place = { queue: [], after: afterSeq, wake: undefined, changed: undefined, end: undefined, home };
      group.places.add(place);
      if (kind?.kind === 'states' && kind.begins === 'with states' && group.begun)
        tellLatest(group, place).catch((error: Error) => {
          place.end = { error };
          place.wake?.();
        });
      return memberOf(place, options.count);
    },
  };
}

function run(options: GroupOptions, adopted: readonly Place[]): Running {
  const group: Running = {
    options,
    upstream: options.open(options.startAfter),
    places: new Set(adopted),
    latest: new Map(),
    begun: adopted.length > 0,
    ended: false,
    pumping: false,
    patience: undefined,
  };
  for (const place of adopted) place.home = homeOf(group);
  return group;
}

const homeOf = (group: Running): Home => ({
  leave(place) {
    group.places.delete(place);
    if (group.places.size === 0) finish(group, {});
    else void pump(group);
  },
  pump: () => void pump(group),
});

function finish(group: Running, end: End): void {
  if (group.ended) return;
  group.ended = true;
  clearTimeout(group.patience);
  group.upstream.close();
  group.options.onEnd();
  for (const place of group.places) {
    place.end = end;
    place.wake?.();
  }
  group.places.clear();
}

/** Pulls events while a client waits for one and none is too far behind. */
async function pump(group: Running): Promise<void> {
  if (group.pumping) return;
  group.pumping = true;
  try {
    while (!group.ended && [...group.places].some((place) => place.wake)) {
      if (group.options.kind?.kind !== 'states' && [...group.places].some(isFull)) {
        group.patience ??= setTimeout(detachSlow, patienceMs, group);
        break;
      }
      await handle(group, await group.upstream.next());
    }
  } catch (error) {
    finish(group, { error: error instanceof Error ? error : unavailable('The subscription was cut off.') });
  } finally {
    group.pumping = false;
  }
}

const isFull = (place: Place): boolean => place.queue.length >= maxQueued;

async function handle(group: Running, step: UpstreamStep): Promise<void> {
  const { kind, execute, count } = group.options;
  if ('end' in step) {
    const [first] = step.end ?? [];
    if (!step.end) finish(group, {});
    else if (group.begun) finish(group, { error: first ?? unavailable('The subscription was cut off.') });
    else finish(group, { refused: step.end });
    return;
  }
  group.begun = true;
  const { event, mark } = step;
  if (kind?.kind === 'states' && group.latest.size <= maxStates) group.latest.set(mark, event);
  for (const place of group.places) place.changed?.add(mark);
  const told = [...group.places].filter(({ after }) => after === null || typeof mark !== 'number' || mark > after);
  const result = await execute(event);
  count('executed');
  for (const place of told) if (group.places.has(place)) offer(group, place, { mark, result });
}

function offer(group: Running, place: Place, told: Told): void {
  const { kind, count } = group.options;
  const same = kind?.kind === 'states' ? place.queue.findIndex(({ mark }) => mark === told.mark) : -1;
  if (same >= 0) {
    place.queue.splice(same, 1);
    count('coalesced');
  }
  place.queue.push(told);
  place.wake?.();
}

/** The others have waited long enough: whose queue is full goes on alone. */
function detachSlow(group: Running): void {
  const { options, places } = group;
  group.patience = undefined;
  if (options.kind?.kind === 'journal' && !group.ended)
    for (const place of [...places].filter(isFull)) {
      const last = place.queue.at(-1)?.mark;
      if (typeof last !== 'number' || places.size === 1) continue;
      places.delete(place);
      options.count('detached');
      run({ ...options, startAfter: last, onEnd: () => undefined }, [place]);
    }
  void pump(group);
}

/** A client that comes later is told the states as the others know them. */
async function tellLatest(group: Running, place: Place): Promise<void> {
  const changed = new Set<number | string | null>();
  place.changed = changed;
  for (const [mark, event] of [...group.latest]) {
    if (changed.has(mark)) continue;
    const result = await group.options.execute(event);
    group.options.count('executed');
    if (group.places.has(place) && !changed.has(mark)) offer(group, place, { mark, result });
  }
  place.changed = undefined;
}

function memberOf(place: Place, count: GroupOptions['count']): Member {
  let left = false;
  return {
    async next() {
      for (;;) {
        const queued = place.queue.shift();
        if (queued) {
          count('delivered');
          // The others may wait for this.
          place.home.pump();
          return queued.result;
        }
        if (left) return undefined;
        if (place.end) {
          const { refused, error } = place.end;
          left = true;
          if (error) throw error;
          return refused && { errors: refused };
        }
        const woken = new Promise<void>((resolve) => {
          place.wake = () => {
            place.wake = undefined;
            resolve();
          };
        });
        place.home.pump();
        await woken;
      }
    },
    leave() {
      if (left) return;
      left = true;
      place.queue.length = 0;
      place.wake?.();
      place.home.leave(place);
    },
  };
}
