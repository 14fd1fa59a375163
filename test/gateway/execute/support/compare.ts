import assert from 'node:assert/strict';
import { type ExecutionResult, type FieldNode, Kind, execute, parse, print, validate, visit } from 'graphql';
import { overlappingNames } from '../../../../gateway/execute/overlaps.ts';
import { fieldNamesOf, planDocument } from '../../../../gateway/execute/plan-document.ts';
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
  | 'stock-interface-object'
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
  if (isRenamed(federation, request)) return 'stock-alias-collision';
  if (/@(skip|include)/.test(query)) return 'stock-conditions';
  if (federation.supergraphSdl.includes('isInterfaceObject: true')) return 'stock-interface-object';
  return stock.data === undefined ? 'stock-fails' : null;
}

/** Whether any field is fetched under another name than the client gave it. */
function isRenamed(federation: Federation, { query }: Request): boolean {
  const { document, clientPath } = planDocument(parse(query), fieldNames(federation));
  const names: string[] = [];
  visit(document, { Field: ({ alias }) => void (alias && names.push(alias.value)) });
  return clientPath(names).join(' ') !== names.join(' ');
}

const known = new WeakMap<Federation, ReadonlySet<string>>();
function fieldNames(federation: Federation): ReadonlySet<string> {
  let names = known.get(federation);
  if (!names) known.set(federation, (names = fieldNamesOf(federation.api)));
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
