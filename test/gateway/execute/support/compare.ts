import assert from 'node:assert/strict';
import { Supergraph } from '@apollo/federation-internals';
import { type DocumentNode, type ExecutionResult, type FieldNode, Kind, TypeInfo, execute, isAbstractType, isObjectType, parse, print, validate, visit, visitWithTypeInfo } from 'graphql'; // prettier-ignore
import { overlappingNames } from '../../../../gateway/execute/overlaps.ts';
import { planDocument } from '../../../../gateway/execute/plan-document.ts';
import { type SupergraphNames, supergraphNames } from '../../../../gateway/execute/supergraph-names.ts';
import type { Federation, Request } from './federation.ts';

/** How one random operation compared. */
export type Comparison =
  /** All three agree. */
  | 'same'
  /** Ours follows graphql-js where stock doesn't, for a reason that a named test shows. */
  | 'stock-alias-collision'
  | 'stock-reserved-variable'
  | 'stock-conditions'
  | 'stock-overlapping-arguments'
  | 'stock-required-arguments'
  | 'stock-interface-object'
  | 'stock-abstract-fragment'
  /**
   * Apollo's planner asks an interface object for the fields of all types, whatever the object's is: when a non-null one
   * throws that the client didn't ask of this type, the subgraph answers null for all that it was asked for.
   */
  | 'plan-asks-too-much'
  /** Stock answers nothing at all where one value is wrong. */
  | 'stock-fails'
  /** Ours sends other names than stock, so the faults, which depend on names, are others: only ours is checked. */
  | 'stock-asks-otherwise'
  /** Apollo's planner can't plan it, for anybody. */
  | 'unplannable';

/** True for operations that clients could send. */
export const isValid = (federation: Federation, { query }: Request): boolean =>
  validate(federation.api, parse(query)).length === 0;

/** Data as text: same values in the same order. */
const textOf = ({ data }: ExecutionResult): string => JSON.stringify(data);

/**
 * Runs an operation in all ways and fails for any difference that isn't explained: ours must be equal to graphql-js to
 * the order of keys; stock may differ where it is known to.
 */
export async function compare(federation: Federation, request: Request): Promise<Comparison> {
  const expected = await federation.unfederated(request);
  const ours = await runOurs(federation, request);
  const stock = await federation.stock(request).catch((error: unknown) => ({ errors: [error] }) as ExecutionResult);
  const code = ours.errors?.[0]?.extensions['code'];
  if (ours.data === undefined && (code === 'PLANNING_FAILED' || code === 'INVALID_GRAPHQL')) {
    // Nobody can run what can't be planned, whatever form it was given.
    assert.ok(!stock.data, `only ours can't be planned: ${ours.errors?.[0]?.message}`);
    return 'unplannable';
  }
  if (asksTooMuch(federation, { ours, stock, expected })) return 'plan-asks-too-much';
  assert.equal(textOf(ours), textOf(expected));
  assert.deepEqual(explainedNulls(ours), explainedNulls(expected));
  const sorted = (result: ExecutionResult): unknown => JSON.parse(JSON.stringify(result.data ?? null));
  if (isDeepEqual(sorted(stock), sorted(expected))) return 'same';
  const reason = knownReason(federation, request, stock);
  assert.ok(reason, `stock differs without a known reason: ${JSON.stringify(stock).slice(0, 2_000)}`);
  return reason;
}

/**
 * The same with subgraphs that answer wrongly, where there is no unfederated answer: ours must not fail, must have an
 * error for what is missing, and must have stock's data unless stock is known to differ.
 */
export async function compareFaulty(federation: Federation, request: Request): Promise<Comparison> {
  const ours = await runOurs(federation, request);
  const stock = await federation.stock(request).catch((error: unknown) => ({ errors: [error] }) as ExecutionResult);
  const code = ours.errors?.[0]?.extensions['code'];
  if (ours.data === undefined && (code === 'PLANNING_FAILED' || code === 'INVALID_GRAPHQL')) return 'unplannable';
  assert.ok(ours.data !== undefined);
  if (ours.data === null) assert.ok(ours.errors?.length);
  // What is asked under other names goes wrong in other ways: there is nothing to compare.
  if (isRenamed(federation, request)) return 'stock-asks-otherwise';
  if (isDeepEqual(JSON.parse(textOf(ours)), JSON.parse(JSON.stringify(stock.data ?? null)))) return 'same';
  const reason = knownReason(federation, request, stock);
  assert.ok(
    reason,
    `stock differs without a known reason: ours ${JSON.stringify(ours)} stock ${JSON.stringify(stock)}`,
  );
  return reason;
}

/**
 * With subgraphs that answer anything: ours must be an answer to the operation to the letter. It is: graphql-js, given
 * the answer as the data, must come to the same without an error.
 */
