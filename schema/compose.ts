/**
 * Composes the subgraphs' SDL into the supergraph, prints the API that clients see, and writes each subgraph's resolver
 * types and the typed documents of the client operations. `node schema/compose.ts` writes; with `--check` it only says
 * which file is not what the sources yield (exit 1).
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { composeServices } from '@apollo/composition';
import { codegen } from '@graphql-codegen/core';
import * as typescriptPlugin from '@graphql-codegen/typescript';
import * as resolversPlugin from '@graphql-codegen/typescript-resolvers';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type ObjectTypeDefinitionNode,
  printSchema,
  visit,
} from 'graphql';
import { format } from 'prettier';
import { subgraphNames } from '../subgraphs/shared/values/subgraph-names.ts';
import { OperationError, clientDocuments, trustedDocuments } from './client-documents.ts';
import { typeDefsOf } from './type-defs.ts';

type SubgraphDocument = { readonly name: string; readonly typeDefs: DocumentNode };
/** Path below `schema/` → content. */
type Output = ReadonlyMap<string, string>;

const schemaDir = new URL('./', import.meta.url);

/** The composition can't be done; the message lists why, ready to be printed. */
class CompositionError extends Error {
  override readonly name = 'CompositionError';
}

function readSubgraphs(): SubgraphDocument[] {
  try {
    return subgraphNames.map((name) => ({ name, typeDefs: typeDefsOf(name) }));
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const place = error.locations?.[0];
    throw new CompositionError(`${error.source?.name}:${place?.line ?? 1}:${place?.column ?? 1} ${error.message}`);
  }
}

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

function compose(subgraphs: readonly SubgraphDocument[]): {
  supergraph: string;
  api: GraphQLSchema;
  hints: readonly string[];
} {
  const result = composeServices(
    ownersDescribe(subgraphs).map(({ name, typeDefs }) => ({ name, typeDefs, url: `http://${name}/graphql` })),
  );
  if (result.errors) {
    const lines = result.errors.map((error) => `  ${codeOf(error)}: ${error.message.replaceAll('\n', '\n    ')}`);
    throw new CompositionError(`The subgraphs don't compose:\n${lines.join('\n')}`);
  }
  return {
    supergraph: result.supergraphSdl,
    api: result.schema.toAPISchema().toGraphQLJSSchema(),
    hints: result.hints
      .filter((hint) => hint.definition.level.name !== 'DEBUG')
      .map((hint) => `${hint.definition.code}: ${hint.message}`),
  };
}

const codeOf = ({ extensions: { code } }: GraphQLError): string =>
  typeof code === 'string' ? code : 'INVALID_GRAPHQL';

const scalarTypes = {
  DateTime: { input: 'Date', output: 'Date | string' },
  LocalDate: 'string',
  SafeInt: 'number',
  JSON: 'unknown',
};

/** Records behind object types are each subgraph's own affair: a resolver says what its parent is. */
const recordTypes = (document: DocumentNode): Record<string, string> =>
  Object.fromEntries(
    document.definitions
      .filter(
        (node) =>
          node.kind === Kind.OBJECT_TYPE_DEFINITION ||
          node.kind === Kind.INTERFACE_TYPE_DEFINITION ||
          node.kind === Kind.UNION_TYPE_DEFINITION,
      )
      .map((node) => node.name.value)
      .filter((name) => !['Query', 'Mutation', 'Subscription'].includes(name))
      .map((name) => [name, 'any']),
  );

async function resolverTypes({ name, typeDefs }: SubgraphDocument): Promise<string> {
  const code = await codegen({
    filename: `${name}.ts`,
    schema: typeDefs,
    documents: [],
    plugins: [{ typescript: {} }, { resolvers: {} }],
    pluginMap: { typescript: typescriptPlugin, resolvers: resolversPlugin },
    config: {
      federation: true,
      enumsAsTypes: true,
      useTypeImports: true,
      skipTypename: true,
      contextType: 'unknown',
      scalars: scalarTypes,
      mappers: recordTypes(typeDefs),
    },
  });
  return `// Generated by schema/compose.ts from schema/${name}.graphql and schema/shared.graphql.\n${code}`;
}

/** Everything that follows from the SDL and the operations in `schema/`. Throws CompositionError or OperationError. */
export async function composeSchemas(): Promise<{ files: Output; hints: readonly string[] }> {
  const subgraphs = readSubgraphs();
  const { supergraph, api, hints } = compose(subgraphs);
  const files = new Map([
    ['supergraph.graphql', `${supergraph.trimEnd()}\n`],
    ['api.graphql', await pretty(printSchema(api), 'graphql')],
  ]);
  for (const subgraph of subgraphs)
    files.set(`generated/${subgraph.name}.ts`, await pretty(await resolverTypes(subgraph), 'typescript'));
  const { types, documents } = await clientDocuments(api, new URL('operations/', schemaDir));
  files.set('generated/operations.ts', `${await pretty(types, 'typescript')}\n${documents}`);
  files.set('generated/trusted-documents.json', trustedDocuments(api, new URL('operations/', schemaDir)));
  return { files, hints };
}

const pretty = (text: string, parser: 'graphql' | 'typescript') =>
  format(text, { parser, printWidth: 120, singleQuote: true, trailingComma: 'all' });

const current = (path: string): string | null =>
  existsSync(new URL(path, schemaDir)) ? readFileSync(new URL(path, schemaDir), 'utf8') : null;

async function main(check: boolean): Promise<number> {
  const { files, hints } = await composeSchemas();
  for (const hint of hints) console.warn(`hint ${hint}`);
  const stale = [...files].filter(([path, content]) => current(path) !== content);
  if (check) {
    for (const [path] of stale)
      console.error(`schema/${path} is not what schema/ yields: run npm run compose and commit the result.`);
    return stale.length > 0 ? 1 : 0;
  }
  mkdirSync(new URL('generated/', schemaDir), { recursive: true });
  for (const [path, content] of stale) {
    writeFileSync(new URL(path, schemaDir), content);
    console.log(`wrote schema/${path}`);
  }
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.includes('--check'));
  } catch (error) {
    if (!(error instanceof CompositionError || error instanceof OperationError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
