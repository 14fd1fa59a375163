import { createHash } from 'node:crypto';
import {
  ApolloGateway,
  type GraphQLDataSource,
  type ServiceMap,
  buildOperationContext,
  executeQueryPlan,
} from '@apollo/gateway';
import { operationFromDocument } from '@apollo/federation-internals';
import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, getVariableValues } from 'graphql';
import { LRUCache } from 'lru-cache';
import { documentSize } from '../subgraphs/shared/document-size.ts';
import { type SubgraphName, subgraphNames } from '../subgraphs/shared/link.ts';
import type { Logger } from '../subgraphs/shared/telemetry.ts';
import type { Caller } from './caller.ts';
import type { Variables } from './cost.ts';
import type { DataSourceResponse, OperationContext } from './subgraphs.ts';

type Executor = ApolloGateway['executor'];
type RequestContext = Parameters<Executor>[0];

/** A valid document that a client wants executed. */
export type Operation = {
  readonly query: string;
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Variables;
  readonly caller: Caller;
};

/** A subscription as planned: where its events come from, and how one becomes an answer. */
export type SubscriptionPlan = {
  readonly owner: SubgraphName;
  /** What to send to the owner. */
  readonly query: string;
  readonly operationName: string | undefined;
  /** Those of the client's variables that the owner's part uses. */
  ownersVariables(variables: Variables): Record<string, unknown>;
  /** The answer to one event of the owner, with the fields of the other subgraphs. */
  execute(event: ExecutionResult, operation: Operation): Promise<ExecutionResult>;
};

/**
 * The federated graph: planned by Apollo's planner, executed here. Everything that runs a plan goes through this type,
 * so that another executor can take the stock one's place.
 */
export type Supergraph = {
  /** What clients see. */
  readonly schema: GraphQLSchema;
  /** The supergraph as composed. */
  readonly sdl: string;
  /** For Apollo Server, which calls it with its own request context. */
  readonly executor: Executor;
  /** Runs a query or mutation. */
  execute(operation: Operation): Promise<ExecutionResult>;
  /** Plans a subscription, once a document. Throws a GraphQLError for variables that can't be coerced. */
  planSubscription(operation: Operation): SubscriptionPlan;
  close(): Promise<void>;
};

const cachedPlansMiB = 30;
const cachedSubscriptionPlans = 500;
const cachedSubscriptionBytes = 32 * 1024 * 1024;

/** Loads a supergraph whose subgraphs are reached through `dataSourceOf`. */
export async function openSupergraph(options: {
  sdl: string;
  dataSourceOf: (name: SubgraphName) => GraphQLDataSource;
  log: Logger;
}): Promise<Supergraph> {
  // Apollo's gateway reads these itself: reports go nowhere, and a query plan is nobody's business.
  process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
  const services: ServiceMap = {};
  const gateway = new ApolloGateway({
    supergraphSdl: options.sdl,
    buildService: ({ name }) => (services[name] = options.dataSourceOf(subgraphName(name))),
    experimental_approximateQueryPlanStoreMiB: cachedPlansMiB,
    __exposeQueryPlanExperimental: false,
    logger: quiet(options.log),
  });
  const { schema } = await gateway.load();
  const executor: Executor = async (context) => withoutGaps(await gateway.executor(context));
  const requestContext = ({ query, document, operationName, variables, caller }: Operation): RequestContext => {
    const context: OperationContext = { caller };
    const request = {
      query,
      variables: variables as Record<string, unknown>,
      ...(operationName !== undefined && { operationName }),
    };
    // The stock executor reads no more of it than this.
    return { request, document, source: query, schema, context, logger: quiet(options.log), metrics: {}, queryHash: hash(query), operationName: operationName ?? null } as unknown as RequestContext; // prettier-ignore
  };
  const planSubscription = subscriptionPlanner({ gateway, schema, services, requestContext });

  return {
    schema,
    sdl: options.sdl,
    executor,
    execute: (operation) => executor(requestContext(operation)),
    planSubscription(operation) {
      const { definitions } = operation.document;
      const variableDefinitions = definitions.flatMap((node) =>
        'variableDefinitions' in node && node.kind === 'OperationDefinition' ? (node.variableDefinitions ?? []) : [],
      );
      const { errors } = getVariableValues(schema, variableDefinitions, operation.variables);
      if (errors?.[0]) throw errors[0];
      return planSubscription(operation);
    },
    close: () => gateway.stop(),
  };
}

type PlannerOptions = {
  readonly gateway: ApolloGateway;
  readonly schema: GraphQLSchema;
  readonly services: ServiceMap;
  readonly requestContext: (operation: Operation) => RequestContext;
};

