import type { FetchNode, PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { type GraphQLSchema, OperationTypeNode } from 'graphql';
import { compileEntityFetch } from './entity-fetch.ts';
import { type LeavesAt, type PlacedFetch, openLeavesAt } from './interchangeable.ts';
import { type Merge, mergeInto } from './merge.ts';
import { compilePath } from './paths.ts';
import { compileRootFetch } from './root-fetch.ts';
import type { Step } from './run.ts';
import { type SubgraphQuery, compileQuery, parseFetch } from './subgraph-query.ts';

type PlanContext = {
  /** The supergraph's schema, all types that subgraphs know. */
  readonly schema: GraphQLSchema;
  readonly merge: Merge;
  /** False where code can't be generated from strings. */
  readonly generateCode: boolean;
  readonly fetches: ReadonlyMap<FetchNode, PlannedFetch>;
  /** How often the plan asks the same, by the query's identity. */
  readonly repeats: ReadonlyMap<string, number>;
  readonly leavesAt: LeavesAt;
};

type PlannedFetch = PlacedFetch & { readonly query: SubgraphQuery };

type CompiledPlan<Context> = {
  readonly steps: Step<Context>;
  /** Response names of all that the plan fetches at the root. */
  readonly rootKeys: ReadonlySet<string>;
};

/** Compiles a plan. Throws an Error for `@defer` and for what Apollo's gateway can't run either. */
export function compilePlan<Context>(
  schema: GraphQLSchema,
  node: PlanNode | SubscriptionNode | undefined,
  generateCode: boolean,
): CompiledPlan<Context> {
  const { primary, rest } = node?.kind === 'Subscription' ? node : { primary: undefined, rest: node };
  const first = primary ? planFetch(primary, []) : undefined;
  const fetches = rest ? fetchesOf(rest, []) : [];
  const atRoot = [...fetches, ...(first ? [first] : [])].filter((one) => one.path.length === 0 && !one.node.requires);
  const rootKeys = new Set(atRoot.flatMap(({ query }) => [...query.keys]));
  if (!rest) return { steps: () => Promise.resolve(), rootKeys };
  const repeats = new Map<string, number>();
  for (const { node: fetch, query } of fetches)
    // What changes something is done as often as the client says.
    if (fetch.operationKind !== OperationTypeNode.MUTATION)
      repeats.set(query.identity, (repeats.get(query.identity) ?? 0) + 1);
  const leavesAt = openLeavesAt(first ? [...fetches, first] : fetches);
  const byNode = new Map(fetches.map((fetch) => [fetch.node, fetch]));
  const context = { schema, merge: mergeInto(schema), generateCode, fetches: byNode, repeats, leavesAt };
  return { steps: compileNode(context, rest), rootKeys };
}

function compileNode<Context>(context: PlanContext, node: PlanNode): Step<Context> {
  switch (node.kind) {
    case 'Fetch':
      return compileFetches(context, [plannedFetch(context, node)]);
    case 'Flatten':
      return compileNode(context, node.node);
    case 'Sequence':
      return inSequence(node.nodes.map((one) => compileNode(context, one)));
    case 'Parallel':
      return atOnce(compileParallel(context, node.nodes));
    case 'Condition':
      // Conditions are settled before planning, and the clients' API has no others.
      throw new Error(`a plan with a condition: ${node.condition}`);
    case 'Defer':
      throw new Error('a plan with @defer');
  }
}

const inSequence =
  <Context>(steps: readonly Step<Context>[]): Step<Context> =>
  async (run) => {
    for (const step of steps) {
      if (run.isLost()) return;
      await step(run);
    }
  };

function atOnce<Context>(steps: readonly Step<Context>[]): Step<Context> {
  const [only, ...others] = steps;
  if (only && others.length === 0) return only;
  return async (run) => {
    await Promise.all(steps.map((step) => step(run)));
  };
}

/** Entity fetches that are ready at the same time and ask the same become one. */
function compileParallel<Context>(context: PlanContext, nodes: readonly PlanNode[]): Step<Context>[] {
  const groups = new Map<unknown, PlannedFetch[]>();
  const steps: Step<Context>[] = [];
  for (const node of nodes) {
    const inner = node.kind === 'Flatten' ? node.node : node;
    if (inner.kind !== 'Fetch' || !inner.requires) {
      steps.push(compileNode(context, node));
      continue;
    }
    const fetch = plannedFetch(context, inner);
    const { requires, inputRewrites, outputRewrites, variableUsages } = inner;
    const same = JSON.stringify([fetch.query.identity, requires, inputRewrites, outputRewrites, variableUsages]);
    const group = groups.get(same);
    if (group) group.push(fetch);
    else groups.set(same, [fetch]);
  }
  for (const group of groups.values()) steps.push(compileFetches(context, group));
  return steps;
}

function compileFetches<Context>(
  { schema, merge, generateCode, repeats, leavesAt }: PlanContext,
  fetches: readonly PlannedFetch[],
): Step<Context> {
  const [first] = fetches;
  if (!first) throw new Error('no fetch to compile');
  const { node, query } = first;
  if (node.contextRewrites?.length) throw new Error('@fromContext is not supported by the gateway');
  const { requires } = node;
  const canRepeat = (repeats.get(query.identity) ?? 0) > fetches.length;
  const paths = fetches.map(({ path }) => compilePath(path, generateCode, requires ? leavesAt(path) : null));
  if (requires)
    return compileEntityFetch({ schema, merge, generateCode, node: { ...node, requires }, query, paths, canRepeat });
  const [path] = paths;
  if (!path) throw new Error('a fetch without a place');
  return compileRootFetch({ schema, merge, node, query, path, canRepeat });
}

function fetchesOf(node: PlanNode, path: readonly (string | number)[]): PlannedFetch[] {
  switch (node.kind) {
    case 'Fetch':
      return [planFetch(node, path)];
    case 'Flatten':
      return fetchesOf(node.node, [...path, ...node.path]);
    case 'Sequence':
    case 'Parallel':
      return node.nodes.flatMap((one) => fetchesOf(one, path));
    case 'Condition':
      return [node.ifClause, node.elseClause].flatMap((one) => (one ? fetchesOf(one, path) : []));
    case 'Defer':
      // Never run: to compile it throws.
      return [];
  }
}

function planFetch(node: FetchNode, path: readonly (string | number)[]): PlannedFetch {
  const parsed = parseFetch(node);
  return { node, path, parsed, query: compileQuery(node, parsed) };
}

function plannedFetch({ fetches }: PlanContext, node: FetchNode): PlannedFetch {
  const fetch = fetches.get(node);
  if (!fetch) throw new Error('a fetch that is not of the plan');
  return fetch;
}
