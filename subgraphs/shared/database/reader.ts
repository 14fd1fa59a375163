import type { InferEntity } from '@mikro-orm/core';
import { idFromBytes, idToBytes } from '../values/ids.ts';
import { type Parameter, type Row, toDate, toJson } from './statements.ts';
import type { RowOf } from './tables.ts';

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

/** The other way round. */
const storing: Readonly<Record<string, (value: never) => Parameter>> = { IdType: idToBytes, JsonType: JSON.stringify };
/** Types whose values are as the driver gives them. */
const asStored: ReadonlySet<string> = new Set([
  'StringType',
  'TextType',
  'BlobType',
  'blob',
  'DateType',
  'CharacterType',
]);

type Convert = (value: unknown) => unknown;
type Field = {
  readonly property: string;
  readonly column: string;
  readonly read: Convert | undefined;
  readonly store: Convert | undefined;
};

function fieldsOf(record: object): readonly Field[] {
  const { properties, tableName } = (record as { meta: { properties: Record<string, object>; tableName: string } })
    .meta;
  return Object.entries(properties).map(([property, builder]): Field => {
    const options = builder as { type?: unknown; fieldName?: string };
    const { type } = options;
    const name =
      typeof type === 'function' ? type.name : typeof type === 'object' && type ? type.constructor.name : String(type);
    if (!(name in conversions) && !asStored.has(name)) throw new Error(`${tableName}.${property} has the type ${name}`);
    const column = options.fieldName ?? columnOf(property);
    return { property, column, read: conversions[name], store: storing[name] as Convert | undefined };
  });
}

/** A record's values as they are stored: a column that may be null has null, and none is left out. */
export type ValuesOf<Schema> = {
  [Property in keyof InferEntity<Schema> & string]-?: Exclude<InferEntity<Schema>[Property], undefined>;
};

/**
 * Makes the function that reads a row of a record's table: property names for columns, and the record's values for the
 * driver's. Of a SELECT of some columns it reads those that are there.
 *
 * @throws {Error} when a property has a type that is not known here
 */
export function readerOf<Schema extends object>(record: Schema): (row: Row | object) => ValuesOf<Schema> {
  const fields = fieldsOf(record);
  return (row) => {
    const value: Record<string, unknown> = {};
    for (const { property, column, read } of fields) {
      const stored = (row as Row)[column];
      if (stored === undefined) continue;
      value[property] = read && stored !== null ? read(stored) : stored;
    }
    return value as ValuesOf<Schema>;
  };
}

/**
 * Makes the function that gives a record's row, to be inserted: the other way round as `readerOf`. Of a value with other
 * properties beside the record's it takes the record's.
 *
 * @throws {Error} when a property has a type that is not known here
 */
export function writerOf<Schema extends { name: string }>(record: Schema): (value: ValuesOf<Schema>) => RowOf<Schema> {
  const fields = fieldsOf(record);
  return (value) => {
    const row: Record<string, unknown> = {};
    for (const { property, column, store } of fields) {
      const given = (value as Record<string, unknown>)[property];
      row[column] = store && given !== null && given !== undefined ? store(given) : given;
    }
    return row as RowOf<Schema>;
  };
}
