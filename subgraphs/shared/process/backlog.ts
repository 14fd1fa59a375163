import { performance } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/** What waits somewhere, and what is in use: read when somebody looks. */
const gauges = {
  outbox_unpublished: { help: 'Events that wait to be published, counted up to 10,000', labelNames: ['service'] },
  outbox_oldest_unpublished_seconds: { help: 'Age of the oldest event that waits to be published', labelNames: ['service'] }, // prettier-ignore
  event_lag: { help: 'Events of a source that a service has not handled yet', labelNames: ['service', 'source'] },
  dead_letters: { help: 'Events that could not be handled and were not replayed', labelNames: ['service'] },
  sagas: { help: 'Sagas of placing that are not over, by state', labelNames: ['state'] },
  saga_oldest_seconds: { help: 'Age of the oldest saga that is not over, by state', labelNames: ['state'] },
  jobs_scheduled: {
    help: 'The next jobs, at most 100: waiting, overdue by 5 s, failed last time',
    labelNames: ['state'],
  },
  jobs_oldest_overdue_seconds: { help: 'How long the job has been due that is due longest', labelNames: [] },
  database_connections: { help: 'Connections of a pool: used, idle; and what waits for one', labelNames: ['service', 'state'] }, // prettier-ignore
} as const;

export type BacklogSample = {
  readonly name: keyof typeof gauges;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** The gauges of a process; its services add what they know of. */
export type Backlog = {
  /** `read` is asked at a scrape, at most every five seconds. Returns how to leave it out again. */
  watch(read: () => Promise<readonly BacklogSample[]>): () => void;
};

const freshMs = 5_000;

/** What can't be read, e.g. since the database is away, has no value meanwhile. */
export function openBacklog(registry: Registry): Backlog {
  const readers = new Set<() => Promise<readonly BacklogSample[]>>();
  let refreshing: Promise<void> | undefined;
  let atMs = -Infinity;
  const made = new Map(
    Object.entries(gauges).map(([name, { help, labelNames }]) => [
      name,
      new Gauge<string>({ name, help, labelNames: [...labelNames], registers: [registry], collect: refresh }),
    ]),
  );
  function refresh(): Promise<void> {
    if (!refreshing || performance.now() - atMs > freshMs) {
      atMs = performance.now();
      refreshing = read();
    }
    return refreshing;
  }
  async function read(): Promise<void> {
    const results = await Promise.allSettled([...readers].map((reader) => reader()));
    for (const gauge of made.values()) gauge.reset();
    for (const result of results)
      if (result.status === 'fulfilled')
        for (const { name, labels, value } of result.value) made.get(name)?.set(labels, value);
  }
  return {
    watch(reader) {
      readers.add(reader);
      atMs = -Infinity;
      return () => void readers.delete(reader);
    },
  };
}

/** Share of its time that the event loop worked since the last scrape, 0 to 1. */
export function showEventLoop(registry: Registry): Gauge {
  let last = performance.eventLoopUtilization();
  return new Gauge({
    name: 'event_loop_utilization',
    help: 'Share of its time that the event loop worked since the last scrape',
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization();
      this.set(performance.eventLoopUtilization(now, last).utilization);
      last = now;
    },
  });
}
