import canonicalize from 'canonicalize';
import { type SelectionSetNode, Kind, parse, visit } from 'graphql';
import type { SubgraphResponse } from '../../../../gateway/execute/types.ts';
import type { Interference, SubgraphSdl } from './federation.ts';
import { type Fault, hashOf, parseFieldSet } from './world.ts';

/** Kinds of subgraphs that don't do what they should. */
export const faultKinds = ['down', 'nulls', 'wrong types', 'rubbish'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What subgraphs do wrong is decided by the seed and by what was asked, not by when. */
export function interferenceOf(kind: FaultKind, seed: number): Interference {
  switch (kind) {
    case 'down':
      return ({ serviceName, response }) => {
        if (hashOf(seed, serviceName) % 2 === 0) throw new Error(`${serviceName} is down`);
        return response;
      };
    case 'nulls':
      return (one) => change(one, (value, at) => (hashOf(seed, at) % 7 === 0 ? null : value));
    case 'wrong types':
      return (one) => change(one, (value, at) => (hashOf(seed, at) % 9 === 0 ? wrong(value, hashOf(seed, at, 1)) : value)); // prettier-ignore
    case 'rubbish':
      return ({ serviceName, query, response }) => rubbish(response, hashOf(seed, serviceName, query));
  }
}

/**
 * Changes values below `data`, deepest first. Names of types stay, as do lists of entities. An entity's place is its
 * representation, so that the same goes wrong with it whether others are asked for once or often.
 */
function change(
  { response, variables }: Parameters<Interference>[0],
  replace: (value: unknown, at: string) => unknown,
): SubgraphResponse {
  const representations = (variables['representations'] ?? []) as readonly unknown[];
  const visitValue = (value: unknown, at: string): unknown => {
    const inner = Array.isArray(value)
      ? value.map((one, index) =>
          visitValue(one, `${at}.${at === '._entities' ? canonicalize(representations[index]) : index}`),
        )
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === '__typename' ? one : visitValue(one, `${at}.${key}`)])) // prettier-ignore
        : value;
    return at === '' || at === '._entities' ? inner : replace(inner, at);
  };
  return { ...response, data: visitValue(response.data, '') };
}

function wrong(value: unknown, hash: number): unknown {
  const others = [[value], { __typename: 'Nobody', id: value }, 'text', 12.5, true, 2 ** 40, [], {}];
  return others[hash % others.length];
}

function rubbish(response: SubgraphResponse, hash: number): SubgraphResponse {
  const data = response.data as { _entities?: unknown[] } | null;
  const entities = data?._entities;
  const answers: unknown[] = [
    null,
    'text',
    [],
    {},
    { data: null },
    { data: [] },
    { data: null, errors: [{ message: 'no', path: ['nowhere', 7] }, null, 'text', { path: [{}] }] },
    { ...response, errors: [{ message: 'partly', extensions: { code: 'PARTLY' } }] },
    { ...response, errors: [{ message: 'odd', path: ['_entities', 99, 'x'] }] },
    { ...response, errors: 'none' },
    entities ? { data: { _entities: entities.slice(1) } } : { data: {} },
    entities ? { data: { _entities: null }, errors: [{ message: 'none' }] } : response,
    entities ? { data: { _entities: entities.map(() => null) } } : response,
    response,
    response,
    response,
  ];
  return answers[hash % answers.length] as SubgraphResponse;
}

/** Fields that throw, whichever subgraph is asked; keys and required fields don't, which clients may not have asked for. */
export function worldFault(subgraphs: readonly SubgraphSdl[], seed: number): Fault {
  const needed = neededFields(subgraphs);
  return ({ field, identity }) =>
    !needed.has(field) && !field.startsWith('_') && hashOf(seed, field, identity) % 8 === 0;
}

function neededFields(subgraphs: readonly SubgraphSdl[]): ReadonlySet<string> {
  const names = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const node of selections) {
      if (node.kind === Kind.FIELD) names.add(node.name.value);
      if ('selectionSet' in node && node.selectionSet) collect(node.selectionSet);
    }
  };
  for (const { sdl } of subgraphs)
    visit(parse(sdl), {
      Directive(node) {
        const given = node.arguments?.find(({ name }) => name.value === 'fields')?.value;
        if (given?.kind === Kind.STRING) collect(parseFieldSet(given.value));
      },
    });
  return names;
}
