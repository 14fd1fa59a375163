/** JSON-like data as subgraphs answer it. */
export type JsonObject = { [key: string]: unknown };

/** The variables of an operation, by name, as its client sent them. */
export type Variables = Readonly<Record<string, unknown>>;

/** A position in an answer: response names and list indexes, from the root. */
export type ResponsePath = readonly (string | number)[];

/** One request to one subgraph. */
export type SubgraphRequest<Context> = {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly isMutation: boolean;
  /** Made when first read: over HTTP `body` is all that is needed. */
  readonly variables: Variables;
  /** What the caller of the executor passed along: who asks, deadlines, traces. */
  readonly context: Context;
  /** The request as the JSON text of GraphQL over HTTP. */
  body(): string;
};

/**
 * What a subgraph answered. Anything may be in it: the executor checks before it believes. The data becomes the
 * executor's own, which writes into it; a link that keeps answers must hand out copies.
 */
export type SubgraphResponse = {
  readonly data?: unknown;
  readonly errors?: unknown;
  readonly extensions?: unknown;
};

/** How the executor reaches subgraphs. A rejection is a subgraph that could not answer; the rest is still served. */
export type SubgraphFetch<Context> = (
  serviceName: string,
  request: SubgraphRequest<Context>,
) => Promise<SubgraphResponse>;

/** How an error of a subgraph (or the failure to reach it) is shown to the client. */
export type ErrorPolicy = (error: {
  readonly serviceName: string;
  readonly message: string;
  /** What the subgraph said in `extensions`; empty when it said nothing. */
  readonly extensions: Readonly<Record<string, unknown>>;
  /** What the link threw; absent for errors that the subgraph answered. */
  readonly thrown?: unknown;
}) => { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> };

/** True for JSON objects: neither null nor a list. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
