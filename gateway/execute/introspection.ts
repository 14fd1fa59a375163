import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
  executeSync,
} from 'graphql';
import type { ParsedOperation } from './operation.ts';
import type { ObjectShape } from './shape.ts';
import type { ErrorBook } from './error-book.ts';
import type { JsonObject } from './types.ts';

/** Answers the introspection fields of an operation, which no subgraph is asked about. Notes arguments that can't be coerced. */
export type Introspect = (variables: Readonly<Record<string, unknown>>, book: ErrorBook) => JsonObject;

/** Null when the shape has no introspection fields. Aliases, arguments, variables and fragments as anywhere else. */
export function compileIntrospection(
  schema: GraphQLSchema,
  { operation, fragments }: ParsedOperation,
  shape: ObjectShape,
): Introspect | null {
  const nodes = shape.fields.flatMap((field) => (field.kind === 'introspection' ? field.nodes : []));
  if (nodes.length === 0) return null;
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        kind: Kind.OPERATION_DEFINITION,
        operation: OperationTypeNode.QUERY,
        ...(operation.variableDefinitions && { variableDefinitions: operation.variableDefinitions }),
        selectionSet: { kind: Kind.SELECTION_SET, selections: nodes satisfies readonly FieldNode[] },
      },
      ...(fragments.values() satisfies Iterable<FragmentDefinitionNode>),
    ],
  };
  return (variableValues, book) => {
    const { data, errors = [] } = executeSync({ schema, document, variableValues });
    for (const { message, path } of errors) book.add({ message, extensions: { code: 'BAD_USER_INPUT' } }, path);
    return data ?? {};
  };
}
