import { GraphQLError, Kind } from 'graphql';

export { isUnavailable } from './unavailable.ts';

/** Codes of errors in the `errors` list of a GraphQL answer. `DOWNSTREAM` ones are the gateway's. */
export const errorCodes = [
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'SERVICE_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'TOO_MANY_REQUESTS',
  'ANSWER_TOO_LARGE',
  'UNAUTHORISED_CALLER',
  'BRANCH_COMPENSATED',
  'INTERNAL_SERVER_ERROR',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/**
 * An expected refusal: data for a payload's `userErrors`, in the shape of its GraphQL type.
 * `__typename` names the member of the union; further fields are that type's own.
 */
export type Refusal = {
  readonly __typename: string;
  readonly code: string;
  readonly message: string;
  readonly path?: readonly string[] | undefined;
  readonly [field: string]: unknown;
};

/** Carries a refusal out of a transaction, which it thereby rolls back. `orRefusals` turns it back into data. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly refusals: readonly Refusal[];
  constructor(...refusals: Refusal[]) {
    super(refusals.map((refusal) => refusal.message).join('; '));
    this.refusals = refusals;
  }
}

/** Input that breaks a rule; `path` points into the arguments, e.g. `['input', 'lines', '0', 'quantity']`. */
export const validationError = (message: string, path?: readonly string[]) =>
  ({ __typename: 'ValidationError', code: 'VALIDATION', message, path }) satisfies Refusal;

/** The thing does not exist, or the caller may not know that it does. */
export const notFoundError = (message: string, id?: string, path?: readonly string[]) =>
  ({ __typename: 'NotFoundError', code: 'NOT_FOUND', message, id, path }) satisfies Refusal;

/** The caller is known and may not do this. */
export const forbiddenError = (message: string) =>
  ({ __typename: 'ForbiddenError', code: 'FORBIDDEN', message }) satisfies Refusal;

/** Somebody else changed the thing first: read it again and decide again. */
export const conflictError = (message: string, versions?: { expectedVersion: number; actualVersion: number }) =>
  ({ __typename: 'ConflictError', code: 'CONFLICT', message, ...versions }) satisfies Refusal;

/** The key was used with other input (`retryable: false`), or its first use is still running (`retryable: true`). */
export const idempotencyConflictError = (retryable: boolean) =>
  ({
    __typename: 'IdempotencyConflictError',
    code: 'IDEMPOTENCY_CONFLICT',
    message: retryable
      ? 'A request with this idempotency key is still running; send the same request again in a moment.'
      : 'This idempotency key was already used with other input; use a new key for a new request.',
    retryable,
  }) satisfies Refusal;

/** Runs `work`; a `RefusedError` becomes `onRefusal(refusals)`, every other error goes on. */
export async function orRefusals<T, R>(
  work: () => Promise<T>,
  onRefusal: (refusals: readonly Refusal[]) => R,
): Promise<T | R> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RefusedError) return onRefusal(error.refusals);
    throw error;
  }
}

const graphQLError =
  (code: ErrorCode, status: number, headers: Readonly<Record<string, string>> = {}) =>
  (message: string) =>
    new GraphQLError(message, { extensions: { code, http: { status, headers: new Map(Object.entries(headers)) } } });

/** After this many seconds it is worth trying again: a dependency that is back is used within one or two. */
export const retryAfterSeconds = 1;

/** Nobody is signed in, or the token is no longer good. */
export const unauthenticated = graphQLError('UNAUTHENTICATED', 401);
/** The caller may not see or do this. For queries and references; mutations answer with `forbiddenError`. */
export const forbidden = graphQLError('FORBIDDEN', 403);
/** A query by id or number found nothing that the caller may see. */
export const notFound = graphQLError('NOT_FOUND', 200);
/** An argument of a query breaks a rule, e.g. `first` above 100. */
export const badUserInput = graphQLError('BAD_USER_INPUT', 400);
/** A saga's step came after its own compensation (see barrier.ts): it did nothing, and never will. */
export const branchCompensated = graphQLError('BRANCH_COMPENSATED', 409);
/** A database or Redis does not answer; the same request may be sent again. */
export const unavailable = graphQLError('SERVICE_UNAVAILABLE', 503, { 'retry-after': String(retryAfterSeconds) });
/** There was no answer in time: whether a mutation was done is not known. The same request may be sent again. */
export const deadlineExceeded = graphQLError('DEADLINE_EXCEEDED', 504);
/** The caller, or everybody together, asks for more than is allowed just now; the same request may be sent again later. */
export const tooManyRequests = graphQLError('TOO_MANY_REQUESTS', 429);
/** The caller shows no app and token that this service accepts (`rpc:auth:<service>`). */
export const unauthorisedCaller = graphQLError('UNAUTHORISED_CALLER', 401);

/** What in a document holds a client's values: arguments of fields and directives, and variables. */
const valueKinds: ReadonlySet<string> = new Set([
  Kind.VARIABLE_DEFINITION, Kind.VARIABLE, Kind.INT, Kind.FLOAT, Kind.STRING, Kind.BOOLEAN, Kind.NULL, Kind.ENUM,
  Kind.LIST, Kind.OBJECT, Kind.OBJECT_FIELD, Kind.ARGUMENT,
]); // prettier-ignore

/**
 * Whether graphql-js raised the error because it could not coerce what the client gave: variables before it executes, arguments while
 * it does. It gives them no code; those that it raises about what a resolver answered point at a field, or at nothing.
 */
export function isCoercionError(error: GraphQLError): boolean {
  const { originalError: cause = error } = error;
  if (!(cause instanceof GraphQLError) || error.extensions['code'] !== undefined || 'code' in cause.extensions)
    return false;
  if (error.path === undefined) return true;
  return cause.nodes !== undefined && cause.nodes.length > 0 && cause.nodes.every(({ kind }) => valueKinds.has(kind));
}

/** True for MySQL's and MariaDB's duplicate-key error (1062). */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && (error as { errno?: number }).errno === 1062;
}
