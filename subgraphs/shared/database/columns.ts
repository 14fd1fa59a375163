import { Type, p } from '@mikro-orm/core';
import { idFromBytes, idToBytes } from '../values/ids.ts';

/** An id in a record: canonical UUID text, told from other texts by its type alone. Any string may be given for one. */
export type Id = string & { readonly '~id'?: true };

/** Column type for ids: canonical UUID text inside, `BINARY(16)` in the database. */
export class IdType extends Type<string, Buffer> {
  override convertToDatabaseValue(value: string | Buffer): Buffer {
    return typeof value === 'string' ? idToBytes(value) : value;
  }
  override convertToJSValue(value: string | Buffer): string {
    return typeof value === 'string' ? value : idFromBytes(value);
  }
  override getColumnType(): string {
    return 'binary(16)';
  }
  override compareAsType(): string {
    return 'string';
  }
  override ensureComparable(): boolean {
    return false;
  }
}

/** `binary(16)`. */
export const id = () => p.type(IdType).$type<Id>();
/** `binary(length)`, a hash for instance. */
export const bytes = (length: number) => p.type('blob').columnType(`binary(${length})`).$type<Buffer>();
/** `varchar(length)`; the type argument says which texts there are. */
export const text = <T extends string>(length: number) => p.string().length(length).$type<T>();
/** `datetime(3)`, in UTC. */
export const at = () => p.datetime(3).$type<Date>();
/** An amount in minor units: `bigint`. */
export const minor = () => p.bigint().$type<bigint>();
