import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import {
  type ASTNode,
  BreakingChangeType,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type ObjectTypeDefinitionNode,
  Source,
  findBreakingChanges,
  getLocation,
  isNonNullType,
  isObjectType,
  parse,
  visit,
} from 'graphql';

export type SubgraphDocument = { readonly name: string; readonly typeDefs: DocumentNode };

/** What composition gives: the supergraph, what clients see of it, and what could be better. */
export type Composed = { readonly supergraph: string; readonly api: GraphQLSchema; readonly hints: readonly string[] };

/** The composition can't be done; the message lists why, ready to be printed. */
export class CompositionError extends Error {
  override readonly name = 'CompositionError';
}

/** Reads a subgraph's SDL; `file` is what messages call it. Throws CompositionError. */
export function readSubgraph(name: string, path: string, file: string): SubgraphDocument {
  try {
    return { name, typeDefs: parse(new Source(readFileSync(path, 'utf8'), file)) };
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? readingError(error) : new CompositionError(`${file} can't be read (${code}).`);
  }
}

/** What is wrong with SDL, with its place; other errors as they are. */
export const readingError = (error: unknown): unknown =>
  error instanceof GraphQLError ? new CompositionError(`${placeOf(error)}${error.message}`) : error;

const rootDescriptions: Readonly<Record<string, string>> = {
  Query: 'Everything that can be asked.',
  Mutation: 'Everything that can be done. Expected refusals are data in `userErrors`.',
  Subscription: 'What can be followed live.',
};

/**
 * Where several subgraphs describe the same type, the one that defines most of its fields speaks for it; otherwise a
 * stub ("a customer, as far as orders go") could end up as the API's documentation.
 */
function ownersDescribe(subgraphs: readonly SubgraphDocument[]): SubgraphDocument[] {
  const owners = new Map<string, ObjectTypeDefinitionNode>();
  const objectTypes = (document: DocumentNode) =>
    document.definitions.filter((node) => node.kind === Kind.OBJECT_TYPE_DEFINITION);
  for (const { typeDefs } of subgraphs) {
    for (const type of objectTypes(typeDefs)) {
      const fieldCount = owners.get(type.name.value)?.fields?.length ?? 0;
      if ((type.fields?.length ?? 0) > fieldCount) owners.set(type.name.value, type);
    }
  }
  const owned = (type: ObjectTypeDefinitionNode): ObjectTypeDefinitionNode => {
    const root = rootDescriptions[type.name.value];
    if (root !== undefined) return { ...type, description: { kind: Kind.STRING, value: root } };
    const owner = owners.get(type.name.value);
    if (owner === undefined || owner === type || owner.fields?.length === type.fields?.length) return type;
    const described = new Set(owner.fields?.map((field) => field.name.value));
    const fields = type.fields?.map((field) =>
      described.has(field.name.value) ? { ...field, description: undefined } : field,
    );
    return { ...type, description: undefined, ...(fields && { fields }) };
  };
  return subgraphs.map(({ name, typeDefs }) => ({ name, typeDefs: visit(typeDefs, { ObjectTypeDefinition: owned }) }));
}

/**
 * Composes subgraphs. Where each of them is stands in no supergraph: the processes' settings say so.
 *
 * @param subgraphs as `readSubgraph` reads them, so that what is wrong is told with its place
 */
export function compose(subgraphs: readonly SubgraphDocument[]): Composed {
  const result = composeServices(
    ownersDescribe(subgraphs).map(({ name, typeDefs }) => ({ name, typeDefs, url: `http://${name}/graphql` })),
  );
  if (result.errors) {
    const lines = result.errors.map((error) => {
      const code = codeOf(error);
      const mend = mends[code];
      return `  ${placeOf(error)}${code}: ${indented(error.message)}${mend === undefined ? '' : `\n    ${mend}`}`;
    });
    throw new CompositionError(`The subgraphs don't compose:\n${lines.join('\n')}`);
  }
  return {
    supergraph: `${result.supergraphSdl.trimEnd()}\n`,
    api: result.schema.toAPISchema().toGraphQLJSSchema(),
    hints: result.hints
      .filter((hint) => hint.definition.level.name !== 'DEBUG')
      .map((hint) => `${placeOf(hint)}${hint.definition.code}: ${indented(hint.message)}`),
  };
}

/** What clients of `before` can't do any more with `after`, as hints. */
export const breakingHints = (before: GraphQLSchema, after: GraphQLSchema): string[] =>
  findBreakingChanges(before, after).map(
    ({ type, description }) => `${BreakingChangeType[type]}: ${description} This breaks clients of the platform's API.`,
  );

/** Fields that `after` has more and that are never null: while their subgraph is away, the object around them is lost. */
export const fragileHints = (before: GraphQLSchema, after: GraphQLSchema): string[] =>
  Object.values(before.getTypeMap())
    .filter((type) => isObjectType(type) && type !== before.getMutationType() && type !== before.getSubscriptionType())
    .flatMap((type) => {
      const [known, now] = [type, after.getType(type.name)].map((one) => (isObjectType(one) ? one.getFields() : {}));
      return Object.values(now ?? {})
        .filter((field) => known?.[field.name] === undefined && isNonNullType(field.type))
        .map(({ name }) => `NON_NULL_ADDED: ${type.name}.${name} is never null: while its subgraph is away, clients that ask for it lose the ${type.name} around it. Make it nullable.`); // prettier-ignore
    });

/** What helps with the mistakes that are made first. */
const mends: Readonly<Record<string, string>> = {
  KEY_INVALID_FIELDS:
    'Declare the key\'s own fields in this subgraph, too: extend type Product @key(fields: "id") { id: ID! … }',
  INVALID_FIELD_SHARING: 'Leave the field to the subgraph that has it, or mark it @shareable in each that resolves it.',
  EXTERNAL_MISSING_ON_BASE: 'No other subgraph has this field: look at its spelling.',
  SATISFIABILITY_ERROR: 'An object of another subgraph is only reached by a @key that both of them declare.',
  TYPE_KIND_MISMATCH: 'Another subgraph has a type of this name: rename yours.',
  FIELD_TYPE_MISMATCH: 'Give the field the type that it has in the other subgraph, or another name.',
};

const codeOf = ({ extensions: { code } }: GraphQLError): string =>
  typeof code === 'string' ? code : 'INVALID_GRAPHQL';

const indented = (message: string): string => message.replaceAll('\n', '\n    ');

/** `reviews.graphql:3:21 ` where the place is known. Of several, the last: ours come first. */
function placeOf({
  nodes,
  source,
  positions,
}: Partial<Pick<GraphQLError, 'source' | 'positions'>> & { readonly nodes?: readonly ASTNode[] | undefined }): string {
  const loc = nodes?.findLast((node) => node.loc !== undefined)?.loc;
  const place = loc ? { source: loc.source, start: loc.start } : { source, start: positions?.[0] };
  if (!place.source || place.start === undefined) return '';
  const { line, column } = getLocation(place.source, place.start);
  return `${place.source.name}:${line}:${column} `;
}
