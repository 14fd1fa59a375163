import type { FetchNode } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';
import { addValue } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Answer } from './answers.ts';
import type { ErrorDetails, Failure } from './error-book.ts';
import { type Merge, copyOf } from './merge.ts';
import { getOwn } from './own.ts';
import type { PlanPath } from './paths.ts';
import { compileRewrites, renamedKeys } from './rewrites.ts';
import { type Run, type Step, ask, askOnce, noteNewObjects, objectsAt } from './run.ts';
import type { SubgraphQuery } from './subgraph-query.ts';
import { type JsonObject, type ResponsePath, isJsonObject } from './types.ts';

export type RootFetchOptions = {
  /** The supergraph's schema, all types that subgraphs know. */
  readonly schema: GraphQLSchema;
  readonly merge: Merge;
  readonly node: FetchNode;
  readonly query: SubgraphQuery;
  readonly path: PlanPath;
};

/** Takes an answer of a fetch without representations for what the fetch was to bring. A shared one isn't changed. */
export type TakeAnswer = <Context>(run: Run<Context>, answer: Answer, isShared: boolean) => void;

/** A fetch of root fields, at the root or where a field leads back to it. `canRepeat`: the plan asks the same elsewhere. */
export function compileRootFetch<Context>(options: RootFetchOptions & { readonly canRepeat: boolean }): Step<Context> {
  const { query, path, canRepeat } = options;
  const take = compileTakeAnswer(options);
  return async (run) => {
    if (objectsAt(run, path).length === 0) return;
    if (!canRepeat) return take(run, await ask(run, query, null), false);
    const { answer, isShared } = await askOnce(run, query, null);
    take(run, answer, isShared);
  };
}

export function compileTakeAnswer({ schema, merge, node, query: { keys }, path }: RootFetchOptions): TakeAnswer {
  const rewrite = compileRewrites(schema, node.outputRewrites);
  const renamed = renamedKeys(node.outputRewrites);
  return (run, answer, isShared) => {
    const objects = objectsAt(run, path);
    if (isShared && answer.data) addValue(run.size, answer.data);
    const data = isShared ? copyOf(answer.data) : answer.data;
    if (answer.errors.length > 0)
      noteErrors(run, { ...answer, data: isJsonObject(data) ? data : null }, { keys, renamed, objects, places: path.locate(run.root, run.size.limits) }); // prettier-ignore
    if (!answer.data) return;
    rewrite?.(data);
    noteNewObjects(run, objects.length > 1);
    if (isJsonObject(data)) for (const object of objects) merge(object, data, { copy: false });
  };
}

type ErrorPlaces = {
  readonly keys: ReadonlySet<string>;
  readonly renamed: ReadonlyMap<string, string>;
  readonly objects: readonly JsonObject[];
  readonly places: ReadonlyMap<JsonObject, readonly ResponsePath[]>;
};

/**
 * An error with a path is one at each place. Without data, whatever else the fetch was to bring is missing because of
 * the first error (one without a path if there is such).
 */
function noteErrors<Context>(run: Run<Context>, answer: Answer, { keys, renamed, objects, places }: ErrorPlaces): void {
  const { book } = run;
  const cause = answer.data ? undefined : (answer.errors.find(({ path }) => !path?.length) ?? answer.errors[0]);
  const all = [...places.values()].flat().map((path) => run.clientPath(path));
  const only = all.length === 1 ? all[0] : undefined;
  for (const error of answer.errors) {
    if (error.path?.length) {
      const rest = run.clientPath(renamePath(error.path, renamed));
      const failure = noteNull(run, { data: answer.data, path: error.path, renamed, error });
      for (const place of all) book.add(error, [...place, ...rest], failure);
    } else if (error !== cause) {
      book.add(error, only?.length ? only : undefined);
    }
  }
  if (!cause) return;
  const failure: Failure = { ...cause, keys, path: only, isKnown: Boolean(cause.path?.length) };
  for (const object of objects) book.fail(object, failure);
}

/**
 * Notes an error at the object whose field it made null: something else may require that field, and be missing for the
 * same reason.
 */
export function noteNull<Context>(
  { book }: Run<Context>,
  { data, path, renamed, error }: { data: unknown; path: ResponsePath; renamed: ReadonlyMap<string, string>; error: ErrorDetails }, // prettier-ignore
): Failure | undefined {
  let around: JsonObject | undefined;
  let name = '';
  let value = data;
  for (const element of path) {
    if (typeof element === 'number') {
      value = Array.isArray(value) ? value[element] : undefined;
      around = undefined;
    } else {
      around = isJsonObject(value) ? value : undefined;
      name = renamed.get(element) ?? element;
      value = around && getOwn(around, element);
    }
    if (value === null || value === undefined) break;
  }
  if (!around || value !== null) return undefined;
  const failure: Failure = { ...error, keys: new Set([name]), path: undefined, isKnown: true };
  book.fail(around, failure);
  return failure;
}

/** Response names in place of the planner's aliases. */
export const renamePath = (path: ResponsePath, renamed: ReadonlyMap<string, string>): ResponsePath =>
  renamed.size === 0
    ? path
    : path.map((element) => (typeof element === 'string' ? (renamed.get(element) ?? element) : element));
