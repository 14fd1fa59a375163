import {
  type GraphQLFieldMap,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isObjectType,
} from 'graphql';

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** A given value with the ids in it as `newId` makes them: RFC 9562 lets clients spell them in upper case too. */
type Spell = (value: unknown) => unknown;

const spellId: Spell = (value) => (typeof value === 'string' && uuid.test(value) ? value.toLowerCase() : value);
const spellEach =
  (spell: Spell): Spell =>
  (value) =>
    Array.isArray(value) ? value.map(spellEach(spell)) : spell(value);

/** Lets resolvers see the ids of their arguments in one spelling. Fields without ids among their arguments are left as they are. */
export function spellIds(schema: GraphQLSchema): void {
  const known = new Map<string, Spell | null>();

  /** Null where a value of the type holds no id. */
  function spellOf(type: GraphQLInputType): Spell | null {
    const named = getNamedType(type);
    if (named.name === 'ID') return spellEach(spellId);
    if (!isInputObjectType(named)) return null;
    const found = known.get(named.name);
    if (found !== undefined) return found;
    // A type within itself: what is below is spelt by the same function, which is known by then.
    known.set(named.name, (value) => known.get(named.name)?.(value) ?? value);
    const spell = membersOf(Object.entries(named.getFields()).map(([name, field]) => [name, field.type]));
    known.set(named.name, spell && spellEach(spell));
    return known.get(named.name) ?? null;
  }
  function membersOf(types: readonly (readonly [string, GraphQLInputType])[]): Spell | null {
    const members = types.flatMap(([name, type]) => {
      const spell = spellOf(type);
      return spell ? [[name, spell] as const] : [];
    });
    if (members.length === 0) return null;
    return (value) => {
      if (typeof value !== 'object' || value === null) return value;
      const spelt: Record<string, unknown> = { ...value };
      for (const [name, spell] of members) if (Object.hasOwn(spelt, name)) spelt[name] = spell(spelt[name]);
      return spelt;
    };
  }
  const wrap = (fields: GraphQLFieldMap<unknown, unknown>): void => {
    for (const field of Object.values(fields)) {
      const spell = membersOf(field.args.map(({ name, type }) => [name, type]));
      if (!spell) continue;
      const { resolve, subscribe } = field;
      if (resolve) field.resolve = (source, args, ...rest) => resolve(source, spell(args), ...rest);
      if (subscribe) field.subscribe = (source, args, ...rest) => subscribe(source, spell(args), ...rest);
    }
  };
  for (const type of Object.values(schema.getTypeMap())) if (isObjectType(type)) wrap(type.getFields());
}
