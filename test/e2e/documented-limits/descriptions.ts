import { readFileSync } from 'node:fs';
import { type GraphQLSchema, buildSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isSpecifiedScalarType } from 'graphql'; // prettier-ignore

const root = new URL('../../../', import.meta.url);
export const api: GraphQLSchema = buildSchema(readFileSync(new URL('schema/api.graphql', root), 'utf8'));

/** What a description says beside its numbers: examples, standards, names. */
const noLimit = /`[^`]*`|ISO \d+|UUIDv7|SHA-256|RFC \d+|W3C|e\.g\. [^;.:`]*(?:\.\d+[^;.:`]*)?/g;

/** Every description with a number, by its place: `Type`, `Type.field`, `Type.field(argument:)`. */
export function numberedDescriptions(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const note = (place: string, { description }: { readonly description?: string | null | undefined }): void => {
    if (/\d/.test((description ?? '').replaceAll(noLimit, ''))) found.set(place, (description ?? '').replaceAll('\n', ' ')); // prettier-ignore
  };
  for (const type of Object.values(api.getTypeMap())) {
    if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue;
    note(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) note(`${type.name}.${value.name}`, value);
    if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) note(`${type.name}.${field.name}`, field); // prettier-ignore
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      note(`${type.name}.${field.name}`, field);
      for (const argument of field.args) note(`${type.name}.${field.name}(${argument.name}:)`, argument);
    }
  }
  return found;
}

export type Limit = { readonly min: number | null; readonly max: number | null };

const numberOf = (text: string | undefined): number => Number((text ?? '').replaceAll(',', ''));

/** The first limit that a description names: `1 to 64`, `at most 200`, `up to 512`, `within ±1,000`, `at least 1`, `0 or more`. */
export function limitOf(description: string): Limit | null {
  const range = /(\d[\d,]*) to (\d[\d,]*)/.exec(description);
  if (range) return { min: numberOf(range[1]), max: numberOf(range[2]) };
  const most = /(?:at most|up to|within ±) ?(\d[\d,]*)( KiB)?/i.exec(description);
  if (most) return { min: null, max: numberOf(most[1]) * (most[2] ? 1_024 : 1) };
  const least = /at least (\d[\d,]*)|(\d[\d,]*) or more/i.exec(description);
  return least ? { min: numberOf(least[1] ?? least[2]), max: null } : null;
}
