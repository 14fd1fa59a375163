import { type ExecutionResult, type FieldNode, Kind, type OperationDefinitionNode, parse, print, visit } from 'graphql';

type Params = { readonly query: string; readonly variables?: Record<string, unknown> | null | undefined };

/** The field that an operation subscribes to; undefined where it has none, or several. */
function rootField(operation: OperationDefinitionNode | undefined): FieldNode | undefined {
  const selections = operation?.selectionSet.selections ?? [];
  const [first] = selections;
  return selections.length === 1 && first?.kind === Kind.FIELD ? first : undefined;
}

/** The `seq` of an event: its place in the stream, or in the order's journal; undefined where it was not selected. */
export function seqOf({ data }: ExecutionResult): number | undefined {
  const [notice] = Object.values(data ?? {}) as ({ seq?: unknown; event?: { seq?: unknown } } | null)[];
  const seq = notice?.seq ?? notice?.event?.seq;
  return typeof seq === 'number' ? seq : undefined;
}

/**
 * The same subscription from after `seq` on; null where it can't be asked for: it doesn't give `afterSeq`. A stream of the
 * order's own journal counts by the event's `seq`, which is that of the stream too.
 */
export function resumedAfter(params: Params, seq: number, operationName: string | null): Params | null {
  const document = parse(params.query);
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const operation = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  const argument = rootField(operation)?.arguments?.find(({ name }) => name.value === 'afterSeq');
  if (argument === undefined) return null;
  if (argument.value.kind === Kind.VARIABLE)
    return { ...params, variables: { ...params.variables, [argument.value.name.value]: seq } };
  const query = print(
    visit(document, {
      Argument: (node) => (node === argument ? { ...node, value: { kind: Kind.INT, value: String(seq) } } : undefined),
    }),
  );
  return { ...params, query };
}
