import type { GraphQLFormattedError } from 'graphql';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';

/** Counts an operation of the gateway with its duration since `started` (milliseconds of `performance.now`) and result code. */
export function observe(
  metrics: Metrics,
  done: {
    operation: string;
    errors: readonly Pick<GraphQLFormattedError, 'extensions'>[] | undefined;
    started: number;
  },
): void {
  const first = done.errors?.[0];
  const given = first?.extensions?.['code'];
  const code = first ? (typeof given === 'string' ? given : 'INTERNAL_SERVER_ERROR') : 'OK';
  metrics.operationDuration.observe(
    { service: 'gateway', operation: done.operation, code },
    (performance.now() - done.started) / 1000,
  );
}
