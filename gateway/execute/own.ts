import type { JsonObject } from './types.ts';

/** Names that every object inherits: they are only read and written as own properties. */
export const isInherited = (name: string): boolean => name in Object.prototype;

/** Reads one own property of any object; decided once for a name. */
export const ownReader = (name: string): ((object: JsonObject) => unknown) =>
  isInherited(name) ? (object) => (Object.hasOwn(object, name) ? object[name] : undefined) : (object) => object[name];

/** As `ownReader`, by a function of its own for each name where code may be generated: V8 learns by it what it reads. */
export function compileReader(name: string, generateCode: boolean): (object: JsonObject) => unknown {
  if (!generateCode || isInherited(name)) return ownReader(name);
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function('object', `return object[${JSON.stringify(name)}];`) as (object: JsonObject) => unknown;
}

/** An own property, or undefined. Response names may be `constructor` or `__proto__`. */
export const getOwn = (object: JsonObject, name: string): unknown =>
  isInherited(name) && !Object.hasOwn(object, name) ? undefined : object[name];

/** Sets an own property under any name. */
export function setOwn(object: JsonObject, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[name] = value;
  }
}
