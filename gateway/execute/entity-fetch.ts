import type { FetchNode } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';
import { type Answer, type SubgraphError, failedAnswer } from './answers.ts';
import { addValue } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Failure } from './error-book.ts';
import { executeLimits } from './limits.ts';
import { type Merge, compileLeafMerge } from './merge.ts';
import type { PlanPath } from './paths.ts';
import { type Representations, compileRepresentations, missingFields } from './representations.ts';
import { type Rewrite, compileRewrites, renamedKeys } from './rewrites.ts';
import { noteNull, renamePath } from './root-fetch.ts';
import { type Run, type Step, type WantedGroup, ask, askOnce, noteNewObjects, objectsAt } from './run.ts';
import type { SubgraphQuery } from './subgraph-query.ts';
import { type JsonObject, type ResponsePath, isJsonObject } from './types.ts';
import { type Wanted, openWanted } from './wanted.ts';

export type EntityFetchOptions = {
  /** The supergraph's schema, all types that subgraphs know. */
  readonly schema: GraphQLSchema;
  readonly merge: Merge;
  readonly generateCode: boolean;
  readonly node: FetchNode & { readonly requires: NonNullable<FetchNode['requires']> };
  readonly query: SubgraphQuery;
  /** Where the entities are: several paths for several fetches of the plan that ask the same at once. */
  readonly paths: readonly PlanPath[];
  /** True when the plan asks the same at another point. */
  readonly canRepeat: boolean;
};

type EntityFetch = Omit<EntityFetchOptions, 'schema'> & {
  /** Equal for fetches whose entities and representations are the same. */
  readonly groupKey: string;
  readonly representations: Representations;
  readonly rewrite: Rewrite | undefined;
  readonly renamed: ReadonlyMap<string, string>;
};

/**
 * A fetch of fields of entities by their representations: each representation once whatever number of places waits for
 * it, in requests of at most `executeLimits.representations` that are sent at once.
 */
export function compileEntityFetch<Context>(options: EntityFetchOptions): Step<Context> {
  const { schema, node, query, generateCode } = options;
  const isPlain = !query.isNested && !node.outputRewrites?.length;
  const fetch: EntityFetch = {
    ...options,
    groupKey: JSON.stringify([options.paths.map(({ key }) => key), node.requires, node.inputRewrites]),
    merge: isPlain ? compileLeafMerge(options.merge, query.keys, generateCode) : options.merge,
    representations: compileRepresentations(schema, node, generateCode),
    rewrite: compileRewrites(schema, node.outputRewrites),
    renamed: renamedKeys(node.outputRewrites),
  };
  return async (run) => {
    const wanted = wantedOf(fetch, run);
    if (wanted.length === 0) return;
    if (wanted.length <= executeLimits.representations) return askFor(fetch, run, wanted);
    const chunks: Promise<void>[] = [];
    for (let start = 0; start < wanted.length; start += executeLimits.representations)
      chunks.push(askFor(fetch, run, wanted.slice(start, start + executeLimits.representations)));
    await Promise.all(chunks);
  };
}

/** Fetches that begin at the same time often wait at the same paths, and ask about the same entities. */
function wantedOf<Context>(fetch: EntityFetch, run: Run<Context>): readonly Wanted[] {
  let group = run.groups.get(fetch.groupKey);
  if (!group) run.groups.set(fetch.groupKey, (group = collectWanted(fetch, run)));
  if (!run.book.isEmpty())
    for (const { objects } of group.wanted) for (const object of objects) passFailureOn(fetch, run, object);
  for (const object of group.unasked)
    if (!passFailureOn(fetch, run, object)) run.book.fail(object, lacking(fetch, object));
  return group.wanted;
}

function collectWanted<Context>({ representations, paths }: EntityFetch, run: Run<Context>): WantedGroup {
  const { book } = run;
  const hasFailed = book.isEmpty() ? null : (object: JsonObject, name: string) => Boolean(book.failureOf(object, name));
  const wanted = openWanted(representations, { hasSeveralPaths: paths.length > 1, hasFailed });
  paths.forEach((path, pathIndex) => {
    for (const object of objectsAt(run, path)) wanted.add(object, pathIndex);
  });
  return { wanted: wanted.all, unasked: wanted.unasked };
}

/**
 * Where what is required of an entity failed, its fields are missing for the same reason: all of them when it can't be
 * asked about, and those that the subgraph answers null without a word. False when nothing failed.
 */
function passFailureOn<Context>({ node, query }: EntityFetch, { book }: Run<Context>, object: JsonObject): boolean {
  for (const missing of missingFields(object, node.requires)) {
    const cause = book.failureOf(missing.object, missing.name);
    if (!cause) continue;
    book.fail(object, { ...cause, keys: query.keys, isKnown: true, origin: cause.origin ?? cause });
    return true;
  }
  return false;
}

/** No subgraph failed, but none knows what this one needs, in a place that must not be null. */
const lacking = ({ query }: EntityFetch, object: JsonObject): Failure => ({
  message: `Subgraph "${query.serviceName}" can't be asked about a ${String(object['__typename'])} of which no subgraph knows all that it requires.`,
  extensions: { code: 'INCOMPLETE_DATA' },
  keys: query.keys,
  path: undefined,
  isKnown: true,
});

