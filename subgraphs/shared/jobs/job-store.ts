import type { AgendaBackend, JobRepository } from 'agenda';

/** A connected store of Agenda's jobs. Its driver connects again by itself, for as long as it takes. */
export type JobStore = {
  readonly backend: AgendaBackend;
  /** Rejects when the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

export type JobStoreOptions = {
  readonly mongoUrl: string | undefined;
  readonly redisUrl: string;
  readonly prefix: string;
  /** Told of every error of a connection; a driver would throw it out of reach or print it. */
  readonly onError: (error: Error) => void;
  /** Told of jobs that could not be handed back: their locks end by themselves. */
  readonly onLeft: (error: Error) => void;
};

/** How long a store may take to be connected to. */
export const connectTimeoutMs = 3_000;
/** A store that takes a command and does not answer it within this time is away. */
export const commandTimeoutMs = 2_500;

/** MongoDB when `mongoUrl` is set, else Redis. Rejects when it can't be reached now. Only the one in use is loaded. */
export async function connectJobStore(options: JobStoreOptions): Promise<JobStore> {
  const { mongoUrl } = options;
  const store =
    mongoUrl === undefined
      ? await (await import('./redis-job-store.ts')).connectRedisStore(options)
      : await (await import('./mongo-job-store.ts')).connectMongoStore(mongoUrl, options);
  return { ...store, backend: storeOnly(store.backend, options.onLeft) };
}

/**
 * What Agenda gets: a backend that is connected, without a channel of notices. Agenda's own for Redis emits errors that
 * nothing listens to, and leaves a connection behind at every try to connect (not reported upstream as of 2026-11); ours is
 * `JobNotices`.
 */
function storeOnly({ name, repository }: AgendaBackend, onLeft: (error: Error) => void): AgendaBackend {
  return {
    name,
    repository: withoutLooseEnds(repository, onLeft),
    ownsConnection: false,
    connect: async () => undefined,
    disconnect: async () => undefined,
  };
}

/** Agenda hands single jobs back without waiting for it: a failure would be an unhandled rejection (not reported upstream as of 2026-11). */
function withoutLooseEnds(repository: JobRepository, onLeft: (error: Error) => void): JobRepository {
  const unlockJob = repository.unlockJob.bind(repository);
  repository.unlockJob = (job) => unlockJob(job).catch(onLeft);
  return repository;
}
