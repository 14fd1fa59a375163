import { ApolloGateway, type GraphQLDataSource } from '@apollo/gateway';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  isScalarType,
} from 'graphql';
import { type AnswerLimits, noteSize, notedSize } from '../../subgraphs/shared/answers/answer-size.ts';
import { scalars } from '../../subgraphs/shared/values/scalars.ts';
import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import type { Logger, Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import type { Caller, HeadersFor } from '../callers/caller.ts';
import type { Variables } from '../execute/types.ts';
import { withoutSuggestion } from '../errors.ts';
import { createExecutor } from '../execute/executor.ts';
import { type FetchContext, errorPolicy, fetchContext, subgraphFetch } from './subgraph-fetch.ts';

/** A valid document that a client wants executed. */
export type Operation = {
  readonly query: string;
  /** The document that the text stands for: operations are known again by their text. */
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Variables;
  readonly caller: Caller;
  /** The client wants the trace id in the answer's extensions. */
  readonly tellsTrace?: boolean;
};

/** A subscription as planned for one client: where its events come from, and how one becomes an answer. */
export type SubscriptionPlan = {
  /** The subgraph that has the root field. */
  readonly owner: string;
  /** What to send to the owner. */
  readonly query: string;
  readonly operationName: string | undefined;
  /** Those of the client's variables that the owner's part uses. */
  readonly variables: Variables;
  /** The answer to one event of the owner, with the fields of the other subgraphs. The event isn't changed. */
  execute(event: ExecutionResult): Promise<ExecutionResult>;
};

/** The federated graph: loaded by Apollo's gateway, planned by Apollo's planner, executed by `execute/`. */
export type Supergraph = {
  /** What clients see. */
  readonly schema: GraphQLSchema;
  /** The supergraph as composed. */
  readonly sdl: string;
  /** Whether nothing is left to plan for this operation. */
  isPrepared(operation: Omit<Operation, 'document' | 'caller'>): boolean;
  /** Plans an operation, so that executing it doesn't. Throws a GraphQLError for what `execute` refuses. */
  prepare(operation: Omit<Operation, 'caller'>): void;
  /** The same for all variables that it may come with. */
  prepareAll(operation: Pick<Operation, 'query' | 'document'>): void;
  /** How many operations are kept prepared, and how many plans of them: one for each setting of conditions. */
  prepared(): { readonly operations: number; readonly plans: number };
  /** Runs a query or mutation. */
  execute(operation: Operation): Promise<ExecutionResult>;
  /** Plans a subscription, once a document. Throws a GraphQLError for variables that can't be coerced. */
  planSubscription(operation: Operation): SubscriptionPlan;
  close(): Promise<void>;
};

/** Plans that are compared for one operation, a tenth of Apollo's default: planning is synchronous. */
const maxEvaluatedPlans = 1_000;

export type SupergraphOptions = {
  readonly sdl: string;
  /** Throws for a subgraph that can't be reached from here; so does loading a supergraph that has it. */
  readonly link: (name: string) => SubgraphLink;
  readonly headersFor: HeadersFor;
  /** How long an operation may take, and the answer to one event of a subscription. */
  readonly operationTimeoutMs: number;
  readonly answerLimits: AnswerLimits;
  /** Whether clients may learn the schema from the messages of errors. */
  readonly introspection: boolean;
  readonly log: Logger;
  readonly metrics: Metrics;
};

/**
 * Has the platform's scalars read what clients send as the subgraphs would, so that an amount beyond 2^53 or a time that is
 * none is refused, with status 400, before any subgraph is asked. What is sent on stays as it came.
 */
function readScalars(schema: GraphQLSchema): void {
  for (const [name, { parseValue, parseLiteral }] of Object.entries(scalars)) {
    const type = schema.getType(name);
    if (isScalarType(type)) Object.assign(type, { parseValue, parseLiteral });
  }
}

/** Loads a supergraph. */
export async function openSupergraph(options: SupergraphOptions): Promise<Supergraph> {
  // Apollo's gateway reads these itself: reports go nowhere.
  process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
  const gateway = new ApolloGateway({
    supergraphSdl: options.sdl,
    buildService: ({ name }) => noDataSource(options.link(name)),
    logger: quiet(options.log),
    queryPlannerConfig: { debug: { maxEvaluatedPlans } },
  });
  await gateway.load();
  const { queryPlanner: planner } = gateway.__testing();
  if (!planner) throw new Error('the gateway has not loaded');
  const fetch = subgraphFetch({ link: options.link, report: options, metrics: options.metrics });
  const executor = createExecutor<FetchContext>({ planner, fetch, errorPolicy, limits: options.answerLimits });
  readScalars(executor.schema);
  const begin = (caller: Caller) => fetchContext({ headersFor: options.headersFor, timeoutMs: options.operationTimeoutMs }, caller); // prettier-ignore

  const run = async (request: Parameters<typeof executor.execute>[0]): Promise<ExecutionResult> => {
    const result = await executor.execute(request);
    if (result.data === undefined) logUnplanned(options.log, result.errors, request.context.caller.traceId);
    return discreet(result);
  };
  /** The result without what its errors guess from the schema, where clients aren't shown that. */
  function discreet(result: ExecutionResult): ExecutionResult {
    if (options.introspection || !result.errors) return result;
    return noteSize({ ...result, errors: result.errors.map(withoutSuggestion) }, notedSize(result));
  }
  function loggingUnplanned<T>(caller: Caller, plan: () => T): T {
    try {
      return plan();
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      logUnplanned(options.log, [error], caller.traceId);
      throw options.introspection ? error : withoutSuggestion(error);
    }
  }
  return {
    schema: executor.schema,
    sdl: options.sdl,
    isPrepared: ({ query, variables }) => executor.isPrepared({ query, variables }),
    prepare: ({ variables, ...operation }) => executor.compile(knownByText(operation)).prepare(variables),
    prepareAll: (operation) => executor.compile(operation).prepareAll(),
    prepared() {
      const { operations, variants: plans } = executor.cached();
      return { operations, plans };
    },
    execute: ({ caller, ...operation }) => run({ ...knownByText(operation), context: begin(caller) }),
    planSubscription({ caller, variables, ...operation }) {
      const compiled = executor.compile(knownByText(operation));
      const { serviceName, ...asked } = loggingUnplanned(caller, () => compiled.subscription(variables));
      return {
        owner: serviceName,
        ...asked,
        execute: async (event) =>
          discreet(await executor.executeEvent(compiled, event, { variables, context: begin(caller) })),
      };
    },
    close: () => gateway.stop(),
  };
}

/** A document has one operation, so naming it changes nothing: with its name and without it is the same. A wrong name stays. */
const knownByText = <Asked extends Pick<Operation, 'document' | 'operationName'>>(operation: Asked): Asked =>
  getOperationAST(operation.document, operation.operationName) ? { ...operation, operationName: undefined } : operation;

/** The client learns that its operation has no plan; why is ours to look into. */
function logUnplanned(log: Logger, errors: readonly GraphQLError[] | undefined, traceId: string): void {
  for (const error of errors ?? [])
    if (error.extensions['code'] === 'PLANNING_FAILED')
      log.error({ err: error.originalError ?? error, traceId }, 'an operation could not be planned');
}

/** Apollo's gateway wants a data source for each subgraph, but its own executor, which asks them, is never called. */
const noDataSource = ({ name }: SubgraphLink): GraphQLDataSource => ({
  process: () => Promise.reject(new Error(`${name} is asked by the executor of gateway/execute`)),
});

/** Apollo's own chatter at the level where nobody is woken by it. */
const quiet = (log: Logger) => ({
  debug: (message?: unknown) => log.trace(message),
  info: (message?: unknown) => log.debug(message),
  warn: (message?: unknown) => log.warn(message),
  error: (message?: unknown) => log.error(message),
});
