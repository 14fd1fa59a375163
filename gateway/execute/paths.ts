import type { GraphQLSchema } from 'graphql';
import { getOwn } from './own.ts';
import { isOfType } from './type-conditions.ts';
import { type JsonObject, type ResponsePath, isJsonObject } from './types.ts';

/** Where a fetch of the plan puts what it fetches. */
export type PlanPath = {
  /** The objects at the path, each once though it may be at several places. */
  collect(root: JsonObject): JsonObject[];
  /** For each object at the path, the places of the response where it is. */
  locate(root: JsonObject): ReadonlyMap<JsonObject, ResponsePath[]>;
};

type Step = { readonly key: string | null; readonly types: readonly string[] | null };

/**
 * Compiles a path of the plan: names, `@` for the elements of a list, and either may carry the object types that it goes
 * on for (`@|[Book,Film]`). Nulls, and values that don't have the form that the path expects, end the walk there: the
 * shaper says what is wrong with them.
 */
export function compilePath(schema: GraphQLSchema, path: readonly (string | number)[]): PlanPath {
  const steps = path.map(String).flatMap(parseStep);
  const goesOn = ({ types }: Step, value: JsonObject): boolean => {
    const typename = value['__typename'];
    return types === null || typeof typename !== 'string' || types.some((type) => isOfType(schema, typename, type));
  };

  function collectFrom(value: unknown, depth: number, found: Set<JsonObject>): void {
    if (value === null || typeof value !== 'object') return;
    const step = steps[depth];
    if (!step) {
      if (!Array.isArray(value)) found.add(value as JsonObject);
    } else if (step.key === null) {
      if (Array.isArray(value)) for (const element of value) checkTypes(step, element, depth + 1, found);
    } else if (!Array.isArray(value)) {
      checkTypes(step, getOwn(value as JsonObject, step.key), depth + 1, found);
    }
  }
  function checkTypes(step: Step, value: unknown, depth: number, found: Set<JsonObject>): void {
    if (step.types === null || !isJsonObject(value) || goesOn(step, value)) collectFrom(value, depth, found);
  }

  function locateFrom(value: unknown, depth: number, at: ResponsePath, found: Map<JsonObject, ResponsePath[]>): void {
    const step = steps[depth];
    if (step?.key === null) {
      if (!Array.isArray(value)) return;
      value.forEach((element: unknown, index) => {
        if (!isJsonObject(element) || goesOn(step, element)) locateFrom(element, depth + 1, [...at, index], found);
      });
    } else if (isJsonObject(value)) {
      if (!step) {
        const places = found.get(value);
        if (places) places.push(at);
        else found.set(value, [at]);
        return;
      }
      const next = getOwn(value, step.key);
      if (!isJsonObject(next) || goesOn(step, next)) locateFrom(next, depth + 1, [...at, step.key], found);
    }
  }

  return {
    collect(root) {
      const found = new Set<JsonObject>();
      collectFrom(root, 0, found);
      return [...found];
    },
    locate(root) {
      const found = new Map<JsonObject, ResponsePath[]>();
      locateFrom(root, 0, [], found);
      return found;
    },
  };
}

function parseStep(element: string): Step[] {
  const [name = '', list] = element.split('|');
  const types = list === undefined ? null : list.slice(1, -1).split(',');
  // The root of a plan with conditional paths: the root object is of its one type.
  if (name === '') return [];
  return [{ key: name === '@' ? null : name, types }];
}
