import canonicalize from 'canonicalize';
import { type SelectionSetNode, Kind, parse, visit } from 'graphql';
import { parseFieldSet } from '../../../../gateway/execute/supergraph-names.ts';
import type { ResponsePath, SubgraphResponse } from '../../../../gateway/execute/types.ts';
import type { Interference, SubgraphSdl } from './federation.ts';
import { type Fault, hashOf } from './world.ts';

/** Kinds of subgraphs that don't do what they should. */
export type FaultKind =
  'down' | 'timeout' | 'too few entities' | 'nulls' | 'failing fields' | 'broken promises' | 'wrong types' | 'rubbish';

/** Long enough for all other answers to come first. */
const faultTimeoutMs = 3;

/** What subgraphs do wrong is decided by the seed and by what was asked, not by when. */
export function interferenceOf(kind: FaultKind, seed: number, subgraphs: readonly SubgraphSdl[]): Interference {
  const isFaulty = (serviceName: string): boolean => hashOf(seed, serviceName) % 2 === 0;
  switch (kind) {
    case 'down':
      return ({ serviceName, response }) => {
        if (isFaulty(serviceName)) throw new Error(`${serviceName} is down`);
        return response;
      };
    case 'timeout':
      return ({ serviceName, response }) => (isFaulty(serviceName) ? runOutOfTime() : response);
    case 'too few entities':
      return ({ serviceName, response }) => (isFaulty(serviceName) ? withoutFirstEntity(response) : response);
    case 'nulls':
      return (one) => change(one, (value, at) => (hashOf(seed, one.serviceName, at) % 7 === 0 ? null : value));
    case 'failing fields': {
      const { needed } = fieldsOf(subgraphs);
      return (one) =>
        failFields(
          one,
          (at, path) => hashOf(seed, one.serviceName, at) % 7 === 0 && !path.some((name) => needed.has(name)),
        );
    }
    case 'broken promises': {
      const { needed, promised } = fieldsOf(subgraphs);
      return (one) => change(one, (value, at, path) => (promised.has(path.at(-1) ?? '') && !path.some((name) => needed.has(name)) && hashOf(seed, at) % 5 === 0 ? null : value)); // prettier-ignore
    }
    case 'wrong types':
      return (one) => change(one, (value, at) => (hashOf(seed, at) % 9 === 0 ? wrong(value, hashOf(seed, at, 1)) : value)); // prettier-ignore
    case 'rubbish':
      return ({ serviceName, query, response }) => rubbish(response, hashOf(seed, serviceName, query));
  }
}

/** As a fetch ends whose answer never comes. */
async function runOutOfTime(): Promise<never> {
  const signal = AbortSignal.timeout(faultTimeoutMs);
  await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
  throw signal.reason;
}

function withoutFirstEntity(response: SubgraphResponse): SubgraphResponse {
  const { _entities: entities } = response.data as { _entities?: unknown[] };
  return entities ? { ...response, data: { _entities: entities.slice(1) } } : response;
}

/** Nulls that come with their errors; an error has the place of the null in the answer. */
function failFields(
  one: Parameters<Interference>[0],
  fails: (at: string, path: ResponsePath) => boolean,
): SubgraphResponse {
  const errors: unknown[] = [];
  const response = change(one, (value, at, path) => {
    if (value === null || !fails(at, path)) return value;
    errors.push({ message: `no ${path.at(-1)}`, path });
    return null;
  });
  return errors.length === 0 ? response : { ...response, errors };
}

const inherited = ['constructor', '__proto__'];
/** A name that nothing inherits, for one that random operations give. */
export const ordinaryName = (name: string): string => (inherited.includes(name) ? `${name}_own` : name);
/** The other way. */
export const inheritedName = (name: string): string => (name.endsWith('_own') ? name.slice(0, -'_own'.length) : name);

/**
 * Changes values below `data`, deepest first. Names of types stay, as do lists of entities. An entity's place is its
 * representation, so that the same goes wrong with it whether others are asked for once or often.
 */
function change(
  { response, variables }: Parameters<Interference>[0],
  replace: (value: unknown, at: string, path: ResponsePath) => unknown,
): SubgraphResponse {
  const representations = (variables['representations'] ?? []) as readonly unknown[];
  const visitValue = (value: unknown, at: string, path: ResponsePath): unknown => {
    const inner = Array.isArray(value)
      ? value.map((one, index) =>
          visitValue(one, `${at}.${at === '._entities' ? canonicalize(representations[index]) : index}`, [
            ...path,
            index,
          ]),
        )
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === '__typename' ? one : visitValue(one, `${at}.${ordinaryName(key)}`, [...path, key])])) // prettier-ignore
        : value;
    return at === '' || at === '._entities' ? inner : replace(inner, at, path);
  };
  return { ...response, data: visitValue(response.data, '', []) };
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

/**
 * Fields that throw, whichever subgraph is asked. Keys and required fields don't, which clients may not have asked for,
 * nor do those that only some subgraphs promise: where the null ends depends on who is asked.
 */
export function worldFault(subgraphs: readonly SubgraphSdl[], seed: number): Fault {
  const { needed, disputed } = fieldsOf(subgraphs);
  return ({ field, identity }) =>
    !needed.has(field) && !disputed.has(field) && !field.startsWith('_') && hashOf(seed, field, identity) % 8 === 0;
}

/** Names of fields. */
type FieldNames = {
  /** In keys, or required by others. */
  readonly needed: ReadonlySet<string | number>;
  /** Never null, whatever type has them, and of one subgraph: what others know of an object hides that one has none. */
  readonly promised: ReadonlySet<string | number>;
  /** Never null for some only. */
  readonly disputed: ReadonlySet<string>;
};

const known = new WeakMap<readonly SubgraphSdl[], FieldNames>();
function fieldsOf(subgraphs: readonly SubgraphSdl[]): FieldNames {
  let names = known.get(subgraphs);
  if (!names) known.set(subgraphs, (names = readFields(subgraphs)));
  return names;
}

function readFields(subgraphs: readonly SubgraphSdl[]): FieldNames {
  const needed = new Set<string>();
  const [promised, others, shared] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const places = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const node of selections) {
      if (node.kind === Kind.FIELD) needed.add(node.name.value);
      if ('selectionSet' in node && node.selectionSet) collect(node.selectionSet);
    }
  };
  for (const { sdl } of subgraphs)
    visit(parse(sdl), {
      ObjectTypeDefinition({ name, fields }) {
        for (const field of fields ?? []) {
          const place = `${name.value}.${field.name.value}`;
          if (places.has(place)) shared.add(field.name.value);
          places.add(place);
        }
      },
      FieldDefinition({ name, type }) {
        (type.kind === Kind.NON_NULL_TYPE ? promised : others).add(name.value);
      },
      Directive(node) {
        const given = node.arguments?.find(({ name }) => name.value === 'fields')?.value;
        if (given?.kind === Kind.STRING) collect(parseFieldSet(given.value));
      },
    });
  return { needed, promised: promised.difference(others).difference(shared), disputed: promised.intersection(others) };
}
