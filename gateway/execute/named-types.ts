import { type Subgraph, type Supergraph, baseType } from '@apollo/federation-internals';
import type { FetchNode, PlanNode, QueryPlan, SubscriptionNode } from '@apollo/query-planner';
import { type FieldNode, Kind, TypeInfo, parse, print, visit, visitWithTypeInfo } from 'graphql';

/** Has every fetch of a plan ask for the type of objects whose type only the subgraph knows. */
export type NameTypes = (plan: QueryPlan) => QueryPlan;

/**
 * A shareable field may be of an object type in one subgraph and of an interface or a union in another, and so in the
 * supergraph. Apollo's planner doesn't ask the first for `__typename`, as it could only answer one; then the answer
 * doesn't say which type of the supergraph's the object has.
 */
export function openNameTypes(supergraph: Supergraph): NameTypes {
  const namers = new Map<string, (operation: string) => string>();
  for (const subgraph of supergraph.subgraphs()) {
    const fields = concreteFields(supergraph, subgraph);
    if (fields.size > 0) namers.set(subgraph.name, typeNamer(subgraph, fields));
  }
  if (namers.size === 0) return (plan) => plan;

  function nameIn(node: FetchNode): FetchNode {
    const namer = namers.get(node.serviceName);
    return namer ? { ...node, operation: namer(node.operation) } : node;
  }
  function nameBelow(node: PlanNode): PlanNode {
    switch (node.kind) {
      case 'Fetch':
        return nameIn(node);
      case 'Flatten':
        return { ...node, node: nameBelow(node.node) };
      case 'Sequence':
      case 'Parallel':
        return { ...node, nodes: node.nodes.map(nameBelow) };
      case 'Condition':
      case 'Defer':
        // Refused when the plan is compiled.
        return node;
    }
  }
  const nameAll = (node: PlanNode | SubscriptionNode): PlanNode | SubscriptionNode =>
    node.kind === 'Subscription'
      ? { ...node, primary: nameIn(node.primary), ...(node.rest && { rest: nameBelow(node.rest) }) }
      : nameBelow(node);
  return (plan) => (plan.node ? { ...plan, node: nameAll(plan.node) } : plan);
}

/** `Type.field` of the fields that are objects of one type in this subgraph and of several in the supergraph. */
function concreteFields(supergraph: Supergraph, subgraph: Subgraph): ReadonlySet<string> {
  const found = new Set<string>();
  for (const type of subgraph.schema.types()) {
    if (type.kind !== 'ObjectType' && type.kind !== 'InterfaceType') continue;
    const whole = supergraph.schema.type(type.name);
    if (whole?.kind !== 'ObjectType' && whole?.kind !== 'InterfaceType') continue;
    for (const field of type.fields()) {
      const shared = whole.field(field.name)?.type;
      if (!field.type || !shared) continue;
      const [own, all] = [baseType(field.type), baseType(shared)];
      const isAbstract = all.kind === 'InterfaceType' || all.kind === 'UnionType';
      // An interface object has no type to tell.
      if (isAbstract && own.kind === 'ObjectType' && own.name !== all.name) found.add(`${type.name}.${field.name}`);
    }
  }
  return found;
}

function typeNamer(subgraph: Subgraph, fields: ReadonlySet<string>): (operation: string) => string {
  const schema = subgraph.schema.toGraphQLJSSchema();
  return (operation) => {
    const types = new TypeInfo(schema);
    const named = visit(
      parse(operation, { noLocation: true }),
      visitWithTypeInfo(types, {
        Field(node) {
          if (!node.selectionSet || !fields.has(`${types.getParentType()?.name}.${node.name.value}`)) return undefined;
          const { selections } = node.selectionSet;
          const isNamed = selections.some((one) => one.kind === Kind.FIELD && one.name.value === '__typename' && !one.alias); // prettier-ignore
          if (isNamed) return undefined;
          return { ...node, selectionSet: { ...node.selectionSet, selections: [typename, ...selections] } };
        },
      }),
    );
    return print(named);
  };
}

const typename: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
