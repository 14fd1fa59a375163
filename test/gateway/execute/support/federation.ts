import { composeServices } from '@apollo/composition';
import { type Operation, Supergraph, operationFromDocument } from '@apollo/federation-internals';
import { type GraphQLDataSource, type ServiceMap, buildOperationContext, executeQueryPlan } from '@apollo/gateway';
import { QueryPlanner } from '@apollo/query-planner';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type SelectionSetNode,
  Kind,
  execute,
  isAbstractType,
  isObjectType,
  parse,
  visit,
} from 'graphql';
import { type Executor, createExecutor } from '../../../../gateway/execute/executor.ts';
import { type SupergraphNames, parseFieldSet, supergraphNames } from '../../../../gateway/execute/supergraph-names.ts';
import type { SubgraphFetch, SubgraphResponse } from '../../../../gateway/execute/types.ts';
import { type World, type WorldSize, hashOf, makeWorld } from './world.ts';

export type SubgraphSdl = { readonly name: string; readonly sdl: string };

/** Changes what a subgraph answers, or throws or rejects in its place. */
export type Interference = (answer: {
  readonly serviceName: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly response: SubgraphResponse;
}) => SubgraphResponse | Promise<SubgraphResponse>;

export type Request = {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  /** A seed of the order in which answers come; default 0. */
  readonly arrival?: number;
};

export type SeenRequest = {
  readonly serviceName: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Absent as long as there is none, or when it was an exception. */
  response?: SubgraphResponse;
};

/** One supergraph with data, executed in three ways. */
export type Federation = {
  readonly name: string;
  readonly api: GraphQLSchema;
  readonly world: World;
  readonly supergraphSdl: string;
  readonly names: SupergraphNames;
  /** Both back ends of ours. The context is a seed of the order in which the answers of subgraphs come. */
  readonly executors: { readonly generated: Executor<number>; readonly closures: Executor<number> };
  /** Stock executor of @apollo/gateway; rejects where it does. */
  stock(request: Request): Promise<ExecutionResult>;
  /** One subgraph's answer, e.g. an event of a subscription. */
  ask(serviceName: string, query: string, variables: Readonly<Record<string, unknown>>): Promise<SubgraphResponse>;
  /** graphql-js on the unfederated schema. */
  unfederated(request: Request): Promise<ExecutionResult>;
  interfere(interference: Interference | null): void;
  /** Every request that the subgraphs got since the last call. */
  requests(): readonly SeenRequest[];
  /**
   * How many places of the answers that ours got since the last call hold an object of another place: those where ours
   * put one object for several. An answer comes as a tree, and ours builds its data of what is in the answers.
   */
  unitedPlaces(): number;
};

/** An answer comes by so many turns of the event loop late: enough, as subgraphs in the process take none. */
const maxTurns = 6;
async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((next) => setImmediate(next));
}

