import { TestEnvironment } from 'jest-environment-node';

const ordinaryHasInstance = Function.prototype[Symbol.hasInstance];
const sharedConstructors = [
  ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'],
  ...['Object', 'Function', 'Array', 'Date', 'RegExp', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet'],
  ...['DataView', 'SharedArrayBuffer', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array'],
  ...['Uint8ClampedArray', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
];

/**
 * Jest runs each test file in a realm of its own, while Node's modules make their errors, dates and arrays in the main
 * one: there `caught instanceof Error` is false for an ENOENT. Here a realm's constructors accept the instances of both.
 */
export default class SharedRealmEnvironment extends TestEnvironment {
  /** @param {import('@jest/environment').JestEnvironmentConfig} config @param {import('@jest/environment').EnvironmentContext} context */
  constructor(config, context) {
    super(config, context);
    for (const name of sharedConstructors) {
      const inner = /** @type {any} */ (this.global)[name];
      const outer = /** @type {any} */ (globalThis)[name];
      Object.defineProperty(inner, Symbol.hasInstance, {
        // Subclasses inherit this, so only the constructor itself looks at the other realm.
        /** @this {Function} @param {unknown} value */
        value(value) {
          return ordinaryHasInstance.call(this, value) || (this === inner && ordinaryHasInstance.call(outer, value));
        },
        configurable: true,
      });
    }
  }
}
