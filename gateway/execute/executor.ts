import { Supergraph, operationFromDocument } from '@apollo/federation-internals';
import { type QueryPlan, QueryPlanner } from '@apollo/query-planner';
import { type DocumentNode, type ExecutionResult, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { LRUCache } from 'lru-cache';
import { type AnswerLimits, defaultAnswerLimits } from '../../subgraphs/shared/answers/answer-size.ts';
import { keepExtensions } from './answers.ts';
import { type CompiledOperation, compileOperation } from './compile.ts';
import { executeLimits } from './limits.ts';
import { openNameTypes } from './named-types.ts';
import { supergraphNames } from './supergraph-names.ts';
import { checkSupported } from './supported.ts';
import type { ErrorPolicy, SubgraphFetch, SubgraphResponse } from './types.ts';
import { type ExecuteRequest, type Variant, planningFailed } from './variant.ts';

/** The supergraph, or a planner that has loaded it. */
type Source = { readonly supergraphSdl: string } | { readonly planner: QueryPlanner };

export type ExecutorOptions<Context> = Source & {
  readonly fetch: SubgraphFetch<Context>;
  /** Default `keepExtensions`: what the subgraph said plus `serviceName`. */
  readonly errorPolicy?: ErrorPolicy;
  /** How large one answer may be; a larger one is refused with ANSWER_TOO_LARGE. */
  readonly limits?: AnswerLimits;
  /** Default: whether the process may generate code from strings. */
  readonly generateCode?: boolean;
};

/** A client's operation. `query` is the document's text, by which it is known again. */
export type ExecutorRequest<Context> = {
  readonly query: string;
  /** The document if it was parsed and validated by the caller; else both are done here, once. */
  readonly document?: DocumentNode | undefined;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly context: Context;
};

export type Executor<Context> = {
  /** What clients see. */
  readonly schema: GraphQLSchema;
  /** Runs a query or mutation. Refused requests (bad syntax, bad variables) are results without `data`. */
  execute(request: ExecutorRequest<Context>): Promise<ExecutionResult>;
  /**
   * The compiled form of an operation, from the cache or made now: compiling ahead is calling it. Planning is synchronous
   * and the result is cached before anybody else runs, so no document is planned twice at once.
   * Throws a GraphQLError for documents that can't be executed.
   */
  compile(request: Omit<ExecutorRequest<Context>, 'variables' | 'context'>): CompiledOperation<Context>;
  /** Whether executing this has nothing to parse, plan or compile. */
  isPrepared(request: Omit<ExecutorRequest<Context>, 'context'>): boolean;
  /** Answers one event of a subscription that `compile` gave. */
  executeEvent(
    compiled: CompiledOperation<Context>,
    event: SubgraphResponse,
    request: ExecuteRequest<Context>,
  ): Promise<ExecutionResult>;
  /** How many operations are kept, and how many plans of them. */
  cached(): { readonly operations: number; readonly variants: number };
};

/**
 * An executor of Apollo's plans for a supergraph.
 *
 * @throws {Error} for a supergraph with what is not supported
 */
export function createExecutor<Context>(options: ExecutorOptions<Context>): Executor<Context> {
  const {
    fetch,
    errorPolicy: policy = keepExtensions,
    limits = defaultAnswerLimits,
    generateCode = canGenerateCode(),
  } = options;
  const planner = 'planner' in options ? options.planner : new QueryPlanner(Supergraph.build(options.supergraphSdl));
  const { supergraph } = planner;
  const apiSchema = supergraph.apiSchema();
  const schema = apiSchema.toGraphQLJSSchema();
  const supergraphSchema = supergraph.schema.toGraphQLJSSchema();
  checkSupported(supergraph, supergraphSchema);
  const nameTypes = openNameTypes(supergraph);
  const names = supergraphNames(supergraph, supergraphSchema, schema);
  const operations = new LRUCache<string, CompiledOperation<Context>>({
    max: executeLimits.operations,
    maxSize: executeLimits.operationCharacters,
    sizeCalculation: (_, key) => key.length + 1,
  });
  const variants = new LRUCache<string, Variant<Context>>({
    max: executeLimits.variants,
    maxSize: executeLimits.variantCharacters,
    sizeCalculation: ({ planCharacters }, key) => planCharacters + key.length,
  });

  function compileNow(
    key: string,
    { query, document: given, name }: { query: string; document: DocumentNode | undefined; name: string | undefined },
  ): CompiledOperation<Context> {
    const document = given ?? parseValid(schema, query);
    return compileOperation({
      schema,
      supergraphSchema,
      names,
      document,
      operationName: name,
      plan: (settled) => planNow(settled, name),
      fetch,
      policy,
      limits,
      generateCode,
      key,
      variants,
    });
  }
  function planNow(document: DocumentNode, name: string | undefined): QueryPlan {
    try {
      const operation = operationFromDocument(apiSchema, document, name === undefined ? {} : { operationName: name });
      return nameTypes(planner.buildQueryPlan(operation));
    } catch (error) {
      throw planningFailed(error);
    }
  }
  const keyOf = (query: string, name: string | undefined): string => (name === undefined ? query : `${name}\n${query}`);
  function compile({ query, document, operationName }: Omit<ExecutorRequest<Context>, 'variables' | 'context'>) {
    const name = operationName ?? undefined;
    const key = keyOf(query, name);
    let compiled = operations.get(key);
    if (!compiled) operations.set(key, (compiled = compileNow(key, { query, document, name })));
    return compiled;
  }

  return {
    schema,
    compile,
    isPrepared: ({ query, operationName, variables }) =>
      operations.get(keyOf(query, operationName ?? undefined))?.isPrepared(variables ?? {}) ?? false,
    execute(request) {
      let compiled: CompiledOperation<Context>;
      try {
        compiled = compile(request);
      } catch (error) {
        return error instanceof GraphQLError ? Promise.resolve({ errors: [error] }) : Promise.reject(error);
      }
      return compiled.execute({ variables: request.variables ?? {}, context: request.context });
    },
    executeEvent: (compiled, event, request) => compiled.executeEvent(event, request),
    cached: () => ({ operations: operations.size, variants: variants.size }),
  };
}

function parseValid(schema: GraphQLSchema, query: string): DocumentNode {
  const document = parse(query);
  const [error] = validate(schema, document);
  if (error) throw error;
  return document;
}

/** False under `--disallow-code-generation-from-strings`. */
function canGenerateCode(): boolean {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval
    return new Function('return true')() === true;
  } catch {
    return false;
  }
}
