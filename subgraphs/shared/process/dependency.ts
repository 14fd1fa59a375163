import type { Logger } from './telemetry.ts';
import { isUnavailable } from '../errors/unavailable.ts';

/** One of those that use the same dependency: it is back when it is back for all of them. */
export type DependencyPart = {
  /** It did not answer. */
  away(error: Error): void;
  /** It answers. */
  back(): void;
};

/** A server that starts together with us may take this long. Who waits longer says in the log that it waits. */
export const usualStartTimeoutMs = 10_000;

/** What a process knows of a server that it needs. Says in the log once that it went, and once that it came. */
export type Dependency = {
  readonly name: string;
  part(): DependencyPart;
  /** Why it is away; null while it answers. */
  reason(): string | null;
};

/**
 * `name` is one of `redis`, `database`, `job store`, as the log and readiness say it; `setting` the variable to look at,
 * e.g. `REDIS_URL`.
 */
export function openDependency(options: { name: string; setting: string; log: Logger }): Dependency {
  const { name, setting, log } = options;
  const away = new Set<DependencyPart>();
  let reason: string | null = null;
  let sinceMs = 0;
  return {
    name,
    part() {
      const part: DependencyPart = {
        away(error) {
          away.add(part);
          const isNews = reason === null;
          reason = error.message;
          if (!isNews) return;
          sinceMs = performance.now();
          log.warn({ dependency: name, setting, err: error.message }, 'a dependency is away');
        },
        back() {
          away.delete(part);
          if (reason === null || away.size > 0) return;
          reason = null;
          log.warn({ dependency: name, awayMs: Math.round(performance.now() - sinceMs) }, 'a dependency is back');
        },
      };
      return part;
    },
    reason: () => reason,
  };
}

/** Says that something failed and was done without. That a dependency is away is said once, where it is watched. */
export function noteFailure(log: Logger, error: unknown, message: string, fields: object = {}): void {
  log[isUnavailable(error) ? 'debug' : 'warn']({ err: (error as Error).message, ...fields }, message);
}
