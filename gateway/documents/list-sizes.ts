import { type ConstDirectiveNode, Kind, parse } from 'graphql';

/** What a supergraph says of the sizes of fields, by `Type.field`. */
export type ListSizes = {
  /** How long the field's list can be, by `@listSize(assumedSize:)`. */
  length(place: string): number | undefined;
  /** How many values one of the field's counts for, by `@cost(weight:)`. Default 1. */
  weight(place: string): number;
};

/** Of a schema that says nothing of its sizes. */
export const undeclaredSizes: ListSizes = { length: () => undefined, weight: () => 1 };

/**
 * Reads the directives of the cost specification (https://specs.apollo.dev/cost/v0.1) that composition carries into the
 * supergraph.
 */
export function readListSizes(supergraphSdl: string): ListSizes {
  const lengths = new Map<string, number>();
  const weights = new Map<string, number>();
  for (const definition of parse(supergraphSdl, { noLocation: true }).definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    for (const { name, directives = [] } of definition.fields ?? []) {
      const place = `${definition.name.value}.${name.value}`;
      for (const directive of directives) {
        if (isNamed(directive, 'listSize')) note(lengths, place, numberIn(directive, 'assumedSize'));
        if (isNamed(directive, 'cost')) note(weights, place, numberIn(directive, 'weight'));
      }
    }
  }
  return { length: (place) => lengths.get(place), weight: (place) => weights.get(place) ?? 1 };
}

/** Composition names a directive that not every subgraph imports with the specification's own name before it. */
const isNamed = ({ name: { value } }: ConstDirectiveNode, name: string): boolean =>
  value === name || value === `cost__${name}` || value === `federation__${name}`;

function note(numbers: Map<string, number>, place: string, value: number | undefined): void {
  if (value !== undefined) numbers.set(place, value);
}

function numberIn(directive: ConstDirectiveNode, argument: string): number | undefined {
  const value = directive.arguments?.find(({ name }) => name.value === argument)?.value;
  return value?.kind === Kind.INT ? Number(value.value) : undefined;
}