export async function checkForm(federation: Federation, request: Request): Promise<Comparison> {
  const document = visit(parse(request.query), {
    SelectionSet: (node) => ({ ...node, selections: [...node.selections, namedType] }),
  });
  const typed = { ...request, query: print(document) };
  const ours = await runOurs(federation, typed);
  const code = ours.errors?.[0]?.extensions['code'];
  if (ours.data === undefined && (code === 'PLANNING_FAILED' || code === 'INVALID_GRAPHQL')) return 'unplannable';
  assert.ok(ours.data !== undefined);
  if (!ours.data) {
    assert.ok(ours.errors?.length);
    return 'same';
  }
  const again = await execute({
    schema: federation.api,
    document,
    variableValues: request.variables,
    rootValue: ours.data,
    fieldResolver: (source: Record<string, unknown>, _args, _context, { path }) => source[path.key],
    typeResolver: (source: Record<string, unknown>) => String(source['type__']),
  });
  assert.deepEqual(again.errors, undefined);
  assert.equal(JSON.stringify(again.data), JSON.stringify(ours.data));
  return 'same';
}

const namedType: FieldNode = {
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: 'type__' },
  name: { kind: Kind.NAME, value: '__typename' },
};

function asksTooMuch(
  federation: Federation,
  { ours, stock, expected }: Record<'ours' | 'stock' | 'expected', ExecutionResult>,
): boolean {
  if (!federation.supergraphSdl.includes('isInterfaceObject: true') || !ours.errors) return false;
  return (
    textOf(ours) !== textOf(expected) &&
    isDeepEqual(JSON.parse(textOf(ours)), JSON.parse(JSON.stringify(stock.data ?? null)))
  );
}

/** Ours by both back ends, which must agree to the last byte. */
export async function runOurs(federation: Federation, request: Request): Promise<ExecutionResult> {
  const results = [];
  for (const executor of [federation.executors.closures, federation.executors.generated])
    results.push(await executor.execute({ ...request, context: null }));
  const [closures, generated] = results;
  assert.ok(closures && generated);
  assert.equal(JSON.stringify(generated), JSON.stringify(closures));
  return closures;
}

/** The nulls in the data that errors stand for, as paths: however many errors were reported below each. */
export function explainedNulls({ data, errors = [] }: ExecutionResult): readonly string[] {
  const places = errors.map(({ path = [] }) => {
    let value: unknown = data;
    const place: (string | number)[] = [];
    for (const element of path) {
      if (value === null || value === undefined) break;
      place.push(element);
      value = (value as Record<string, unknown>)[element];
    }
    // Something that only the plan asked for failed below an object: nothing that the client asked for is missing.
    if (typeof value === 'object' && value !== null && place.length === path.length) return null;
    return value === null ? place.join('.') : `not null: ${path.join('.')}`;
  });
  return [...new Set(places.filter((place) => place !== null))].toSorted();
}

function knownReason(federation: Federation, request: Request, stock: ExecutionResult): Comparison | null {
  const { query } = request;
  const document = parse(query);
  if (overlappingNames(document).size > 0) return 'stock-overlapping-arguments';
  if (query.includes('$representations:')) return 'stock-reserved-variable';
  if (isRenamed(federation, request, { ...namesOf(federation), required: new Map() })) return 'stock-alias-collision';
  if (isRenamed(federation, request)) return 'stock-required-arguments';
  if (/@(skip|include)/.test(query)) return 'stock-conditions';
  if (federation.supergraphSdl.includes('isInterfaceObject: true')) return 'stock-interface-object';
  if (hasAbstractFragment(federation, document)) return 'stock-abstract-fragment';
  return stock.data === undefined ? 'stock-fails' : null;
}

/** Whether a fragment on an interface or union is where the object's type is known. */
function hasAbstractFragment({ api }: Federation, document: DocumentNode): boolean {
  const types = new TypeInfo(api);
  let found = false;
  const look = (condition: string | undefined): void => {
    if (condition !== undefined && isAbstractType(api.getType(condition)) && isObjectType(types.getParentType())) found = true; // prettier-ignore
  };
  visit(
    document,
    visitWithTypeInfo(types, {
      InlineFragment: ({ typeCondition }) => look(typeCondition?.name.value),
      FragmentSpread({ name }) {
        for (const one of document.definitions)
          if (one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name.value)
            look(one.typeCondition.name.value);
      },
    }),
  );
  return found;
}

/** Whether any field is fetched under another name than the client gave it. */
function isRenamed(federation: Federation, { query }: Request, names = namesOf(federation)): boolean {
  const { document, clientPath } = planDocument(parse(query), names);
  const aliases: string[] = [];
  visit(document, { Field: ({ alias }) => void (alias && aliases.push(alias.value)) });
  return clientPath(aliases).join(' ') !== aliases.join(' ');
}

const known = new WeakMap<Federation, SupergraphNames>();
function namesOf(federation: Federation): SupergraphNames {
  let names = known.get(federation);
  if (!names) {
    const supergraph = Supergraph.build(federation.supergraphSdl);
    known.set(federation, (names = supergraphNames(supergraph, federation.api)));
  }
  return names;
}

function isDeepEqual(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}
