import { GraphQLScalarType, type ValueNode } from 'graphql';
import { GraphQLDateTimeISO, GraphQLJSON, GraphQLLocalDate, GraphQLSafeInt } from 'graphql-scalars';

/** A number like 1e400 reads as Infinity, for which JSON has no word: it would be sent on as null. */
function sendable(json: unknown): unknown {
  const left: unknown[] = [json];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('A number is too large.');
    if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) left.push(inner);
  }
  return json;
}

const json = new GraphQLScalarType({
  ...GraphQLJSON.toConfig(),
  parseValue: (value) => sendable(GraphQLJSON.parseValue(value)),
  parseLiteral: (node: ValueNode, variables) => sendable(GraphQLJSON.parseLiteral(node, variables)),
});

/** Resolvers of the platform's custom scalars: ISO 8601 UTC text, plain dates, integers within ±(2^53 − 1), JSON. */
export const scalars = {
  DateTime: GraphQLDateTimeISO,
  LocalDate: GraphQLLocalDate,
  SafeInt: GraphQLSafeInt,
  JSON: json,
};
