import { type ExecutionResult, GraphQLError } from 'graphql';
import { maxRepresentations } from '../subgraphs/shared/subgraph.ts';

/** The representations of one `_entities` fetch, each once, in chunks that a subgraph accepts. */
export type SplitRepresentations = {
  /** True when they can go as they came: no doubles, and few enough. */
  readonly isWhole: boolean;
  readonly chunks: readonly (readonly unknown[])[];
  /** For each unique representation, the positions where it was asked for. */
  readonly positions: readonly (readonly number[])[];
};

export function splitRepresentations(representations: readonly unknown[]): SplitRepresentations {
  const places = new Map<string, number[]>();
  const unique: unknown[] = [];
  representations.forEach((representation, position) => {
    const key = JSON.stringify(representation);
    const place = places.get(key);
    if (place) {
      place.push(position);
      return;
    }
    places.set(key, [position]);
    unique.push(representation);
  });
  const chunks: unknown[][] = [];
  for (let start = 0; start < unique.length; start += maxRepresentations)
    chunks.push(unique.slice(start, start + maxRepresentations));
  return {
    isWhole: unique.length === representations.length && chunks.length <= 1,
    chunks,
    positions: [...places.values()],
  };
}

/**
 * One answer out of the chunks' answers, as if all representations had been sent as they came: each entity at all its
 * positions (copies: what merges them later writes into them), errors moved to the positions that they are about.
 */
export function expandEntities(
  { chunks, positions }: SplitRepresentations,
  results: readonly ExecutionResult[],
): ExecutionResult {
  const size = positions.reduce((sum, places) => sum + places.length, 0);
  const entities = Array.from<unknown>({ length: size }).fill(null);
  const errors: GraphQLError[] = [];
  let answered = false;
  let offset = 0;
  results.forEach((result, index) => {
    const chunkSize = chunks[index]?.length ?? 0;
    const placesAt = (at: unknown): readonly number[] =>
      typeof at === 'number' && at < chunkSize ? (positions[offset + at] ?? []) : [];
    const received = result.data?.['_entities'];
    if (Array.isArray(received) && received.length === chunkSize) {
      answered = true;
      received.forEach((entity, at) => {
        placesAt(at).forEach((place, nth) => {
          entities[place] = nth === 0 ? entity : copy(entity);
        });
      });
    } else if (received !== undefined && received !== null) {
      errors.push(
        new GraphQLError(
          `The subgraph answered ${Array.isArray(received) ? received.length : 'no list of'} entities where ${chunkSize} were asked for.`,
          { extensions: { code: 'SERVICE_UNAVAILABLE' } },
        ),
      );
    }
    for (const error of result.errors ?? []) errors.push(...moved(error, placesAt));
    offset += chunkSize;
  });
  return { ...(errors.length > 0 && { errors }), data: answered ? { _entities: entities } : null };
}

function moved(error: GraphQLError, placesAt: (at: unknown) => readonly number[]): GraphQLError[] {
  const [root, at, ...rest] = error.path ?? [];
  const places = root === '_entities' ? placesAt(at) : [];
  if (places.length === 0) return [error];
  return places.map(
    (place) => new GraphQLError(error.message, { path: ['_entities', place, ...rest], extensions: error.extensions }),
  );
}

/** A copy of JSON-like data, whatever its prototypes; a Date or the like is a leaf and is shared. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]));
}
