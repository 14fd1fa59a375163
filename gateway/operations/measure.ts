import type { DocumentNode, GraphQLFormattedError, OperationDefinitionNode } from 'graphql';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { fragmentsOf, rootFields } from '../documents/limits.ts';

/** How metrics name an operation: by its kind and first root field, of which there are only so many. */
export function operationLabel(
  operation: OperationDefinitionNode | null | undefined,
  document: DocumentNode | undefined,
): string {
  if (!operation || !document) return 'invalid';
  const [first, second] = rootFields(operation.selectionSet, fragmentsOf(document), 2);
  return `${operation.operation} ${first?.name ?? 'nothing'}${second ? ' …' : ''}`;
}

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
