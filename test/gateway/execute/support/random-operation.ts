import {
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import type { Request } from './federation.ts';

/** A source of numbers in [0, 1) that a seed decides. */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Draft = {
  readonly schema: GraphQLSchema;
  readonly random: Random;
  readonly definitions: string[];
  readonly variables: Record<string, unknown>;
  readonly fragments: { name: string; type: GraphQLCompositeType; text: string }[];
  readonly conditions: string[];
  budget: number;
};

/**
 * A random operation: aliases, fragments of all kinds, conditions with variables at any level, arguments with literals,
 * variables and defaults, introspection. Nearly always valid; the caller checks.
 */
export function randomOperation(
  schema: GraphQLSchema,
  { seed, size, kind = 'query' }: { seed: number; size: number; kind?: 'query' | 'mutation' | 'subscription' },
): Request {
  const random = randomOf(seed);
  const root = kind === 'query' ? schema.getQueryType() : kind === 'mutation' ? schema.getMutationType() : schema.getSubscriptionType(); // prettier-ignore
  if (!root) throw new Error(`no ${kind}`);
  const draft: Draft = { schema, random, definitions: [], variables: {}, fragments: [], conditions: [], budget: size };
  const selections = selectionsOf(draft, root, 0);
  const head = draft.definitions.length > 0 ? `(${draft.definitions.join(', ')})` : '';
  const name = chance(draft, 0.5) ? ' Random' : head === '' ? '' : ' Named';
  const text = kind === 'query' && head === '' && name === '' ? selections : `${kind}${name}${head} ${selections}`;
  return {
    query: [text, ...draft.fragments.map((one) => `fragment ${one.name} on ${one.type.name} ${one.text}`)].join('\n'),
    variables: draft.variables,
  };
}

const maxDepth = 7;
const chance = ({ random }: Pick<Draft, 'random'>, probability: number): boolean => random() < probability;
const oneOf = <Value>({ random }: Pick<Draft, 'random'>, values: readonly Value[]): Value | undefined =>
  values[Math.floor(random() * values.length)];

function selectionsOf(draft: Draft, type: GraphQLCompositeType, depth: number): string {
  const parts: string[] = [];
  const count = 1 + Math.floor(draft.random() * (depth === 0 ? 4 : 3.5));
  for (let index = 0; index < count; index++) {
    const part = selectionOf(draft, type, depth);
    if (part) parts.push(part);
  }
  if (parts.length === 0) parts.push('__typename');
  return `{ ${parts.join(' ')} }`;
}

function selectionOf(draft: Draft, type: GraphQLCompositeType, depth: number): string | null {
  draft.budget -= 1;
  const kind = draft.random();
  const narrowed = isAbstractType(type) ? 0.5 : 0.15;
  if (kind < narrowed && depth < maxDepth && draft.budget > 0) return fragmentOf(draft, type, depth);
  if (kind > 0.95) return `${chance(draft, 0.3) ? 'kind: ' : ''}__typename${conditionsOf(draft)}`;
  if (depth === 0 && kind > 0.93)
    return oneOf(draft, ['__schema { queryType { name } }', 't: __type(name: "String") { kind name ofType { name } }', '__schema { types { name } }']) ?? null; // prettier-ignore
  if (!('getFields' in type)) return fragmentOf(draft, type, depth);
  const fields = Object.values(type.getFields());
  const leaves = fields.filter((field) => !isCompositeType(getNamedType(field.type)));
  const composite = fields.filter((field) => isCompositeType(getNamedType(field.type)));
  const deep =
    composite.length > 0 && depth < maxDepth && draft.budget > 0 && (leaves.length === 0 || chance(draft, 0.5));
  const field = oneOf(draft, deep ? composite : leaves);
  if (!field) return null;
  const alias = chance(draft, 0.25)
    ? `${oneOf(draft, ['a', 'b', 'id', 'name', 'x', 'constructor', '__proto__'])}: `
    : '';
  const inner = isCompositeType(getNamedType(field.type)) ? ` ${selectionsOf(draft, getNamedType(field.type) as GraphQLCompositeType, depth + 1)}` : ''; // prettier-ignore
  return `${alias}${field.name}${argumentsOf(draft, field.args)}${conditionsOf(draft)}${inner}`;
}

function fragmentOf(draft: Draft, type: GraphQLCompositeType, depth: number): string {
  const { schema } = draft;
  const possible = isAbstractType(type) ? [...schema.getPossibleTypes(type)] : [];
  const interfaces = [type, ...possible].flatMap((one) => ('getInterfaces' in one ? [...one.getInterfaces()] : []));
  const condition = oneOf<GraphQLCompositeType>(draft, [type, ...possible, ...possible, ...interfaces]) ?? type;
  if (chance(draft, 0.25)) {
    const known = draft.fragments.filter((one) => one.text !== '' && [type, ...possible].includes(one.type));
    const again = chance(draft, 0.5) ? oneOf(draft, known) : undefined;
    if (again) return `...${again.name}${conditionsOf(draft)}`;
    const fragment = { name: `F${draft.fragments.length}`, type: condition, text: '' };
    draft.fragments.push(fragment);
    fragment.text = selectionsOf(draft, condition, depth + 1);
    return `...${fragment.name}${conditionsOf(draft)}`;
  }
  const on = condition === type && chance(draft, 0.4) ? '' : ` on ${condition.name}`;
  const selections = selectionsOf(draft, condition, depth + 1);
  const fragment = `...${on}${conditionsOf(draft)} ${selections}`;
  // The same of another type, which subgraphs may promise less of.
  const other = chance(draft, 0.3) ? oneOf(draft, possible) : undefined;
  return other ? `${fragment} ... on ${other.name} ${selections}` : fragment;
}

function conditionsOf(draft: Draft): string {
  if (!chance(draft, 0.15)) return '';
  const name = chance(draft, 0.5) ? 'skip' : 'include';
  const known = chance(draft, 0.5) ? oneOf(draft, draft.conditions) : undefined;
  const value = known ?? (chance(draft, 0.7) ? conditionVariable(draft) : String(chance(draft, 0.5)));
  const second =
    chance(draft, 0.1) && draft.conditions[0]
      ? ` @${name === 'skip' ? 'include' : 'skip'}(if: ${draft.conditions[0]})`
      : '';
  return ` @${name}(if: ${value})${second}`;
}

function conditionVariable(draft: Draft): string {
  const name = `c${draft.conditions.length}`;
  const fallback = chance(draft, 0.4);
  draft.definitions.push(`$${name}: Boolean${fallback ? ` = ${chance(draft, 0.5)}` : '!'}`);
  if (!fallback || chance(draft, 0.5)) draft.variables[name] = chance(draft, 0.5);
  draft.conditions.push(`$${name}`);
  return `$${name}`;
}

function argumentsOf(draft: Draft, args: readonly GraphQLArgument[]): string {
  const given = args.filter((arg) => isRequiredArgument(arg) || chance(draft, 0.4));
  if (given.length === 0) return '';
  return `(${given.map((arg) => `${arg.name}: ${argumentOf(draft, arg)}`).join(', ')})`;
}

function argumentOf(draft: Draft, { type, name }: GraphQLArgument): string {
  if (!chance(draft, 0.4)) return literalOf(draft, type, 0);
  const variable = draft.definitions.length < 8 ? `${chance(draft, 0.1) ? 'representations' : name}${draft.definitions.length}` : null; // prettier-ignore
  if (!variable) return literalOf(draft, type, 0);
  const called = variable.startsWith('representations') && !draft.definitions.some((one) => one.startsWith('$representations:')) ? 'representations' : variable; // prettier-ignore
  const fallback = chance(draft, 0.4);
  draft.definitions.push(`$${called}: ${String(type)}${fallback ? ` = ${literalOf(draft, type, 0)}` : ''}`);
  if (!fallback ? isNonNullType(type) || chance(draft, 0.8) : chance(draft, 0.5))
    draft.variables[called] = valueOf(draft, type, 0);
  return `$${called}`;
}

const literalOf = (draft: Draft, type: GraphQLInputType, depth: number): string =>
  asLiteral(valueOf(draft, type, depth), type);

function asLiteral(value: unknown, type: GraphQLInputType): string {
  if (value === null || value === undefined) return 'null';
  if (isNonNullType(type)) return asLiteral(value, type.ofType);
  if (isListType(type) && Array.isArray(value))
    return `[${value.map((one) => asLiteral(one, type.ofType)).join(', ')}]`;
  if (isEnumType(type)) return value as string;
  if (isInputObjectType(type)) {
    const fields = type.getFields();
    const parts = Object.entries(value as Record<string, unknown>).map(([name, one]) => `${name}: ${asLiteral(one, fields[name]!.type)}`); // prettier-ignore
    return `{ ${parts.join(', ')} }`;
  }
  return JSON.stringify(value);
}

function valueOf(draft: Draft, type: GraphQLInputType, depth: number): unknown {
  if (isNonNullType(type)) return someOf(draft, type.ofType, depth);
  return chance(draft, 0.12) ? null : someOf(draft, type, depth);
}

function someOf(draft: Draft, type: GraphQLInputType, depth: number): unknown {
  if (isNonNullType(type)) return someOf(draft, type.ofType, depth);
  if (isListType(type))
    return Array.from({ length: Math.floor(draft.random() * 3) }, () => valueOf(draft, type.ofType, depth));
  if (isEnumType(type)) return oneOf(draft, type.getValues())?.name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (one) => isRequiredInputField(one) || (depth < 2 && chance(draft, 0.5)),
    );
    return Object.fromEntries(fields.map((one) => [one.name, valueOf(draft, one.type, depth + 1)]));
  }
  switch (type.name) {
    case 'Int':
    case 'SafeInt':
      return Math.floor(draft.random() * 4);
    case 'Float':
      return Math.floor(draft.random() * 8) / 4;
    case 'Boolean':
      return chance(draft, 0.5);
    default:
      return oneOf(draft, ['a', 'b "quoted"', '', 'ünï\\code']);
  }
}
