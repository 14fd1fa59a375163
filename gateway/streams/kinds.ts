import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  type VariableDefinitionNode,
  type VariableNode,
  parse,
  parseType,
  print,
  valueFromASTUntyped,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { namesIn } from '../execute/operation.ts';

/**
 * What the events of a subscription are, and so what may be done for a client that is slower than they come.
 *
 * - `journal`: entries with a `seq`, of which none may be left out. They can be read again after any of them (`afterSeq`).
 * - `states`: each is the newest state of what `identity` selects; the one before it needn't be sent any more. `begins`
 *   says whether a new stream starts with the states as they are or with the first change.
 */
export type StreamKind =
  | { readonly kind: 'journal' }
  | { readonly kind: 'states'; readonly identity: string; readonly begins: 'with states' | 'with changes' };

/** By root field of the supergraph. One that isn't here has its own upstream for each client, and all of its events are sent. */
export const streamKinds: Readonly<Record<string, StreamKind>> = {
  orderEvents: { kind: 'journal' },
  myOrders: { kind: 'journal' },
  allOrders: { kind: 'journal' },
  notifications: { kind: 'journal' },
  paymentUpdated: { kind: 'states', identity: 'id', begins: 'with states' },
  stockChanged: { kind: 'states', identity: 'product { id }', begins: 'with changes' },
};

/** Names that the gateway adds to what it asks the owner of a subscription; longer where the client uses them. */
const usualMarkAlias = 'gatewayMark';
const usualPositionVariable = 'gatewayAfterSeq';
const maxPrepared = 1_000;

type Variables = Readonly<Record<string, unknown>>;

/** A request to the owner of a subscription from which the gateway knows where each event stands. */
export type StreamRequest = {
  readonly kind: StreamKind | null;
  readonly query: string;
  /** With the position to start after, for a journal; null is from now on. */
  variables(afterSeq: number | null): Variables;
  /** Where the client wants to start. */
  readonly startAfter: number | null;
  /** The event's `seq` in a journal, or what tells states apart; null for neither. */
  mark(data: unknown): number | string | null;
};

type Prepared = Pick<StreamRequest, 'kind' | 'query' | 'mark'> & {
  /** The variable that tells the owner where to start, where the kind has one. */
  readonly positionVariable?: string;
  /** The client's own `afterSeq`, where the kind has one. */
  readonly position: (variables: Variables) => number | null;
  readonly kept: readonly string[];
};

/** Prepares the owner's requests, each text once. */
export function streamRequests(
  kinds: Readonly<Record<string, StreamKind>> = streamKinds,
): (asked: { query: string; variables: Variables }) => StreamRequest {
  const prepared = new LRUCache<string, Prepared>({ max: maxPrepared });
  return ({ query, variables }) => {
    let request = prepared.get(query);
    if (!request) prepared.set(query, (request = prepare(query, kinds)));
    const { kind, position, positionVariable, kept } = request;
    const own = Object.fromEntries(Object.entries(variables).filter(([name]) => kept.includes(name)));
    return {
      kind,
      query: request.query,
      mark: request.mark,
      startAfter: position(variables),
      variables: (afterSeq) => (positionVariable === undefined ? own : { ...own, [positionVariable]: afterSeq }),
    };
  };
}

