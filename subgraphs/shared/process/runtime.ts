import { type Answering, openAnswering } from '../answers/answering.ts';
import type { SubgraphLink } from '../calls/link.ts';
import type { SubgraphName } from '../values/subgraph-names.ts';
import { type Jobs, openJobs } from '../jobs/jobs.ts';
import { newId } from '../values/ids.ts';
import { openClock } from './clock.ts';
import { type Dependency, openDependency } from './dependency.ts';
import type { Env } from './env.ts';
import { type Live, openLive } from './live.ts';
import { type PlatformConfig, readPlatformConfig } from './platform-config.ts';
import { type Redis, openRedis } from './redis.ts';
import { type Address, openStartDoor } from './start-door.ts';
import { openTracing } from '../tracing/open-tracing.ts';
import {
  type Logger,
  type Metrics,
  type OperationLog,
  createLogger,
  createMetrics,
  openOperationLog,
} from './telemetry.ts';

/** What the services of one process share. */
export type Runtime = {
  readonly env: Env;
  readonly config: PlatformConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly operationLog: OperationLog | undefined;
  readonly redis: Redis;
  /** What this process knows of its two servers; the job store is known to `jobs`. */
  readonly dependencies: { readonly redis: Dependency; readonly database: Dependency };
  readonly live: Live;
  readonly jobs: Jobs;
  readonly answering: Answering;
  /** The time by the clock of Redis, where this process's own is wrong: it is compared with times of other processes. */
  readonly now: () => Date;
  readonly newId: typeof newId;
  /** How other subgraphs are reached; resolved when used, since in one process they are made one after the other. */
  readonly link: (name: SubgraphName) => SubgraphLink;
  /** To be called by who will answer at `address`, right before it listens there. */
  closeDoor(): void;
  close(): Promise<void>;
};

/**
 * Connects to Redis and the job store. `name` is the process's name in logs and job locks. A process that waits for its
 * servers for longer than usual says at its `address` meanwhile for whom.
 */
export async function openRuntime(
  env: Env,
  options: { name: string; link: (name: SubgraphName) => SubgraphLink; log?: Logger; address?: Address },
): Promise<Runtime> {
  const config = readPlatformConfig(env);
  const log = options.log ?? createLogger(options.name, config.logLevel);
  const tracing = await openTracing(env, { log });
  const metrics = createMetrics(tracing);
  const operationLog = openOperationLog(log, config.logOperations);
  const dependencies = {
    redis: openDependency({ name: 'redis', setting: 'REDIS_URL', log }),
    database: openDependency({ name: 'database', setting: 'MYSQL_URL', log }),
  };
  const { startWaitMs } = config;
  const { address } = options;
  const door = address && (await openStartDoor({ address, startWaitMs, dependencies: Object.values(dependencies) }));
  const redis = await openRedis(config.redisUrl, log, { dependency: dependencies.redis, startTimeoutMs: startWaitMs });
  const live = await openLive(redis, log);
  const clock = await openClock({ readSharedMs: () => timeOf(redis), log });
  const jobs = await openJobs({
    mongoUrl: config.mongoUrl,
    redisUrl: config.redisUrl,
    name: `${options.name}-${process.pid}`,
    prefix: config.prefix,
    live,
    log,
    metrics,
    operationLog,
  });
  return {
    env, config, log, metrics, operationLog, redis, dependencies, live, jobs, newId,
    answering: openAnswering(config.answerLimits),
    now: clock.now,
    link: options.link,
    closeDoor: () => door?.close(),
    async close() {
      await jobs.stop();
      await clock.close();
      await live.close();
      await tracing?.close();
      if (redis.isOpen) redis.destroy();
    },
  }; // prettier-ignore
}

async function timeOf(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}
