import { type ExecutionResult, GraphQLError } from 'graphql';
import { RefusedError, errorCodes, isCoercionError, isUnavailable } from '../errors/errors.ts';
import type { Logger } from '../process/telemetry.ts';

const knownCodes = new Set<unknown>([...errorCodes, 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']);

/** Who answers, and the trace by which the log is found. */
export type PresentOptions = { readonly name: string; readonly log: Logger; readonly traceId: string };

/** A result as callers may see it. */
export const presentResult = (result: ExecutionResult, options: PresentOptions): ExecutionResult =>
  result.errors ? { ...result, errors: result.errors.map((error) => presentError(error, options)) } : result;

/** Known errors go out as they are; "not now" becomes SERVICE_UNAVAILABLE; all else is logged and masked. */
export function presentError(error: GraphQLError, options: PresentOptions): GraphQLError {
  const show = (message: string, code: unknown) =>
    new GraphQLError(message, { path: error.path ?? null, extensions: { code, traceId: options.traceId } });
  const cause = error.originalError ?? error;
  const code = error.extensions['code'];
  if (cause instanceof RefusedError)
    return show(cause.message, cause.refusals[0]?.code === 'NOT_FOUND' ? 'NOT_FOUND' : 'BAD_USER_INPUT');
  if (cause instanceof GraphQLError && knownCodes.has(code)) return show(error.message, code);
  if (isCoercionError(error)) return show(error.message, 'BAD_USER_INPUT');
  if (isUnavailable(cause)) {
    options.log.debug({ err: cause.message, traceId: options.traceId }, 'a dependency is unavailable');
    return show(`The ${options.name} service can't answer right now; try again.`, 'SERVICE_UNAVAILABLE');
  }
  options.log.error({ err: cause, traceId: options.traceId, path: error.path }, 'unexpected error');
  return show(`Something went wrong on our side; quote trace id ${options.traceId}.`, 'INTERNAL_SERVER_ERROR');
}
