import { type Answer, readAnswer, thrownAnswer } from './answers.ts';
import type { ErrorBook } from './error-book.ts';
import type { SubgraphQuery } from './subgraph-query.ts';
import type { ErrorPolicy, JsonObject, ResponsePath, SubgraphFetch, SubgraphRequest } from './types.ts';

/** One execution under way. */
export type Run<Context> = {
  readonly fetch: SubgraphFetch<Context>;
  readonly policy: ErrorPolicy;
  readonly context: Context;
  /** As the client sent them: each subgraph coerces those that it uses. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** What was fetched so far. */
  readonly root: JsonObject;
  readonly book: ErrorBook;
  /** A path of fetched data as the client knows it. */
  readonly clientPath: (path: ResponsePath) => ResponsePath;
  /** Requests that have no answer yet, by what they ask. */
  readonly inFlight: Map<string, Promise<Answer>>;
  /** True when a mutation's answer is null already, so that its other mutations aren't begun. */
  isLost(): boolean;
};

/** A part of a plan. */
export type Step<Context> = (run: Run<Context>) => Promise<void>;

/** An answer, and whether another fetch has it too: its data must be copied then. */
export type AskedAnswer = { readonly answer: Answer; readonly isShared: boolean };

/**
 * Sends a request. With `canRepeat`, one that is equal to another that waits for its answer isn't sent: both get the
 * one answer.
 */
export async function ask<Context>(
  run: Run<Context>,
  query: SubgraphQuery,
  options: { representations: readonly string[] | null; canRepeat: boolean },
): Promise<AskedAnswer> {
  const { variables, context, inFlight } = run;
  const { representations } = options;
  const request = query.request({ variables, representations, context });
  if (!options.canRepeat) return { answer: await send(run, query.serviceName, request), isShared: false };
  const key = request.identity();
  const other = inFlight.get(key);
  if (other) return { answer: await other, isShared: true };
  const sent = send(run, query.serviceName, request);
  inFlight.set(key, sent);
  try {
    return { answer: await sent, isShared: false };
  } finally {
    inFlight.delete(key);
  }
}

async function send<Context>(
  { fetch, policy }: Run<Context>,
  serviceName: string,
  request: SubgraphRequest<Context>,
): Promise<Answer> {
  try {
    return readAnswer(serviceName, await fetch(serviceName, request), policy);
  } catch (error) {
    return thrownAnswer(serviceName, error, policy);
  }
}