function prepare(query: string, kinds: Readonly<Record<string, StreamKind>>): Prepared {
  const document = parse(query, { noLocation: true });
  const operation = document.definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  const [root, ...others] = operation?.selectionSet.selections ?? [];
  const definitions = operation?.variableDefinitions ?? [];
  const kind = root?.kind === Kind.FIELD && others.length === 0 ? kinds[root.name.value] : undefined;
  if (!kind || !operation || root?.kind !== Kind.FIELD)
    return { kind: null, query, mark: () => null, position: () => null, kept: definitions.map(nameOf) };

  const responseName = root.alias?.value ?? root.name.value;
  const names = namesIn(document);
  const markAlias = unusedName(usualMarkAlias, names);
  const positionVariable = kind.kind === 'journal' ? unusedName(usualPositionVariable, names) : undefined;
  const marked = withMark(root, `${markAlias}: ${kind.kind === 'journal' ? 'seq' : kind.identity}`);
  const field = positionVariable === undefined ? marked : withPosition(marked, positionVariable);
  const used = variablesOf({ ...document, definitions: document.definitions.map((one) => (one === operation ? withField(operation, field, []) : one)) }); // prettier-ignore
  const kept = definitions.filter((definition) => used.has(nameOf(definition)));
  const whole = withField(operation, field, positionVariable === undefined ? kept : [...kept, definitionOf(positionVariable)]); // prettier-ignore
  return {
    kind,
    query: print({ ...document, definitions: document.definitions.map((one) => (one === operation ? whole : one)) }),
    kept: kept.map(nameOf),
    ...(positionVariable !== undefined && { positionVariable }),
    position: kind.kind === 'journal' ? positionOf(root, definitions) : () => null,
    mark: (data) => markOf((data as Record<string, unknown> | null)?.[responseName], markAlias),
  };
}

const nameOf = (definition: VariableDefinitionNode): string => definition.variable.name.value;

function unusedName(usual: string, names: ReadonlySet<string>): string {
  let name = usual;
  while (names.has(name)) name += '_';
  return name;
}

const variable = (name: string): VariableNode => ({ kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } });
const definitionOf = (positionVariable: string): VariableDefinitionNode => ({
  kind: Kind.VARIABLE_DEFINITION,
  variable: variable(positionVariable),
  type: parseType('SafeInt', { noLocation: true }),
});
const afterSeq = (positionVariable: string): ArgumentNode => ({
  kind: Kind.ARGUMENT,
  name: { kind: Kind.NAME, value: 'afterSeq' },
  value: variable(positionVariable),
});

const withField = (
  operation: OperationDefinitionNode,
  field: FieldNode,
  variableDefinitions: readonly VariableDefinitionNode[],
): OperationDefinitionNode => ({
  ...operation,
  variableDefinitions,
  selectionSet: { ...operation.selectionSet, selections: [field] },
});

function withMark(field: FieldNode, selection: string): FieldNode {
  const { definitions } = parse(`{ mark { ${selection} } }`, { noLocation: true });
  const [operation] = definitions as OperationDefinitionNode[];
  const [holder] = (operation?.selectionSet.selections ?? []) as FieldNode[];
  const { selectionSet } = field;
  if (!selectionSet || !holder?.selectionSet) throw new Error(`${field.name.value} has no selections`);
  const selections = [...selectionSet.selections, ...holder.selectionSet.selections];
  return { ...field, selectionSet: { ...selectionSet, selections } };
}

const withPosition = (field: FieldNode, positionVariable: string): FieldNode => ({
  ...field,
  arguments: [...(field.arguments ?? []).filter(({ name }) => name.value !== 'afterSeq'), afterSeq(positionVariable)],
});

function positionOf(
  field: FieldNode,
  definitions: readonly VariableDefinitionNode[],
): (variables: Variables) => number | null {
  const value = field.arguments?.find(({ name }) => name.value === 'afterSeq')?.value;
  if (!value) return () => null;
  const defaults = Object.fromEntries(definitions.flatMap((definition) => (definition.defaultValue ? [[nameOf(definition), valueFromASTUntyped(definition.defaultValue)]] : []))); // prettier-ignore
  return (variables) => {
    const given = valueFromASTUntyped(value, { ...defaults, ...variables });
    return typeof given === 'number' ? given : null;
  };
}

function variablesOf(document: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void names.add(name.value),
  });
  return names;
}

function markOf(event: unknown, markAlias: string): number | string | null {
  const mark = (event as Record<string, unknown> | null | undefined)?.[markAlias];
  if (mark === undefined || mark === null) return null;
  return typeof mark === 'number' || typeof mark === 'string' ? mark : JSON.stringify(mark);
}
