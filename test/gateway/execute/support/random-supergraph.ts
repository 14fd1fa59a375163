import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import type { SubgraphSdl } from './federation.ts';
import { type Random, randomOf } from './random-operation.ts';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@requires", "@external", "@provides", "@shareable", "@interfaceObject"])\n`;

/** Subgraphs may be called anything. */
const serviceNames = ['a', 'orders-eu', 'B.v2', 'graph_1', '7th', 'select', 'Query', 'my shop', '__proto', 'user'];
const typeNames = ['Ship', 'Port', 'Crew', 'Route', 'Cargo', 'Object', 'Map'];
const fieldNames = ['name', 'length', 'code', 'size', 'toString', 'note', 'valueOf', 'kind', 'data', 'entities'];
const scalars = ['Int', 'String', 'Float', 'Boolean', 'ID', 'Mood'];
const triesPerSeed = 40;

type Entity = {
  readonly name: string;
  /** The field set of its key, and the fields in it. */
  readonly key: { readonly fields: string; readonly definitions: string };
  /** Members of the interface and of the union. */
  readonly isItem: boolean;
  readonly isPart: boolean;
};
type Field = { readonly name: string; readonly type: string; readonly args: string };
type Draft = { readonly random: Random; readonly entities: readonly Entity[] };

/**
 * Two to four subgraphs with entities of different keys, value types, an interface and a union, requirements, provided
 * and shared fields. The same seed gives the same; what doesn't compose is tried again.
 */
export function randomSupergraph(seed: number): readonly SubgraphSdl[] {
  for (let nth = 0; nth < triesPerSeed; nth++) {
    const subgraphs = draftSupergraph(randomOf(seed * 1_000 + nth + 1));
    const { errors } = composeServices(subgraphs.map(({ name, sdl }) => ({ name, typeDefs: parse(sdl), url: '' })));
    if (!errors) return subgraphs;
  }
  throw new Error(`no supergraph of seed ${seed} composes`);
}

function draftSupergraph(random: Random): SubgraphSdl[] {
  const names = shuffled(random, serviceNames).slice(0, 2 + int(random, 3));
  const entities = shuffled(random, typeNames)
    .slice(0, 2 + int(random, 3))
    .map((name): Entity => ({ name, key: keyOf(random), isItem: chance(random, 0.6), isPart: chance(random, 0.5) }));
  const draft: Draft = { random, entities };
  /** Who resolves which fields of each entity: a field of one subgraph may be required by those that come later. */
  const owned = new Map<string, { readonly field: Field; readonly by: number }[]>();
  return names.map((name, index) => ({ name, sdl: subgraphSdl(draft, { index, owned }) }));
}

function subgraphSdl(
  draft: Draft,
  { index, owned }: { index: number; owned: Map<string, { readonly field: Field; readonly by: number }[]> },
): string {
  const { random, entities } = draft;
  const knowsPlace = chance(random, 0.7);
  const types = entities.map((entity) => {
    const fields: string[] = [entity.key.definitions];
    const known = owned.get(entity.name) ?? [];
    const isStub = index > 0 && chance(random, 0.25);
    const count = isStub ? 0 : 1 + int(random, 3);
    const free = shuffled(random, fieldNames).filter((name) => !known.some(({ field }) => field.name === name));
    const own = free.slice(0, count).map((name) => randomField(draft, name));
    for (const field of own) {
      known.push({ field, by: index });
      fields.push(`${field.name}${field.args}: ${field.type}`);
    }
    const required = known.filter(({ by, field }) => by !== index && field.args === '' && isScalar(field.type));
    const [first, second] = shuffled(random, required);
    if (first && chance(random, 0.6)) {
      const all = second && chance(random, 0.4) ? [first, second] : [first];
      fields.push(...all.map(({ field }) => `${field.name}: ${field.type} @external`));
      fields.push(`derived${index}: ${chance(random, 0.3) ? 'String!' : 'Int'} @requires(fields: "${all.map(({ field }) => field.name).join(' ')}")`); // prettier-ignore
    }
    if (knowsPlace) fields.push(`place: Place @shareable`);
    owned.set(entity.name, known);
    const implemented = entity.isItem ? 'implements Item ' : '';
    return `type ${entity.name} ${implemented}@key(fields: "${entity.key.fields}") { ${fields.join(' ')} }`;
  });
  const items = entities.filter(({ isItem }) => isItem);
  const parts = entities.filter(({ isPart }) => isPart);
  const roots = Array.from({ length: 1 + int(random, 3) }, (_, nth) => {
    const { name } = entities[int(random, entities.length)] as Entity;
    const target = items.length > 0 && chance(random, 0.3) ? 'Item' : parts.length > 0 && chance(random, 0.3) ? 'Part' : name; // prettier-ignore
    return `r${index}${nth}${chance(random, 0.3) ? '(first: Int = 2)' : ''}: ${wrapped(random, target)}`;
  });
  return [
    link,
    `type Query { ${roots.join(' ')} }`,
    index === 0 && chance(random, 0.5) ? `type Mutation { change(to: Mood): ${(entities[0] as Entity).name} }` : '',
    ...types,
    items.length > 0 ? 'interface Item { id: ID! }' : '',
    parts.length > 0 ? `union Part = ${parts.map(({ name }) => name).join(' | ')}` : '',
    'enum Mood { GOOD BAD }',
    knowsPlace ? 'type Place @shareable { lat: Float lon: Float! names: [String!] inner: Place }' : '',
    entities.some(({ key }) => key.fields.includes('{')) ? 'type Ref @shareable { code: ID! }' : '',
  ].join('\n');
}

function keyOf(random: Random): Entity['key'] {
  switch (int(random, 4)) {
    case 0:
      return { fields: 'id region', definitions: 'id: ID! region: ID!' };
    case 1:
      return { fields: 'id ref { code }', definitions: 'id: ID! ref: Ref! @shareable' };
    default:
      return { fields: 'id', definitions: 'id: ID!' };
  }
}

function randomField({ random, entities }: Draft, name: string): Field {
  const args = chance(random, 0.25) ? `(of: ${chance(random, 0.5) ? 'Int' : 'Mood = GOOD'})` : '';
  if (chance(random, 0.6)) {
    const scalar = scalars[int(random, scalars.length)] as string;
    return { name, args, type: chance(random, 0.2) ? wrapped(random, scalar) : `${scalar}${chance(random, 0.3) ? '!' : ''}` }; // prettier-ignore
  }
  const { name: target } = entities[int(random, entities.length)] as Entity;
  return { name, args, type: wrapped(random, target) };
}

const isScalar = (type: string): boolean => scalars.includes(type.replace('!', ''));

/** The type, or a list of it, or a list of lists, each perhaps promised. */
function wrapped(random: Random, type: string): string {
  const mark = (text: string): string => (chance(random, 0.3) ? `${text}!` : text);
  const depth = [0, 0, 1, 1, 1, 2][int(random, 6)] ?? 0;
  let text = mark(type);
  for (let level = 0; level < depth; level++) text = mark(`[${text}]`);
  return text;
}

const int = (random: Random, below: number): number => Math.floor(random() * below);
const chance = (random: Random, probability: number): boolean => random() < probability;
function shuffled<T>(random: Random, all: readonly T[]): T[] {
  return all
    .map((one) => [random(), one] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, one]) => one);
}
