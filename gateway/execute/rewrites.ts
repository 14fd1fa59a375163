import type { FetchDataRewrite } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';
import { getOwn, setOwn } from './own.ts';
import { isOfType } from './type-conditions.ts';
import { type JsonObject, isJsonObject } from './types.ts';

/** Changes data in place. */
export type Rewrite = (value: unknown) => void;

const fragmentPrefix = '... on ';

/**
 * The plan's rewrites of one fetch: sets values (the name of an interface object in representations) and gives aliases
 * their response names back. The deepest go first, as the paths of nested aliases lead through the outer ones.
 */
export function compileRewrites(
  schema: GraphQLSchema,
  rewrites: readonly FetchDataRewrite[] | undefined,
): Rewrite | undefined {
  if (!rewrites || rewrites.length === 0) return undefined;
  const steps = rewrites.toSorted((a, b) => b.path.length - a.path.length).map((one) => compileRewrite(schema, one));
  return (value) => {
    for (const step of steps) step(value);
  };
}

function compileRewrite(schema: GraphQLSchema, rewrite: FetchDataRewrite): Rewrite {
  const name = rewrite.path.at(-1);
  if (name === undefined || name.startsWith(fragmentPrefix))
    throw new Error(`a rewrite of the plan ends at no field: ${rewrite.path.join('.')}`);
  const change =
    rewrite.kind === 'ValueSetter' ? valueSetter(name, rewrite.setValueTo) : keyRenamer(name, rewrite.renameKeyTo);
  return rewrite.path.slice(0, -1).reduceRight((inner, element) => descend(schema, element, inner), atObjects(change));
}

/** Values are set without a look at what was there; keys are renamed whatever their value is, null and zero too. */
const valueSetter = (name: string, value: unknown) => (object: JsonObject) => setOwn(object, name, value);
const keyRenamer = (name: string, newName: string) => (object: JsonObject) => {
  if (!Object.hasOwn(object, name)) return;
  setOwn(object, newName, object[name]);
  delete object[name];
};

function atObjects(change: (object: JsonObject) => void): Rewrite {
  return function visit(value) {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isJsonObject(value)) change(value);
  };
}

function descend(schema: GraphQLSchema, element: string, inner: Rewrite): Rewrite {
  if (!element.startsWith(fragmentPrefix)) return atObjects((object) => inner(getOwn(object, element)));
  const condition = element.slice(fragmentPrefix.length);
  return atObjects((object) => {
    const typename = object['__typename'];
    if (typeof typename !== 'string' || isOfType(schema, typename, condition)) inner(object);
  });
}

/** Alias → response name, for the paths of errors. Aliases that the planner makes are unique. */
export const renamedKeys = (rewrites: readonly FetchDataRewrite[] | undefined): ReadonlyMap<string, string> =>
  new Map(
    (rewrites ?? []).flatMap((rewrite) =>
      rewrite.kind === 'KeyRenamer' ? [[rewrite.path.at(-1) ?? '', rewrite.renameKeyTo] as const] : [],
    ),
  );