export function federate(name: string, subgraphs: readonly SubgraphSdl[], size?: WorldSize): Federation {
  const documents = subgraphs.map((one) => ({ name: one.name, typeDefs: parse(one.sdl) }));
  const composed = composeServices(documents.map((one) => ({ ...one, url: '' })));
  if (composed.errors) throw new Error(composed.errors.map(({ message }) => message).join('\n'));
  const { supergraphSdl } = composed;
  const supergraph = Supergraph.build(supergraphSdl);
  const apiSchema = supergraph.apiSchema();
  const api = apiSchema.toGraphQLJSSchema();
  const supergraphSchema = supergraph.schema.toGraphQLJSSchema();
  const schemas = new Map(
    documents.map((one) => [one.name, buildSubgraphSchema([{ typeDefs: one.typeDefs }])] as const),
  );
  const world = makeWorld({ api, subgraphs: [...schemas.values()], ...directivesOf(documents), size });
  for (const schema of schemas.values()) wire(schema, world);
  const unfederatedSchema = apiSchema.toGraphQLJSSchema();
  wire(unfederatedSchema, world);

  let interference: Interference | null = null;
  let seen: SeenRequest[] = [];
  let answered: { readonly response: SubgraphResponse; readonly objects: ReadonlySet<unknown> }[] = [];
  const parsed = new Map<string, DocumentNode>();
  async function ask(
    serviceName: string,
    query: string,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<SubgraphResponse> {
    const request: SeenRequest = { serviceName, query, variables };
    seen.push(request);
    const schema = schemas.get(serviceName);
    if (!schema) throw new Error(`no subgraph ${serviceName}`);
    let document = parsed.get(query);
    if (!document) parsed.set(query, (document = parse(query)));
    const result = await execute({ schema, document, variableValues: variables });
    // As over HTTP: plain JSON, nothing shared.
    const response = JSON.parse(JSON.stringify(result)) as SubgraphResponse;
    request.response = interference ? await interference({ serviceName, query, variables, response }) : response;
    return request.response;
  }
  const fetch: SubgraphFetch<number> = async (serviceName, { query, variables, body, context: arrival }) => {
    const sent = JSON.parse(body()) as { variables: Record<string, unknown> };
    if (JSON.stringify(sent.variables) !== JSON.stringify(variables)) throw new Error('body and variables differ');
    await pass(hashOf(arrival, serviceName, query, variables) % maxTurns);
    const response = await ask(serviceName, query, variables);
    const objects = new Set<unknown>();
    foundAgain(response, objects);
    answered.push({ response, objects });
    return response;
  };
  const planner = new QueryPlanner(supergraph);
  const services: ServiceMap = {};
  for (const serviceName of schemas.keys())
    services[serviceName] = {
      process: async ({ request }) =>
        (await ask(serviceName, request.query ?? '', request.variables ?? {})) as Awaited<
          ReturnType<GraphQLDataSource['process']>
        >,
    };

  return {
    name,
    api,
    names: supergraphNames(supergraph, supergraphSchema, api),
    world,
    supergraphSdl,
    executors: {
      generated: createExecutor({ supergraphSdl, fetch, generateCode: true }),
      closures: createExecutor({ supergraphSdl, fetch, generateCode: false }),
    },
    async stock({ query, variables }) {
      const document = parse(query);
      const operation: Operation = operationFromDocument(apiSchema, document);
      const plan = planner.buildQueryPlan(operation);
      const context = { request: { query, variables }, document, metrics: {}, context: {}, logger: console };
      return executeQueryPlan(
        plan,
        services,
        context as unknown as Parameters<typeof executeQueryPlan>[2],
        buildOperationContext({ schema: api, operationDocument: document }),
        supergraphSchema,
        apiSchema,
      );
    },
    ask,
    async unfederated({ query, variables }) {
      return JSON.parse(
        JSON.stringify(await execute({ schema: unfederatedSchema, document: parse(query), variableValues: variables })),
      ) as ExecutionResult;
    },
    interfere(next) {
      interference = next;
    },
    requests() {
      const all = seen;
      seen = [];
      return all;
    },
    unitedPlaces() {
      const all = answered;
      answered = [];
      return all.flatMap(({ response, objects }) =>
        foundAgain(response, new Set()).filter((object) => objects.has(object)),
      ).length;
    },
  };
}

/** Adds all objects and lists to those that were seen; gives those at places where one was put that was seen before. */
function foundAgain(value: unknown, seen: Set<unknown>): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (seen.has(value)) return [value];
  seen.add(value);
  return Object.values(value).flatMap((one) => foundAgain(one, seen));
}

/** Lets the world resolve every field, abstract type and representation of a schema. */
function wire(schema: GraphQLSchema, world: World): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isAbstractType(type)) type.resolveType = (value: { __typename: string }) => known(schema, value.__typename);
    if (isObjectType(type)) {
      type.isTypeOf = null;
      for (const field of Object.values(type.getFields()))
        if (!field.name.startsWith('_')) field.resolve = world.resolve;
    }
  }
  const entities = schema.getQueryType()?.getFields()['_entities'];
  if (entities)
    entities.resolve = (_: unknown, { representations }: { representations: { __typename: string }[] }) =>
      representations.map((one) => {
        if (!schema.getType(one.__typename)) throw new Error(`the subgraph has no type ${one.__typename}`);
        return world.find(one.__typename, one);
      });
}

/** The name that a schema has for an object: that of the interface where it only has an interface object. */
function known(schema: GraphQLSchema, typename: string): string {
  if (schema.getType(typename)) return typename;
  const entity = schema.getType('_Entity');
  const all = isAbstractType(entity) ? schema.getPossibleTypes(entity) : [];
  const found = all.find(({ astNode }) => astNode?.directives?.some(({ name }) => name.value === 'interfaceObject'));
  return found?.name ?? typename;
}

function directivesOf(documents: readonly { typeDefs: DocumentNode }[]) {
  const entities = new Set<string>();
  const requires = new Map<string, SelectionSetNode>();
  for (const { typeDefs } of documents) {
    visit(typeDefs, {
      enter(node) {
        if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.OBJECT_TYPE_EXTENSION) return;
        const has = (name: string) => node.directives?.some((one) => one.name.value === name);
        if (has('key') && !has('interfaceObject')) entities.add(node.name.value);
        for (const field of node.fields ?? []) {
          const directive = field.directives?.find((one) => one.name.value === 'requires');
          const given = directive?.arguments?.[0]?.value;
          if (given?.kind === Kind.STRING)
            requires.set(`${node.name.value}.${field.name.value}`, parseFieldSet(given.value));
        }
      },
    });
  }
  return { entities, requires };
}
