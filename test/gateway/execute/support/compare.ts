import assert from 'node:assert/strict';
import {
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  Kind,
  TypeInfo,
  execute,
  getVariableValues,
  isAbstractType,
  isObjectType,
  parse,
  print,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { conditionVariables, isIntrospection, pickOperation, settleConditions } from '../../../../gateway/execute/operation.ts'; // prettier-ignore
import { overlappingNames, responseName } from '../../../../gateway/execute/overlaps.ts';
import { getOwn } from '../../../../gateway/execute/own.ts';
import { planDocument } from '../../../../gateway/execute/plan-document.ts';
import { type ResponsePath, isJsonObject } from '../../../../gateway/execute/types.ts';
import { inheritedName, ordinaryName } from './faults.ts';
import type { Federation, Interference, Request, SeenRequest } from './federation.ts';

/** How one random operation compared. */
export type Comparison =
  /** All agree. */
  | 'same'
  /**
   * Ours follows graphql-js where stock doesn't, for a reason that a named test shows, and which is gone when stock gets
   * the operation in the form in which ours plans it.
   */
  | 'stock-alias-collision'
  | 'stock-reserved-variable'
  | 'stock-conditions'
  | 'stock-overlapping-arguments'
  | 'stock-required-arguments'
  /** A subgraph's null takes away what another knows, in stock. */
  | 'stock-null-replaces'
  /** Stock takes the type of entities away where a subgraph has an interface object. */
  | 'stock-interface-object'
  /** Stock doesn't ask about an entity when a subgraph knows nothing of one that a requirement reaches into. */
  | 'stock-unknown-entity'
  /** Stock leaves out what is below a fragment on an interface where the type is known. */
  | 'stock-abstract-fragment'
  /**
   * Apollo's planner asks an interface object for the fields of all types, whatever the object's is: when a non-null one
   * throws that the client didn't ask of this type, the subgraph answers null for all that it was asked for.
   */
  | 'plan-asks-too-much'
  /** Apollo's planner can't plan it, for anybody. */
  | 'unplannable';

/** True for operations that clients could send. */
export const isValid = (federation: Federation, { query }: Request): boolean =>
  validate(federation.api, parse(query)).length === 0;

/**
 * Runs an operation in all ways and fails for any difference that isn't explained: ours must be equal to graphql-js to
 * the order of keys; stock may differ where it is known to.
 */
export async function compare(federation: Federation, request: Request): Promise<Comparison> {
  const expected = await federation.unfederated(request);
  const ours = await runOurs(federation, request);
  const stock = await runStock(federation, request);
  if (isUnplanned(ours)) {
    // Nobody can run what can't be planned, whatever form it was given.
    assert.ok(!stock.data, `only ours can't be planned: ${ours.errors?.[0]?.message}`);
    return 'unplannable';
  }
  if (await asksTooMuch(federation, request, { ours, expected })) return 'plan-asks-too-much';
  assert.equal(JSON.stringify(ours.data), JSON.stringify(expected.data));
  assert.deepEqual(explainedNulls(ours), explainedNulls(expected));
  if (isSame(stock.data, expected.data)) return 'same';
  if (await isSameAsPlanned(federation, request, ours)) return formReason(federation, request);
  return planReason(federation, request, ours);
}

/**
 * The same with subgraphs that answer wrongly, where there is no unfederated answer: a null that the undisturbed answer
 * doesn't have must have an error, and the data must be stock's. Stock gets the operation in the form in which ours plans
 * it, so that what both ask, and so what goes wrong, is the same.
 *
 * `keepsValues`: what goes wrong takes values away and changes none, so that all that is left is of the undisturbed answer.
 */
export async function compareFaulty(
  federation: Federation,
  request: Request,
  { interference, keepsValues }: { interference: Interference; keepsValues: boolean },
): Promise<Comparison> {
  const undisturbed = await federation.unfederated(request);
  federation.interfere(interference);
  federation.requests();
  const ours = await runOurs(federation, request);
  if (isUnplanned(ours)) return 'unplannable';
  assert.ok(ours.data !== undefined);
  if (keepsValues) assertExplained(ours, undisturbed.data);
  if (await isSameAsPlanned(federation, request, ours)) return 'same';
  const isLess = await isSameAsPlanned(federation, request, ours, { maybeLess: true });
  const requests = federation.requests();
  if (isLess && isAskedTwice(requests)) return 'stock-null-replaces';
  if (isLess && requests.some(hasUnknownEntity)) return 'stock-unknown-entity';
  const reason = planReason(federation, request, ours);
  // An object of which the client wants nothing any more has no type that could be unknown.
  if (reason === 'stock-interface-object' && isEmptied(federation, request)) return 'stock-conditions';
  federation.interfere(null);
  assert.ok(isLess || !(await isSameAsPlanned(federation, request, undisturbed)), `stock differs: ours ${shown(ours)}`);
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
  // Of two subgraphs that disagree the later one is right.
  const ours = await runOurs(federation, typed, request.arrival);
  if (isUnplanned(ours)) return 'unplannable';
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

/** Nulls in ours that graphql-js doesn't have, each below an error, when stock has the same for the same plan. */
async function asksTooMuch(
  federation: Federation,
  request: Request,
  { ours, expected }: Record<'ours' | 'expected', ExecutionResult>,
): Promise<boolean> {
  if (!hasInterfaceObject(federation) || !ours.errors || isSame(ours.data, expected.data)) return false;
  assertExplained(ours, expected.data);
  return isSameAsPlanned(federation, request, ours);
}

const hasInterfaceObject = ({ supergraphSdl }: Federation): boolean =>
  supergraphSdl.includes('isInterfaceObject: true');

const isUnplanned = ({ data, errors }: ExecutionResult): boolean =>
  data === undefined && ['PLANNING_FAILED', 'INVALID_GRAPHQL'].includes(String(errors?.[0]?.extensions['code']));

const shown = (result: ExecutionResult): string => JSON.stringify(result).slice(0, 2_000);

/** Ours by both back ends, which must agree to the last byte although answers come to each in another order. */
export async function runOurs(
  { executors }: Federation,
  { query, variables, arrival = 0 }: Request,
  otherArrival = arrival + 1,
): Promise<ExecutionResult> {
  const closures = await executors.closures.execute({ query, variables, context: arrival });
  const generated = await executors.generated.execute({ query, variables, context: otherArrival });
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

/** Fails unless all that differs from the data are nulls, each with an error that has a path to its place, above or below. */
export function assertExplained({ data, errors = [] }: ExecutionResult, undisturbed: unknown): void {
  const isExplained = (place: ResponsePath): boolean =>
    errors.some(({ path }) => path?.every((element, index) => index >= place.length || element === place[index]));
  const look = (ours: unknown, theirs: unknown, place: ResponsePath): void => {
    if (ours === null && theirs !== null) {
      assert.ok(isExplained(place), `no error says why ${place.join('.')} is null: ${JSON.stringify(errors)}`);
    } else if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) {
      ours.forEach((one, index) => look(one, theirs[index], [...place, index]));
    } else if (isJsonObject(ours) && isJsonObject(theirs)) {
      // An object of which only its interface is known has only the interface's fields.
      const keys = Object.keys(theirs).filter((key) => Object.hasOwn(ours, key) || !isExplained(place));
      assert.deepEqual(Object.keys(ours), keys);
      for (const key of keys) look(getOwn(ours, key), getOwn(theirs, key), [...place, key]);
    } else {
      assert.deepEqual(ours, theirs, `${place.join('.')} has another value`);
    }
  };
  look(data ?? null, undisturbed ?? null, []);
}

const runStock = (federation: Federation, request: Request): Promise<ExecutionResult> =>
  federation.stock(request).catch((error: unknown) => ({ errors: [error] }) as ExecutionResult);

/**
 * Whether stock answers the same data, given the operation in the form in which ours plans it. Also without the aliases
 * that every object inherits, which stock misses or finds where there is nothing.
 */
async function isSameAsPlanned(
  federation: Federation,
  request: Request,
  { data }: ExecutionResult,
  { maybeLess = false } = {},
): Promise<boolean> {
  const { planned, variables } = plannedForm(federation, request);
  const document = visit(planned.document, {
    Field: (node) => node.alias && { ...node, alias: { ...node.alias, value: ordinaryName(node.alias.value) } },
  });
  const stock = await runStock(federation, { query: print(document), variables });
  // Introspection has no part in what is planned.
  const introspected = introspectionNames(parse(request.query));
  return isSame(without(introspected, stock.data), without(introspected, data), {
    maybeLess,
    nameOf: (name) => inheritedName(String(planned.clientPath([name])[0])),
  });
}

function introspectionNames(document: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  visit(document, { Field: (node) => void (isIntrospection(node) && names.add(responseName(node))) });
  return names;
}

const without = (names: ReadonlySet<string>, value: unknown): unknown =>
  names.size === 0
    ? value
    : Array.isArray(value)
      ? value.map((one) => without(names, one))
      : isJsonObject(value)
        ? Object.fromEntries(Object.entries(value).filter(([key]) => !names.has(key)).map(([key, one]) => [key, without(names, one)]))
        : value; // prettier-ignore

function plannedForm(federation: Federation, { query, variables }: Request) {
  const document = parse(query);
  const { operation } = pickOperation(document, undefined);
  const { coerced } = getVariableValues(federation.api, operation.variableDefinitions ?? [], variables);
  const conditions = new Map(conditionVariables(document).map((name) => [name, coerced?.[name] === true]));
  const settled = settleConditions(document, conditions);
  const planned = planDocument(settled, federation.names);
  return { settled, planned, variables: { ...planned.planVariables(variables) } };
}

/** Whether conditions leave nothing of a selection. */
function isEmptied(federation: Federation, request: Request): boolean {
  let found = false;
  visit(plannedForm(federation, request).settled, {
    SelectionSet: ({ selections }) => void (found ||= selections.length === 0),
  });
  return found;
}

/** Which of the differences between the client's form and the planned one there is. */
function formReason(federation: Federation, { query }: Request): Comparison {
  const document = parse(query);
  if (overlappingNames(document).size > 0) return 'stock-overlapping-arguments';
  if (query.includes('$representations:')) return 'stock-reserved-variable';
  if (
    isRenamed(federation, query, { ...federation.names, required: new Map() }) ||
    /\b(constructor|__proto__):/.test(query)
  )
    return 'stock-alias-collision';
  if (isRenamed(federation, query)) return 'stock-required-arguments';
  assert.match(query, /@(skip|include)/, 'stock differs without a known reason');
  return 'stock-conditions';
}

/** Why stock may differ although it gets the operation in the planned form. */
function planReason(federation: Federation, { query }: Request, ours: ExecutionResult): Comparison {
  if (hasInterfaceObject(federation)) return 'stock-interface-object';
  assert.ok(hasAbstractFragment(federation, parse(query)), `stock differs: ours ${shown(ours)}`);
  return 'stock-abstract-fragment';
}

type Sameness = { readonly nameOf: (name: string) => string; readonly maybeLess: boolean };
const sameToTheLetter: Sameness = { nameOf: (name) => name, maybeLess: false };

/**
 * The same values, whatever the order of keys. Where conditions left nothing of a selection, stock says the type.
 * `maybeLess`: stock may have null, or nothing, in place of anything.
 */
function isSame(stock: unknown, data: unknown, how = sameToTheLetter): boolean {
  if (how.maybeLess && (stock ?? null) === null) return true;
  if (Array.isArray(stock) && Array.isArray(data))
    return stock.length === data.length && stock.every((one, index) => isSame(one, data[index], how));
  if (!isJsonObject(stock) || !isJsonObject(data)) return (stock ?? null) === (data ?? null);
  const named = new Map(Object.keys(stock).map((key) => [how.nameOf(key), getOwn(stock, key)]));
  const keys = Object.keys(data);
  if (!keys.includes('__typename')) named.delete('__typename');
  if (how.maybeLess ? named.size > keys.length : named.size !== keys.length) return false;
  return [...named].every(([key, value]) => Object.hasOwn(data, key) && isSame(value, getOwn(data, key), how));
}

/** Whether a subgraph answered null for an entity, or for what a requirement may reach into, without an error. */
const hasUnknownEntity = ({ response }: SeenRequest): boolean =>
  !response?.errors && JSON.stringify(response?.data ?? null).includes('null');

/** Whether two subgraphs were asked for the same object. */
function isAskedTwice(requests: readonly SeenRequest[]): boolean {
  const services = new Map<string, string>();
  let isTwice = false;
  for (const { serviceName, query } of requests)
    visit(parse(query), {
      Field({ name: { value: name }, selectionSet }) {
        if (!selectionSet || name === '_entities') return;
        isTwice ||= (services.get(name) ?? serviceName) !== serviceName;
        services.set(name, serviceName);
      },
    });
  return isTwice;
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
function isRenamed(federation: Federation, query: string, names = federation.names): boolean {
  const { document, clientPath } = planDocument(parse(query), names);
  const aliases: string[] = [];
  visit(document, { Field: ({ alias }) => void (alias && aliases.push(alias.value)) });
  return clientPath(aliases).join(' ') !== aliases.join(' ');
}
