import { type DocumentNode, Kind, type OperationDefinitionNode } from 'graphql';

export const operationsOf = (document: DocumentNode): OperationDefinitionNode[] =>
  document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);

/** The operation to run. Just after a change of tabs GraphiQL still names the one of the tab before: then the first. */
export function chosenOperation(
  document: DocumentNode,
  operationName: string | null | undefined,
): OperationDefinitionNode | undefined {
  // prettier-ignore
  const operations = operationsOf(document);
  return operations.find(({ name }) => name?.value === operationName) ?? operations[0];
}
