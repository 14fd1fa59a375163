import assert from 'node:assert/strict';
import { type DocumentNode, type ExecutionResult, parse, validate, visit } from 'graphql';
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
  | 'stock-fails'
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
  assert.equal(textOf(ours), textOf(expected));
  assert.deepEqual(explainedNulls(ours), explainedNulls(expected));
  const sorted = (result: ExecutionResult): unknown => JSON.parse(JSON.stringify(result.data ?? null));
  if (isDeepEqual(sorted(stock), sorted(expected))) return 'same';
  const reason = knownReason(federation, request, stock);
  assert.ok(reason, `stock differs without a known reason: ${JSON.stringify(stock).slice(0, 2_000)}`);
  return reason;
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
    return value === null ? place.join('.') : `not null: ${path.join('.')}`;
  });
  return [...new Set(places)].toSorted();
}

function knownReason(federation: Federation, { query }: Request, stock: ExecutionResult): Comparison | null {
  const document = parse(query);
  if (overlappingNames(document).size > 0) return 'stock-overlapping-arguments';
  if (query.includes('$representations:')) return 'stock-reserved-variable';
  const { document: planned, clientPath } = planDocument(document, fieldNames(federation));
  if (hasRenames(clientPath, planned)) return 'stock-alias-collision';
  if (/@(skip|include)/.test(query)) return 'stock-conditions';
  return stock.data === undefined ? 'stock-fails' : null;
}

/** Whether any field is fetched under another name than the client gave it. */
function hasRenames(
  clientPath: (path: readonly string[]) => readonly (string | number)[],
  planned: DocumentNode,
): boolean {
  const names: string[] = [];
  visit(planned, { Field: ({ alias }) => void (alias && names.push(alias.value)) });
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
