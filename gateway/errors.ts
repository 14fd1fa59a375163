import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type ErrorCode, errorCodes, isCoercionError, isUnavailable } from '../subgraphs/shared/errors/errors.ts';
import type { Logger } from '../subgraphs/shared/process/telemetry.ts';

/** Codes that only the gateway gives, beside those of every service; `docs/errors.md` says what a client does. */
export const gatewayErrorCodes = [
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'DOCUMENT_NOT_TRUSTED',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'TOO_MANY_TOKENS',
  'TOO_MANY_OPERATIONS',
  'TOO_MANY_FIELDS',
  'TOO_DEEP',
  'TOO_MANY_ALIASES',
  'TOO_MANY_DIRECTIVES',
  'TOO_MANY_MUTATIONS',
  'TOO_MUCH_INTROSPECTION',
  'TOO_COSTLY',
  'TOO_MANY_SUBSCRIPTIONS',
  'INCOMPLETE_DATA',
  'PLANNING_FAILED',
  'DEFER_NOT_SUPPORTED',
  'OVERLOADED',
] as const;
export type GatewayErrorCode = (typeof gatewayErrorCodes)[number];

const knownCodes: ReadonlySet<unknown> = new Set<ErrorCode | GatewayErrorCode>([...errorCodes, ...gatewayErrorCodes]);

/**
 * Whether an answer (its errors as the client sees them) brings nothing because what it needs does not answer now: over
 * HTTP that is a 503, which says when to try again. With any data beside the errors it is an answer like others.
 */
export function isUnavailableAnswer({ data, errors = [] }: PresentedAnswer): boolean {
  const codes = errors.map(({ extensions }) => extensions?.['code']);
  const isEmpty = !data || Object.values(data).every((value) => value === null);
  return isEmpty && codes.includes('SERVICE_UNAVAILABLE') && codes.every((code) => notNowCodes.has(code));
}
type PresentedAnswer = {
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
  readonly errors?: readonly GraphQLFormattedError[] | undefined;
};
/** What comes of a service that does not answer: at its own fields, and at those that could not be asked without them. */
const notNowCodes: ReadonlySet<unknown> = new Set(['SERVICE_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INCOMPLETE_DATA']);

/** A refusal of the gateway: the request is at fault and the same one will be refused again. */
export const refusal = (code: GatewayErrorCode, message: string, status = 400): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status } } });

/** Ends the messages of graphql-js that name what a misspelt word could have been. */
const suggestion = /\s?Did you mean [^]*\?$/;

/** The error without what graphql-js guesses from the schema: for gateways that don't show it. */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(suggestion, '');
  if (message === error.message) return error;
  const { nodes, source, positions, path, originalError, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions });
}

/** Marks the extensions of an error whose code a subgraph of a team's own gave it: clients see it, known here or not. */
export const presentedBySubgraph: unique symbol = Symbol('presented by subgraph');

/** Whom to tell about what the client must not see, and the trace id that ties both together. */
export type ErrorReport = { readonly log: Logger; readonly traceId: string };

/**
 * An error as the client sees it: known codes as they are with the trace id, everything else logged and masked.
 * What a subgraph answered was already masked there.
 */
export function presentError(error: unknown, report: ErrorReport): GraphQLFormattedError {
  const { log, traceId } = report;
  const place = error instanceof GraphQLError ? placeOf(error) : {};
  const show = (message: string, code: string): GraphQLFormattedError => ({
    message,
    ...place,
    extensions: { code, traceId },
  });
  if (error instanceof GraphQLError) {
    const code = codeOf(error);
    // A subgraph's error was presented there; only known codes can come from one that is ours.
    if (knownCodes.has(code) || isPresented(error)) return show(error.message, code as string);
    if (isCoercionError(error)) return show(error.message, 'BAD_USER_INPUT');
  }
  if (isUnavailable(error)) {
    log.debug({ err: (error as Error).message, traceId }, 'a dependency is unavailable');
    return show("The service can't answer right now; try again.", 'SERVICE_UNAVAILABLE');
  }
  log.error({ err: error, traceId }, 'unexpected error');
  return show(`Something went wrong on our side; quote trace id ${traceId}.`, 'INTERNAL_SERVER_ERROR');
}

const isPresented = ({ extensions }: GraphQLError): boolean =>
  (extensions as { readonly [presentedBySubgraph]?: true })[presentedBySubgraph] === true;

/** The code that the error was made with: Apollo Server wraps the gateway's refusals into codes of its own. */
function codeOf(error: GraphQLError): unknown {
  const original = error.originalError instanceof GraphQLError ? error.originalError.extensions['code'] : undefined;
  return knownCodes.has(original) ? original : error.extensions['code'];
}

const placeOf = ({ path, locations }: GraphQLError): Pick<GraphQLFormattedError, 'path' | 'locations'> => ({
  ...(locations && { locations }),
  ...(path && { path }),
});
