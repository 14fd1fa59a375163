import { type ExecutionResult, type FieldNode, Kind, type OperationDefinitionNode, parse, print, visit } from 'graphql';
import { chosenOperation } from './chosen-operation.ts';

type Params = { readonly query: string; readonly variables?: Record<string, unknown> | null | undefined };

/** The field that an operation subscribes to; undefined where it has none, or several. */
function rootField(operation: OperationDefinitionNode | undefined): FieldNode | undefined {
  const selections = operation?.selectionSet.selections ?? [];
  const [first] = selections;
  return selections.length === 1 && first?.kind === Kind.FIELD ? first : undefined;
}

/**
 * The place of an event in its stream, to be given as `afterSeq`; undefined where it was not selected. The journal of one
 * order counts by the event's own `seq` as well; in a stream of many orders that is another number.
 */
export function seqOf({ data }: ExecutionResult, query: string, operationName: string | null): number | undefined {
  const [notice] = Object.values(data ?? {}) as ({ seq?: unknown; event?: { seq?: unknown } } | null)[];
  const isOneOrder = rootField(chosenOperation(parse(query), operationName))?.name.value === 'orderEvents';
  const seq = notice?.seq ?? (isOneOrder ? notice?.event?.seq : undefined);
  return typeof seq === 'number' ? seq : undefined;
}

/**
 * The same subscription from after `seq` on; null where it can't be asked for: it doesn't give `afterSeq`.
 */
export function resumedAfter(params: Params, seq: number, operationName: string | null): Params | null {
  const document = parse(params.query);
  const argument = rootField(chosenOperation(document, operationName))?.arguments?.find(
    ({ name }) => name.value === 'afterSeq',
  );
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
