import type { InferEntity } from '@mikro-orm/core';
import { idFromBytes } from '../values/ids.ts';
import { type Row, toDate, toJson } from './statements.ts';

/** How a column's value becomes the record's, by the type that the record gives it. Null stays null. */
const conversions: Readonly<Record<string, (value: unknown) => unknown>> = {
  IdType: (value) => idFromBytes(value as Buffer),
  BigIntType: (value) => BigInt(value as string),
  DateTimeType: toDate,
  JsonType: toJson,
  BooleanType: (value) => Number(value) === 1,
  IntegerType: Number,
  SmallIntType: Number,
  TinyIntType: Number,
};

const columnOf = (property: string): string => property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Field = {
  readonly property: string;
  readonly column: string;
  readonly convert: ((value: unknown) => unknown) | undefined;
};

/**
 * Makes the function that reads a row of a record's table: property names for columns, and the record's values for the
 * driver's. Of a SELECT of some columns it reads those that are there.
 *
 * @throws {Error} when a property has a type that is not known here
 */
export function readerOf<Schema extends object>(record: Schema): (row: Row | object) => InferEntity<Schema> {
  const { properties, tableName } = (record as { meta: { properties: Record<string, object>; tableName: string } })
    .meta;
  const fields = Object.entries(properties).map(([property, builder]): Field => {
    const options = builder as { type?: unknown; fieldName?: string };
    const { type } = options;
    const name =
      typeof type === 'function' ? type.name : typeof type === 'object' && type ? type.constructor.name : String(type);
    if (!(name in conversions) && !asStored.has(name)) throw new Error(`${tableName}.${property} has the type ${name}`);
    return { property, column: options.fieldName ?? columnOf(property), convert: conversions[name] };
  });
  return (row) => {
    const read: Record<string, unknown> = {};
    for (const { property, column, convert } of fields) {
      const value = (row as Row)[column];
      if (value === undefined) continue;
      read[property] = convert && value !== null ? convert(value) : value;
    }
    return read as InferEntity<Schema>;
  };
}

/** Types whose values are as the driver gives them. */
const asStored: ReadonlySet<string> = new Set([
  'StringType',
  'TextType',
  'BlobType',
  'blob',
  'DateType',
  'CharacterType',
]);