/**
 * The stock gateway plans subscriptions but doesn't run them: the plan's primary fetch is the owner's subscription, the
 * rest is what to fetch for each event. An event is therefore executed as a plan whose first fetch is answered by it,
 * so that aliases, fragments, conditions and nulls come out as in a query.
 */
function subscriptionPlanner({
  gateway,
  schema,
  services,
  requestContext,
}: PlannerOptions): (operation: Operation) => SubscriptionPlan {
  const { queryPlanner } = gateway.__testing();
  if (!queryPlanner) throw new Error('the gateway has not loaded');
  const apiSchema = queryPlanner.supergraph.apiSchema();
  const supergraphSchema = queryPlanner.supergraph.schema.toGraphQLJSSchema();
  const plans = new LRUCache<string, SubscriptionPlan>({
    max: cachedSubscriptionPlans,
    maxSize: cachedSubscriptionBytes,
  });

  function plan({ document, operationName }: Operation): SubscriptionPlan {
    const named = operationName === undefined ? {} : { operationName };
    const { node } = queryPlanner!.buildQueryPlan(operationFromDocument(apiSchema, document, named)); // eslint-disable-line typescript/no-non-null-assertion
    if (node?.kind !== 'Subscription') throw new Error('a subscription was planned as something else');
    const { primary } = node;
    const operationContext = buildOperationContext({ schema, operationDocument: document, ...named });
    const eventPlan = { kind: 'QueryPlan' as const, node: sequenceOf(node) };
    return {
      owner: subgraphName(primary.serviceName),
      query: primary.operation,
      operationName: primary.operationName,
      ownersVariables: (variables) =>
        Object.fromEntries(
          (primary.variableUsages ?? [])
            .filter((name) => Object.hasOwn(variables, name) && variables[name] !== undefined)
            .map((name) => [name, variables[name]]),
        ),
      async execute(event, operation) {
        const owner = services[primary.serviceName];
        if (!owner) throw new Error(`no data source for ${primary.serviceName}`);
        const answering: GraphQLDataSource = {
          process: (request) =>
            request.request.query === primary.operation ? Promise.resolve(ownCopy(event)) : owner.process(request),
        };
        const eventServices = { ...services, [primary.serviceName]: answering };
        return withoutGaps(
          await executeQueryPlan(
            eventPlan,
            eventServices,
            requestContext(operation),
            operationContext,
            supergraphSchema,
            apiSchema,
          ),
        );
      },
    };
  }
  return (operation) => {
    const key = `${operation.operationName ?? ''} ${operation.query}`;
    let known = plans.get(key);
    if (!known) {
      known = plan(operation);
      plans.set(key, known, { size: documentSize(key, operation.document, 'located') });
    }
    return known;
  };
}

const sequenceOf = ({ primary, rest }: SubscriptionNode): PlanNode =>
  rest ? { kind: 'Sequence', nodes: [primary, rest] } : primary;

/** The executor merges what other subgraphs say into the data that it is given; the event may be others' too. */
const ownCopy = (event: ExecutionResult): DataSourceResponse => ({
  ...event,
  data: event.data && (JSON.parse(JSON.stringify(event.data)) as Record<string, unknown>),
});

/**
 * The stock executor hides a null in a non-null place in `extensions.valueCompletion`. GraphQL §6.4.4 wants an error
 * where the answer is less than what was asked for.
 */
function withoutGaps(result: ExecutionResult): ExecutionResult {
  const { extensions, ...answer } = result;
  const gaps = extensions?.['valueCompletion'];
  if (!Array.isArray(gaps)) return result;
  const errors = gaps.map(
    (gap: GraphQLError) =>
      new GraphQLError(gap.message, { path: gap.path ?? null, extensions: { code: 'INCOMPLETE_DATA' } }),
  );
  return { ...answer, errors: [...(answer.errors ?? []), ...errors] };
}

function subgraphName(name: string): SubgraphName {
  const known = subgraphNames.find((one) => one === name);
  if (!known) throw new Error(`the supergraph names a subgraph that this platform does not have: ${name}`);
  return known;
}

const hash = (query: string): string => createHash('sha256').update(query).digest('hex');

/** Apollo's own chatter at the level where nobody is woken by it. */
const quiet = (log: Logger) => ({
  debug: (message?: unknown) => log.trace(message),
  info: (message?: unknown) => log.debug(message),
  warn: (message?: unknown) => log.warn(message),
  error: (message?: unknown) => log.error(message),
});