async function askFor<Context>(fetch: EntityFetch, run: Run<Context>, wanted: readonly Wanted[]): Promise<void> {
  const { query, canRepeat } = fetch;
  const representations = wanted.map(({ text }) => text);
  const asked = canRepeat
    ? await askOnce(run, query, representations)
    : { answer: await ask(run, query, representations), isShared: false };
  const answer = checkCount(query.serviceName, asked.answer, run, wanted.length);
  const entities = answer.data?.['_entities'] as readonly unknown[] | undefined;
  if (answer.errors.length > 0) noteErrors(fetch, run, { answer, entities, wanted });
  if (!entities) return;
  run.groups.clear();
  if (query.isNested)
    noteNewObjects(
      run,
      wanted.some(({ objects }) => objects.length > 1),
    );
  for (let index = 0; index < wanted.length; index++) {
    const entity = entities[index];
    if (!isJsonObject(entity)) continue;
    const { objects, pathIndexes } = wanted[index] as Wanted;
    if (fetch.rewrite) rewriteEntity(fetch.rewrite, entity, objects[0]);
    for (let nth = 0; nth < objects.length; nth++) {
      // At another path response names below the entity may stand for other arguments: nothing is shared across paths.
      const isElsewhere = pathIndexes !== null && pathIndexes[nth] !== pathIndexes[0];
      const isCopied = asked.isShared || isElsewhere;
      if (isCopied) addValue(run.size, entity);
      fetch.merge(objects[nth] as JsonObject, entity, isCopied ? copies : asItIs);
    }
  }
}

const copies = { copy: true } as const;
const asItIs = { copy: false } as const;

/** Rewrites are for types: an entity without a name is of the type that it was asked for as. */
function rewriteEntity(rewrite: Rewrite, entity: JsonObject, object: JsonObject | undefined): void {
  if (entity['__typename'] === undefined && object) entity['__typename'] = object['__typename'];
  rewrite(entity);
}

/** As many entities as representations, or none at all can be told apart. */
function checkCount<Context>(serviceName: string, answer: Answer, run: Run<Context>, count: number): Answer {
  if (!answer.data) return answer;
  const entities = answer.data['_entities'];
  if (Array.isArray(entities) && entities.length === count) return answer;
  if ((entities === null || entities === undefined) && answer.errors.length > 0) return { ...answer, data: null };
  const what = Array.isArray(entities)
    ? `answered ${entities.length} entities where ${count} were asked for`
    : 'answered no list of entities';
  const failed = failedAnswer(serviceName, what, run.policy);
  return { data: null, errors: [...failed.errors, ...answer.errors] };
}

type Asked = {
  readonly answer: Answer;
  readonly entities: readonly unknown[] | undefined;
  readonly wanted: readonly Wanted[];
};

/**
 * Errors are reported at every place of the entity that they are about, as if each place had been resolved by itself.
 * An entity that an error made null, or that no answer came for, fails at all the places where it is waited for.
 */
function noteErrors<Context>(fetch: EntityFetch, run: Run<Context>, { answer, entities, wanted }: Asked): void {
  const { book } = run;
  const places = placesOf(fetch, run);
  const fail = (one: Wanted, cause: SubgraphError, isKnown: boolean): void => {
    const all = one.objects.flatMap((object) => places(object));
    const failure: Failure = { ...cause, keys: fetch.query.keys, path: all.length === 1 ? all[0] : undefined, isKnown };
    for (const object of one.objects) book.fail(object, failure);
  };
  const general: SubgraphError[] = [];
  for (const error of answer.errors) {
    const [root, index, ...rest] = error.path ?? [];
    const one = root === '_entities' && typeof index === 'number' ? wanted[index] : undefined;
    if (!one) {
      general.push(error);
      continue;
    }
    if (rest.length > 0) {
      const below = run.clientPath(renamePath(rest, fetch.renamed));
      const failure = noteNullOf(fetch, run, { one, entity: entities?.[Number(index)], path: rest, error });
      for (const object of one.objects) for (const place of places(object)) book.add(error, [...place, ...below], failure); // prettier-ignore
    }
    if (!isJsonObject(entities?.[Number(index)])) fail(one, error, rest.length > 0);
  }
  const [cause, ...others] = general;
  if (!entities && cause) for (const one of wanted) fail(one, cause, false);
  for (const error of entities ? general : others) book.add(error, undefined);
}

/** As `noteNull`: fields of the entity itself are merged into the objects that wait for it. */
function noteNullOf<Context>(
  { renamed }: EntityFetch,
  run: Run<Context>,
  { one, entity, path, error }: { one: Wanted; entity: unknown; path: ResponsePath; error: SubgraphError },
): Failure | undefined {
  const failure = noteNull(run, { data: entity, path, renamed, error });
  if (failure && isJsonObject(entity) && run.book.failureOf(entity, [...failure.keys][0] ?? '') === failure)
    for (const object of one.objects) run.book.fail(object, failure);
  return failure;
}

/** Finds the places of an object in the answer; looks them up once. */
function placesOf<Context>(
  { paths }: EntityFetch,
  { root, clientPath, size: { limits } }: Run<Context>,
): (object: JsonObject) => readonly ResponsePath[] {
  let located: readonly ReadonlyMap<JsonObject, readonly ResponsePath[]>[] | undefined;
  return (object) => {
    located ??= paths.map((path) => path.locate(root, limits));
    return located.flatMap((places) => (places.get(object) ?? []).map(clientPath));
  };
}
