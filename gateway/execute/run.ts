import {
  type AnswerSize,
  answerTooLarge,
  checkSize,
  isAnswerTooLarge,
  notedSize,
} from '../../subgraphs/shared/answers/answer-size.ts';
import { type Answer, readAnswer, thrownAnswer } from './answers.ts';
import type { ErrorBook } from './error-book.ts';
import type { PlanPath } from './paths.ts';
import type { PlannedRequest, SubgraphQuery } from './subgraph-query.ts';
import type { Wanted } from './wanted.ts';
import type {
  ErrorPolicy,
  JsonObject,
  ResponsePath,
  SubgraphFetch,
  SubgraphRequest,
  SubgraphResponse,
} from './types.ts';

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
  /** What was fetched and copied so far. */
  readonly size: AnswerSize;
  /** A path of fetched data as the client knows it. */
  readonly clientPath: (path: ResponsePath) => ResponsePath;
  /** Requests without an answer yet that the plan may ask again; a handful, as chunks of one fetch differ. */
  readonly inFlight: { readonly request: PlannedRequest<Context>; readonly answer: Promise<Answer> }[];
  /**
   * True until an object below `root` is put at a second place too; but for objects that became one (`united`), which
   * only paths that end there meet.
   */
  isTree: boolean;
  /** Objects at paths of the plan, as long as no new ones are merged. */
  readonly objects: Map<string, readonly JsonObject[]>;
  /** The paths at which equal objects became one. */
  readonly united: Set<string>;
  /** What fetches ask about, until something is merged. */
  readonly groups: Map<string, WantedGroup>;
  /** True when a mutation's answer is null already, so that its other mutations aren't begun. */
  isLost(): boolean;
};

/** The entities that a fetch asks about, and the objects at its paths that it can't ask about. */
export type WantedGroup = { readonly wanted: readonly Wanted[]; readonly unasked: readonly JsonObject[] };

/** A part of a plan. */
export type Step<Context> = (run: Run<Context>) => Promise<void>;

/** The objects at a path, each once: fetches that run at the same time mostly wait at the same few paths. */
export function objectsAt<Context>(run: Run<Context>, path: PlanPath): readonly JsonObject[] {
  const { objects, united, root, isTree } = run;
  const { key } = path;
  const known = objects.get(key);
  if (known) return known;
  const isEachOnce = isTree && !united.has(key);
  const unite = isEachOnce && path.unite;
  const found = unite ? unite(root) : path.collect(root, isEachOnce);
  if (unite) united.add(key);
  const { limits } = run.size;
  if (found.length > limits.maxValues) throw answerTooLarge(limits);
  objects.set(key, found);
  return found;
}

/** To be called when objects are merged. */
export function noteNewObjects<Context>(run: Run<Context>, isAtSeveralPlaces: boolean): void {
  run.objects.clear();
  run.groups.clear();
  if (isAtSeveralPlaces) run.isTree = false;
}

/** An answer, and whether another fetch has it too: its data must be copied then. */
export type AskedAnswer = { readonly answer: Answer; readonly isShared: boolean };

/** Sends a request. */
export function ask<Context>(
  run: Run<Context>,
  query: SubgraphQuery,
  representations: readonly string[] | null,
): Promise<Answer> {
  return send(run, query.serviceName, query.request(run, representations));
}

/** The same, but a request that is equal to another that waits for its answer isn't sent: both get the one answer. */
export async function askOnce<Context>(
  run: Run<Context>,
  query: SubgraphQuery,
  representations: readonly string[] | null,
): Promise<AskedAnswer> {
  const request = query.request(run, representations);
  const { inFlight } = run;
  const other = inFlight.find((one) => one.request.isLike(request));
  if (other) return { answer: await other.answer, isShared: true };
  const sent = { request, answer: send(run, query.serviceName, request) };
  inFlight.push(sent);
  try {
    return { answer: await sent.answer, isShared: false };
  } finally {
    inFlight.splice(inFlight.indexOf(sent), 1);
  }
}

/** Chained by hand: an async function around each fetch shows in the cost of small operations. */
function send<Context>(
  { fetch, policy, size }: Run<Context>,
  serviceName: string,
  request: SubgraphRequest<Context>,
): Promise<Answer> {
  const read = (response: SubgraphResponse): Answer => {
    const answer = readAnswer(serviceName, response, policy);
    // What is too large for a subgraph is so for the answer that it would be a part of.
    if (answer.errors.length > 0 && answer.errors.some(isAnswerTooLarge)) throw answerTooLarge(size.limits);
    if (answer.data) {
      size.bytes += notedSize(response);
      checkSize(size);
    }
    return answer;
  };
  const failed = (error: unknown): Answer => thrownAnswer(serviceName, error, policy);
  try {
    return fetch(serviceName, request).then(read, failed);
  } catch (error) {
    return Promise.resolve(failed(error));
  }
}
