import { type GraphQLLeafType, isEnumType, isSpecifiedScalarType } from 'graphql';

/** Completes a leaf: the value as the client gets it, or undefined for one that the type doesn't have. */
export type CompleteLeaf = (value: unknown) => unknown;

const maxInt = 2 ** 31 - 1;
const minInt = -(2 ** 31);

/**
 * Values were serialised by a subgraph; they are checked here by GraphQL §3.5 and §3.9, not coerced again, except that
 * an ID that came as an integer is a string for the client (§3.5.5). Custom scalars are anything.
 */
export function completeLeaf(type: GraphQLLeafType): CompleteLeaf {
  if (isEnumType(type)) {
    const names = new Set(type.getValues().map(({ name }) => name));
    return (value) => (typeof value === 'string' && names.has(value) ? value : undefined);
  }
  if (!isSpecifiedScalarType(type)) return (value) => value;
  switch (type.name) {
    case 'Int':
      return (value) => (Number.isInteger(value) && isInt(value as number) ? value : undefined);
    case 'Float':
      return (value) => (Number.isFinite(value) ? value : undefined);
    case 'Boolean':
      return (value) => (typeof value === 'boolean' ? value : undefined);
    case 'ID':
      return (value) => (Number.isInteger(value) ? String(value) : typeof value === 'string' ? value : undefined);
    default:
      return (value) => (typeof value === 'string' ? value : undefined);
  }
}

const isInt = (value: number): boolean => value >= minInt && value <= maxInt;
