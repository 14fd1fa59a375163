import { EventEmitter } from 'node:events';
import type { JobNotification, JobStateNotification, NotificationChannel, NotificationChannelState } from 'agenda';
import type { Live } from '../process/live.ts';

const channel = 'jobs';
const savedChannel = 'saved-jobs';
const dateKeys: ReadonlySet<string> = new Set(['timestamp', 'nextRunAt', 'retryAt', 'lastRunAt', 'lastFinishedAt']);

/**
 * Tells every process that a job was saved, and what becomes of it, for the page that shows them, over our own live notices:
 * they survive a Redis that is away, whatever store the jobs are in. A job whose notice was lost is found by asking the store.
 */
export class JobNotices extends EventEmitter implements NotificationChannel {
  readonly #live: Live;
  #state: NotificationChannelState = 'disconnected';

  constructor(live: Live) {
    super();
    this.#live = live;
  }
  get state(): NotificationChannelState {
    return this.#state;
  }
  async connect(): Promise<void> {
    this.#state = 'connected';
  }
  async disconnect(): Promise<void> {
    this.#state = 'disconnected';
  }
  subscribe(handler: (notification: JobNotification) => void | Promise<void>): () => void {
    return this.#live.listen(savedChannel, (message) => {
      if (message !== null) void handler(JSON.parse(message, reviveDate) as JobNotification);
    });
  }
  async publish(notification: JobNotification): Promise<void> {
    this.#live.publish(savedChannel, JSON.stringify(notification));
  }
  async publishState(notification: JobStateNotification): Promise<void> {
    this.#live.publish(channel, JSON.stringify(notification));
  }
  subscribeState(handler: (notification: JobStateNotification) => void | Promise<void>): () => void {
    return this.#live.listen(channel, (message) => {
      if (message !== null) void handler(JSON.parse(message, reviveDate) as JobStateNotification);
    });
  }
}

const reviveDate = (key: string, value: unknown): unknown =>
  dateKeys.has(key) && typeof value === 'string' ? new Date(value) : value;
