import {
  DangerousChangeType,
  type GraphQLSchema,
  findBreakingChanges,
  findDangerousChanges,
  isInputObjectType,
  lexicographicSortSchema,
  parse,
  print,
  printSchema,
  stripIgnoredCharacters,
  visit,
} from 'graphql';

/** An API's SDL without descriptions, in the order of the alphabet: a definition is a line. */
export function digestOf(api: GraphQLSchema): string {
  const bare = visit(parse(printSchema(lexicographicSortSchema(api))), {
    enter: (node) => ('description' in node && node.description ? { ...node, description: undefined } : undefined),
  });
  return bare.definitions.map((definition) => `${stripIgnoredCharacters(print(definition))}\n`).join('');
}

/** What a client that was written against `before` may trip over in `after`, a sentence each; empty when nothing. */
export function breakingChanges(before: GraphQLSchema, after: GraphQLSchema): string[] {
  const changedDefaults = findDangerousChanges(before, after).filter(
    ({ type }) => type === DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE,
  );
  return [
    ...[...findBreakingChanges(before, after), ...changedDefaults].map(({ description }) => description),
    ...changedInputDefaults(before, after),
  ];
}

/** graphql-js compares the defaults of arguments, not those of input fields. */
function changedInputDefaults(before: GraphQLSchema, after: GraphQLSchema): string[] {
  return Object.values(before.getTypeMap()).flatMap((type) => {
    const now = after.getType(type.name);
    if (!isInputObjectType(type) || !isInputObjectType(now)) return [];
    return Object.values(type.getFields()).flatMap(({ name, defaultValue }) => {
      const field = now.getFields()[name];
      const [old, current] = [defaultValue, field?.defaultValue].map((value) => JSON.stringify(value));
      if (field === undefined || old === undefined || old === current) return [];
      return [`${type.name}.${name} has changed defaultValue from ${old} to ${current ?? 'none'}.`];
    });
  });
}
