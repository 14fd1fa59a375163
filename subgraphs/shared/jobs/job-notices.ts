import { EventEmitter } from 'node:events';
import type { JobStateNotification, NotificationChannel, NotificationChannelState } from 'agenda';
import type { Live } from '../process/live.ts';

const channel = 'jobs';
const dateKeys: ReadonlySet<string> = new Set(['timestamp', 'retryAt', 'lastRunAt', 'lastFinishedAt']);

/**
 * Tells every process what becomes of jobs, for the page that shows them, over our own live notices: they survive a Redis
 * that is away, whatever store the jobs are in. That a job is there needs no notice: stores are asked each half second.
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
  subscribe(): () => void {
    return () => undefined;
  }
  async publish(): Promise<void> {
    // see the class
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
