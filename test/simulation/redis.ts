import type { Redis } from '../../subgraphs/shared/process/redis.ts';
import { type Process, NotYet, type Scheduler } from './schedule.ts';

type Entry = { readonly id: string; readonly message: Record<string, string> };
type Group = { /** How many entries were delivered. */ position: number; readonly pending: Map<string, string> };
/**
 * Blocking reads last longer than they ask for, since idle turns cost as much as those that work: within a lease where a
 * stream is used, and beyond it where nothing has come so far, so that its reader is one that has lost its lease.
 */
const idle = 3;
const unusedIdle = 15;
/** What is read: `>` is what nobody was given. */
type Position = { readonly key: string; readonly id: string };
type Stream = { entries: Entry[]; readonly groups: Map<string, Group>; readonly readers: Set<() => void> };

/** Redis in memory, as far as relay and consumers use it: streams with groups, keys that end, and their scripts. */
export class RedisServer {
  readonly #scheduler: Scheduler;
  /** Whose timers end what blocks. */
  readonly #clock: Process;
  #streams = new Map<string, Stream>();
  #keys = new Map<string, { value: string; endsMs: number }>();
  #lives = 1;
  #lastId = 0;

  constructor(scheduler: Scheduler, clock: Process) {
    this.#scheduler = scheduler;
    this.#clock = clock;
  }

  /** It has nothing of what it had: emptied, or restarted so. */
  lose(how: 'emptied' | 'restarted'): void {
    this.#keys = new Map();
    if (how === 'restarted') this.#lives += 1;
    const readers = [...this.#streams.values()].flatMap((stream) => [...stream.readers]);
    this.#streams = new Map();
    for (const wake of readers) wake();
  }

  /** True when the relays of these services know that this Redis has lost what it had, if it has. */
  isKnownTo(services: readonly string[]): boolean {
    return services.every((service) => this.#get(`events:${service}:marker`)?.startsWith(`run${this.#lives} `));
  }

  /** Entries of a service's streams that a group has not acknowledged, or that it does not exist for yet. */
  unhandled(group: string, source: string): number {
    let count = 0;
    for (const [name, { groups, entries }] of this.#streams) {
      if (!name.startsWith(`events:${source}:`)) continue;
      const found = groups.get(group);
      count += found ? found.pending.size + entries.length - found.position : entries.length;
    }
    return count;
  }

  /** A connection of a process. */
  connect(process: Process): Redis {
    const command = <T>(name: string, run: () => T): Promise<T> =>
      this.#scheduler.step(process, `redis ${name}`, run, () => undefined);
    const client = {
      isOpen: true,
      on: () => client,
      duplicate: () => this.connect(process),
      connect: () => Promise.resolve(client),
      destroy: () => undefined,
      eval: (script: string, { keys, arguments: given }: { keys: string[]; arguments: string[] }) =>
        command(`eval ${keys[0]}`, () => this.#evaluate(script, keys, given)),
      set: (key: string, value: string) => command('set', () => this.#set(key, value)),
      multi: () => {
        const added: [string, Record<string, string>][] = [];
        const batch = {
          xAdd(stream: string, _: '*', message: Record<string, string>) {
            added.push([stream, message]);
            return batch;
          },
          exec: () =>
            command(`exec ${added.map(([stream]) => stream).join(' ')}`, () =>
              added.map(([stream, message]) => this.#add(stream, message)),
            ),
        };
        return batch;
      },
      exists: () => command('exists', () => 0),
      xGroupCreate: (stream: string, group: string) =>
        command(`xgroup create ${stream} ${group}`, () => {
          const { groups } = this.#stream(stream);
          if (groups.has(group)) throw new Error('BUSYGROUP Consumer Group name already exists');
          groups.set(group, { position: 0, pending: new Map() });
        }),
      xAutoClaim: (stream: string, group: string, consumer: string) =>
        command(`xautoclaim ${stream} ${group}`, () => {
          const { pending } = this.#group(stream, group);
          for (const id of pending.keys()) pending.set(id, consumer);
          return { nextId: '0-0', messages: [], deletedMessages: [] };
        }),
      xReadGroup: (group: string, consumer: string, from: Position[], options: { BLOCK?: number }) =>
        this.#read(process, { group, consumer, from, blockMs: options.BLOCK }),
      xAck: (stream: string, group: string, ids: string | string[]) =>
        command(
          `xack ${stream} ${group}`,
          () => [ids].flat().filter((id) => this.#group(stream, group).pending.delete(id)).length,
        ),
    };
    return client as unknown as Redis;
  }

  #read(
    process: Process,
    read: { group: string; consumer: string; from: readonly Position[]; blockMs: number | undefined },
  ) {
    const { group, consumer, from } = read;
    let isOver = read.blockMs === undefined;
    return this.#scheduler.step(
      process,
      `redis xreadgroup ${group} ${from.map(({ key, id }) => `${key} ${id}`).join(' ')}`,
      () => {
        const replies = from.flatMap(({ key, id }) => {
          const { entries } = this.#stream(key);
          const found = this.#group(key, group);
          if (id !== '>')
            return [{ name: key, messages: entries.filter((entry) => found.pending.get(entry.id) === consumer) }];
          const fresh = entries.slice(found.position);
          found.position = entries.length;
          for (const entry of fresh) found.pending.set(entry.id, consumer);
          return fresh.length === 0 ? [] : [{ name: key, messages: fresh }];
        });
        if (replies.length > 0 || isOver) return replies.length > 0 ? replies : null;
        const streams = from.map(({ key }) => this.#stream(key));
        const isUsed = streams.some(({ entries }) => entries.length > 0);
        return new NotYet((retry) => {
          let isWoken = false;
          const wake = (): void => {
            // By an entry or by the timer, whichever comes first.
            if (isWoken) return;
            isWoken = true;
            for (const { readers } of streams) readers.delete(wake);
            stopTimer();
            retry();
          };
          for (const { readers } of streams) readers.add(wake);
          const stopTimer = this.#scheduler.after(
            this.#clock,
            (isUsed ? idle : unusedIdle) * (read.blockMs ?? 0),
            () => {
              isOver = true;
              wake();
            },
          );
        });
      },
      () => undefined,
    );
  }

  #stream(name: string): Stream {
    let stream = this.#streams.get(name);
    if (!stream) this.#streams.set(name, (stream = { entries: [], groups: new Map(), readers: new Set() }));
    return stream;
  }

  #group(stream: string, name: string): Group {
    const group = this.#stream(stream).groups.get(name);
    if (!group) throw new Error(`NOGROUP No such key '${stream}' or consumer group '${name}'`);
    return group;
  }

  #add(name: string, message: Record<string, string>): string {
    const stream = this.#stream(name);
    const id = `${(this.#lastId += 1)}-0`;
    stream.entries.push({ id, message });
    for (const wake of [...stream.readers]) wake();
    return id;
  }

  #get(key: string): string | null {
    const found = this.#keys.get(key);
    return found && found.endsMs > this.#scheduler.nowMs ? found.value : null;
  }

