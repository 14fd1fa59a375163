import type { ErrorDetails } from './error-book.ts';
import { type ErrorPolicy, type JsonObject, type ResponsePath, type SubgraphResponse, isJsonObject } from './types.ts';

/** An error of a subgraph as clients see it, with the path that the subgraph gave. */
export type SubgraphError = ErrorDetails & { readonly path: ResponsePath | undefined };

/** A subgraph's answer after its form was checked. */
export type Answer = {
  /** Null when there is none; `errors` says why then. */
  readonly data: JsonObject | null;
  readonly errors: readonly SubgraphError[];
};

/** Shown for answers that don't keep to GraphQL. */
const unusable = (serviceName: string, what: string): string => `Subgraph "${serviceName}" ${what}.`;

/** Checks the form of what a subgraph answered. */
export function readAnswer(serviceName: string, response: SubgraphResponse, policy: ErrorPolicy): Answer {
  if (!isJsonObject(response))
    return failedAnswer(serviceName, 'answered something else than a GraphQL response', policy);
  const { data = null } = response;
  const errors = Array.isArray(response.errors)
    ? (response.errors as unknown[]).map((error) => readError(serviceName, error, policy))
    : [];
  if (data !== null && !isJsonObject(data)) return failedAnswer(serviceName, 'answered data that is no object', policy);
  if (data === null && errors.length === 0)
    return failedAnswer(serviceName, 'answered neither data nor errors', policy);
  return { data, errors };
}

/** An answer that could not be used. */
export function failedAnswer(serviceName: string, what: string, policy: ErrorPolicy): Answer {
  const extensions = { code: 'SERVICE_UNAVAILABLE' };
  return {
    data: null,
    errors: [{ ...policy({ serviceName, message: unusable(serviceName, what), extensions }), path: undefined }],
  };
}

/** The answer in place of one that never came. */
export function thrownAnswer(serviceName: string, thrown: unknown, policy: ErrorPolicy): Answer {
  const message = thrown instanceof Error ? thrown.message : unusable(serviceName, "can't be reached");
  const extensions = extensionsOf(thrown);
  const shown = policy({ serviceName, message, extensions, thrown });
  return {
    data: null,
    errors: [{ ...shown, path: undefined, ...(thrown instanceof Error && { originalError: thrown }) }],
  };
}

/** Reads one of the errors that a subgraph answered, whatever form it has. */
export function readError(serviceName: string, error: unknown, policy: ErrorPolicy): SubgraphError {
  const { message, path } = isJsonObject(error) ? error : {};
  const shown = policy({
    serviceName,
    message: typeof message === 'string' && message !== '' ? message : unusable(serviceName, 'answered an error'),
    extensions: extensionsOf(error),
  });
  return {
    ...shown,
    path: isPath(path) ? path : undefined,
    ...(error instanceof Error && { originalError: error }),
  };
}

function extensionsOf(error: unknown): Readonly<Record<string, unknown>> {
  const extensions: unknown = isJsonObject(error) ? error['extensions'] : undefined;
  return isJsonObject(extensions) ? extensions : {};
}

const isPath = (path: unknown): path is ResponsePath =>
  Array.isArray(path) && path.every((element) => typeof element === 'string' || typeof element === 'number');

/** Keeps what the subgraph said and adds who it was. */
export const keepExtensions: ErrorPolicy = ({ serviceName, message, extensions }) => ({
  message,
  extensions: { ...extensions, serviceName },
});
