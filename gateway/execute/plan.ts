import type { FlattenNode, PlanNode, SubscriptionNode } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';
import { compileEntityFetch } from './entity-fetch.ts';
import { type LeavesAt, type PlacedFetch, openLeavesAt } from './interchangeable.ts';
import { type Merge, mergeInto } from './merge.ts';
import { compilePath } from './paths.ts';
import { compileRootFetch } from './root-fetch.ts';
import type { Step } from './run.ts';
import { compileQuery } from './subgraph-query.ts';

type PlanContext = {
  /** The supergraph's schema, all types that subgraphs know. */
  readonly schema: GraphQLSchema;
  readonly merge: Merge;
  /** False where code can't be generated from strings. */
  readonly generateCode: boolean;
  /** How often the plan asks the same of entities, by the query's identity. */
  readonly repeats: ReadonlyMap<string, number>;
  readonly leavesAt: LeavesAt;
};

/** Compiles a plan. Throws an Error for `@defer` and for what Apollo's gateway can't run either. */
export function compilePlan<Context>(
  schema: GraphQLSchema,
  node: PlanNode | SubscriptionNode | undefined,
  generateCode: boolean,
): Step<Context> {
  const { primary, rest } = node?.kind === 'Subscription' ? node : { primary: undefined, rest: node };
  if (!rest) return () => Promise.resolve();
  const fetches = fetchesOf(rest, []);
  const repeats = new Map<string, number>();
  for (const { node: fetch } of fetches) {
    if (!fetch.requires) continue;
    const { identity } = compileQuery(fetch);
    repeats.set(identity, (repeats.get(identity) ?? 0) + 1);
  }
  if (primary) fetches.push({ node: primary, path: [] });
  const leavesAt = openLeavesAt(fetches);
  return compileNode({ schema, merge: mergeInto(schema), generateCode, repeats, leavesAt }, rest, []);
}

function compileNode<Context>(context: PlanContext, node: PlanNode, path: readonly (string | number)[]): Step<Context> {
  switch (node.kind) {
    case 'Fetch':
      return compileFetches(context, [{ node, path }]);
    case 'Flatten':
      return compileNode(context, node.node, [...path, ...node.path]);
    case 'Sequence': {
      const steps = node.nodes.map((one) => compileNode<Context>(context, one, path));
      return async (run) => {
        for (const step of steps) {
          if (run.isLost()) return;
          await step(run);
        }
      };
    }
    case 'Parallel':
      return compileParallel(context, node.nodes, path);
    case 'Condition':
      // Conditions are settled before planning, and the clients' API has no others.
      throw new Error(`a plan with a condition: ${node.condition}`);
    case 'Defer':
      throw new Error('a plan with @defer');
  }
}

/** Entity fetches that are ready at the same time and ask the same become one. */
function compileParallel<Context>(
  context: PlanContext,
  nodes: readonly PlanNode[],
  path: readonly (string | number)[],
): Step<Context> {
  const groups = new Map<unknown, PlacedFetch[]>();
  const steps: Step<Context>[] = [];
  for (const node of nodes) {
    const fetch = node.kind === 'Flatten' ? fetchBelow(node, path) : undefined;
    if (!fetch?.node.requires) {
      steps.push(compileNode(context, node, path));
      continue;
    }
    const { requires, inputRewrites, outputRewrites, variableUsages } = fetch.node;
    const same = JSON.stringify([compileQuery(fetch.node).identity, requires, inputRewrites, outputRewrites, variableUsages]); // prettier-ignore
    const group = groups.get(same);
    if (group) group.push(fetch);
    else groups.set(same, [fetch]);
  }
  for (const group of groups.values()) steps.push(compileFetches(context, group));
  const [only, ...others] = steps;
  if (only && others.length === 0) return only;
  return async (run) => {
    await Promise.all(steps.map((step) => step(run)));
  };
}

function fetchBelow(node: FlattenNode, path: readonly (string | number)[]): PlacedFetch | undefined {
  const inner = [...path, ...node.path];
  return node.node.kind === 'Fetch' ? { node: node.node, path: inner } : undefined;
}

function compileFetches<Context>(
  { schema, merge, generateCode, repeats, leavesAt }: PlanContext,
  fetches: readonly PlacedFetch[],
): Step<Context> {
  const node = fetches[0]?.node;
  if (!node) throw new Error('no fetch to compile');
  if (node.contextRewrites?.length) throw new Error('@fromContext is not supported by the gateway');
  const { requires } = node;
  const paths = fetches.map(({ path }) => compilePath(path, generateCode, requires ? leavesAt(path) : null));
  if (requires) {
    const canRepeat = (repeats.get(compileQuery(node).identity) ?? 0) > fetches.length;
    return compileEntityFetch({ schema, merge, generateCode, node: { ...node, requires }, paths, canRepeat });
  }
  const [path] = paths;
  if (!path) throw new Error('a fetch without a place');
  return compileRootFetch({ schema, merge, node, path });
}

function fetchesOf(node: PlanNode, path: readonly (string | number)[]): PlacedFetch[] {
  switch (node.kind) {
    case 'Fetch':
      return [{ node, path }];
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
