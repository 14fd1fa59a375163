import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  visit,
} from 'graphql';

/** The operation to execute, and the fragments of its document. */
export type ParsedOperation = {
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
};

/** Picks the operation by the rules of GraphQL §6.1 GetOperation. Throws a GraphQLError when there is not just one. */
export function pickOperation(document: DocumentNode, operationName: string | undefined): ParsedOperation {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const named =
    operationName === undefined ? operations : operations.filter((node) => node.name?.value === operationName);
  const [operation, another] = named;
  if (!operation)
    throw requestError(
      operationName === undefined ? 'Must provide an operation.' : `Unknown operation named "${operationName}".`,
    );
  if (another) throw requestError('Must provide operation name if query contains multiple operations.');
  const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
  return { operation, fragments: new Map(fragments.map((node) => [node.name.value, node])) };
}

/** A request that can't be executed at all. */
const requestError = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });

/** Whether the field asks about the schema. */
export const isIntrospection = ({ name: { value } }: FieldNode): boolean => value === '__schema' || value === '__type';

/** All names in the document: another one means nothing to it. */
export function namesIn(document: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  visit(document, { Name: ({ value }) => void names.add(value) });
  return names;
}

/** Names of the variables that decide a `@skip` or `@include` somewhere in the document, sorted. */
export function conditionVariables(document: DocumentNode): readonly string[] {
  const names = new Set<string>();
  visit(document, {
    Directive(node) {
      const condition = isCondition(node) ? conditionOf(node) : undefined;
      if (condition?.kind === Kind.VARIABLE) names.add(condition.name.value);
    },
  });
  return [...names].toSorted();
}

/**
 * The document as it is with these values of the condition variables: without what they leave out, and without
 * conditions. Operations are planned and shaped for each setting that is met, as the order of fields depends on it and
 * as Apollo's planner asks entities for what only a skipped field requires. A selection set may be empty then.
 */
export function settleConditions(document: DocumentNode, conditions: ReadonlyMap<string, boolean>): DocumentNode {
  const settle = <Node extends SelectionNode>(node: Node): Node | null | undefined => {
    if (!node.directives?.some(isCondition)) return undefined;
    if (!isIncluded(node.directives, conditions)) return null;
    return { ...node, directives: node.directives.filter((directive) => !isCondition(directive)) };
  };
  return visit(document, { Field: settle, InlineFragment: settle, FragmentSpread: settle });
}

function isIncluded(directives: readonly DirectiveNode[], conditions: ReadonlyMap<string, boolean>): boolean {
  return directives.filter(isCondition).every((directive) => {
    const condition = conditionOf(directive);
    const value =
      condition?.kind === Kind.VARIABLE
        ? conditions.get(condition.name.value) === true
        : condition?.kind === Kind.BOOLEAN && condition.value;
    return directive.name.value === 'skip' ? !value : value;
  });
}

const isCondition = ({ name }: DirectiveNode): boolean => name.value === 'skip' || name.value === 'include';
const conditionOf = ({ arguments: given }: DirectiveNode): ArgumentNode['value'] | undefined =>
  given?.find(({ name }) => name.value === 'if')?.value;
