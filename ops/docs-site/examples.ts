import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  Kind,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  print,
  typeFromAST,
} from 'graphql';

export type Example = {
  /** As it is shown. */
  readonly shown: string;
  /** As it is sent: with its fragments. */
  readonly sent: string;
  /** JSON text; '' for none. */
  readonly variables: string;
};

type Kinds = 'query' | 'mutation' | 'subscription';

/** How deep the selection of a made example goes. */
const maxDepth = 3;

const samples: Readonly<Record<string, unknown>> = {
  ID: '01980000-0000-7000-8000-000000000000',
  String: 'text',
  Int: 1,
  SafeInt: 1,
  Float: 1,
  Boolean: true,
  DateTime: '2026-12-01T09:30:00.000Z',
  LocalDate: '2026-12-01',
  JSON: {},
};

/** The client operations of schema/operations, by the root field that each asks for: the one that is called like it, or the first. */
export function operationsByField(texts: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const text of texts) {
    const operations = parse(text).definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
    const [operation] = operations;
    if (operation === undefined || operations.length > 1 || operation.selectionSet.selections.length > 1) continue;
    const field = fieldOf(operation);
    const isNamesake = field !== undefined && operation.name?.value.toLowerCase() === field.toLowerCase();
    const key = `${operation.operation}.${field}`;
    if (field !== undefined && (isNamesake || !found.has(key))) found.set(key, text);
  }
  return found;
}

const fieldOf = ({ selectionSet }: OperationDefinitionNode): string | undefined => {
  const [first] = selectionSet.selections;
  return first?.kind === Kind.FIELD ? first.name.value : undefined;
};

/** An example made from the schema: what a field must be given, and the plain fields of its answer. */
export function madeExample(schema: GraphQLSchema, kind: Kinds, field: GraphQLField<unknown, unknown>): Example {
  const args = field.args.filter((arg) => isNonNullType(arg.type) && arg.defaultValue === undefined);
  const paged = field.args.filter(({ name }) => name === 'first');
  const parameters = args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const given = [...args.map(({ name }) => `${name}: $${name}`), ...paged.map(() => 'first: 10')].join(', ');
  const name = `${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}`;
  const head = `${kind} ${name}${parameters === '' ? '' : `(${parameters})`}`;
  const call = `${field.name}${given === '' ? '' : `(${given})`}`;
  const text = print(parse(`${head} { ${call} ${selectionOf(schema, field.type, maxDepth)} }`));
  const variables = Object.fromEntries(args.map((arg: GraphQLArgument) => [arg.name, sampleOf(arg.type, arg.name)]));
  return { shown: text, sent: text, variables: args.length === 0 ? '' : JSON.stringify(variables, null, 2) };
}

/** Selects every plain field that needs no argument, and those below objects down to `depth`. */
function selectionOf(schema: GraphQLSchema, type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (isAbstractType(named)) {
    const shared = schema.getPossibleTypes(named)[0]?.getInterfaces()[0];
    const common = shared === undefined ? '' : `... on ${shared.name} { ${plainFields(shared.getFields()).join(' ')} }`;
    return `{ __typename ${common} }`;
  }
  return isObjectType(named) ? `{ ${fieldsOf(schema, named, depth).join(' ')} }` : '';
}

const plainFields = (fields: Record<string, GraphQLField<unknown, unknown>>): string[] =>
  Object.values(fields)
    .filter(({ type, args }) => isLeafType(getNamedType(type)) && args.length === 0)
    .map(({ name }) => name);

function fieldsOf(schema: GraphQLSchema, type: GraphQLObjectType, depth: number): string[] {
  const plain = plainFields(type.getFields());
  if (depth === 0) return plain.length === 0 ? ['__typename'] : plain;
  // Edges, payloads and amounts: what has few fields of its own is looked into.
  const inner = Object.values(type.getFields()).flatMap((field) => {
    const named = getNamedType(field.type);
    if (isLeafType(named) || field.args.some((arg) => isNonNullType(arg.type))) return [];
    if (isObjectType(named) && plain.length > 2 && named.name !== 'Money') return [];
    return [`${field.name} ${selectionOf(schema, field.type, depth - 1)}`];
  });
  return [...plain, ...inner].length === 0 ? ['__typename'] : [...plain, ...inner];
}

/** Values for the variables that an operation can't do without, as JSON text; '' where it needs none. */
export function neededVariables(schema: GraphQLSchema, text: string): string {
  const [operation] = parse(text).definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const needed = (operation?.variableDefinitions ?? []).flatMap(({ variable, type, defaultValue }) => {
    const known =
      type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined ? typeFromAST(schema, type) : undefined;
    return known === undefined ? [] : [[variable.name.value, sampleOf(known as GraphQLInputType, variable.name.value)]];
  });
  return needed.length === 0 ? '' : JSON.stringify(Object.fromEntries(needed), null, 2);
}

/** A value that a variable of this type may have. */
export function sampleOf(type: GraphQLInputType, name: string, depth = 0): unknown {
  if (isNonNullType(type)) return sampleOf(type.ofType, name, depth);
  if (isListType(type)) return [sampleOf(type.ofType, name, depth)];
  if (isEnumType(type)) return type.getValues()[0]?.name ?? null;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const needed = fields.filter((field) => isNonNullType(field.type) && field.defaultValue === undefined);
    const chosen = type.isOneOf ? fields.slice(0, 1) : needed;
    return Object.fromEntries(chosen.map((field) => [field.name, sampleOf(field.type, field.name, depth + 1)]));
  }
  if (name === 'idempotencyKey') return 'one-key-for-one-intent';
  if (name === 'currency') return 'EUR';
  if (name === 'countryCode' || name === 'country') return 'DE';
  return samples[(type as GraphQLNamedType).name] ?? 'text';
}
