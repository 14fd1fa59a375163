import { GraphQLDateTimeISO, GraphQLJSON, GraphQLLocalDate, GraphQLSafeInt } from 'graphql-scalars';

/** Resolvers of the platform's custom scalars: ISO 8601 UTC text, plain dates, integers within ±(2^53 − 1), JSON. */
export const scalars = {
  DateTime: GraphQLDateTimeISO,
  LocalDate: GraphQLLocalDate,
  SafeInt: GraphQLSafeInt,
  JSON: GraphQLJSON,
};