  #set(key: string, value: string, lastsMs = Number.POSITIVE_INFINITY): void {
    this.#keys.set(key, { value, endsMs: this.#scheduler.nowMs + lastsMs });
  }

  /** The platform's scripts, told apart by what they do. */
  #evaluate(script: string, keys: readonly string[], given: readonly string[]): unknown {
    const [first = '', second = '', third = ''] = given;
    if (script.startsWith('local taken')) return keys.map((key) => this.#take(key, first, Number(second)));
    const [key = ''] = keys;
    const value = this.#get(key);
    if (script.includes('run_id')) {
      const run = `run${this.#lives}`;
      if (value?.startsWith(`${run} `) !== true) {
        const since = value?.split(' ')[1] ?? '';
        if (second !== '' && (value?.startsWith('lost ') !== true || value === third))
          this.#set(key, `lost ${since} ${second}`);
        return [run, since, this.#get(key) ?? ''];
      }
      if (first !== '') this.#set(key, `${run} ${first}`);
      return [run];
    }
    if (script.startsWith("if redis.call('get', KEYS[1]) ~= ARGV[1]")) {
      if (value !== first) return 0;
      this.#set(key, second);
      return 1;
    }
    if (script.includes("'del'")) {
      for (const held of keys) if (this.#get(held) === first) this.#keys.delete(held);
      return null;
    }
    if (script.includes("'xinfo'")) {
      const { entries, groups } = this.#stream(key);
      const told = [...groups].map(([name, { position, pending }]) => [name, entries[position - 1]?.id ?? '0-0', [...pending.keys()][0] ?? '']); // prettier-ignore
      return [entries.at(-1)?.id ?? '0-0', ...told.flat()];
    }
    throw new Error(`the simulation's Redis does not know the script ${script}`);
  }

  /** A lease: 1 where `owner` has it now. */
  #take(key: string, owner: string, lastsMs: number): number {
    const holder = this.#get(key);
    if (holder !== null && holder !== owner) return 0;
    this.#set(key, owner, lastsMs);
    return 1;
  }
}
