import { TestEnvironment } from 'jest-environment-node';

const ordinaryHasInstance = Function.prototype[Symbol.hasInstance];
const sharedConstructors = [
  ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'],
  ...['Object', 'Function', 'Array', 'Date', 'RegExp', 'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet'],
  ...['DataView', 'SharedArrayBuffer', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array'],
  ...['Uint8ClampedArray', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
];

const agendaModule = /\/node_modules\/agenda\//;
const longMs = 10_000;

/**
 * For each job that it runs, Agenda waits half the life of the job's lock to see whether it runs still, also when the job
 * has ended long ago (`checkIfJobIsStillAlive` in https://github.com/agenda/agenda/blob/main/packages/agenda/src/JobProcessor.ts).
 * A process ends by `process.exit`; Jest would say of each worker that it "has failed to exit gracefully". This can go when
 * Agenda clears that timer.
 *
 * @param {{ setTimeout: typeof setTimeout }} global
 */
function leaveAgendaBehind(global) {
  const { setTimeout } = global;
  const start = (/** @type {Parameters<typeof setTimeout>} */ ...given) => {
    const timer = setTimeout(...given);
    if ((given[1] ?? 0) >= longMs && agendaModule.test(String(new Error('where from').stack))) timer.unref();
    return timer;
  };
  global.setTimeout = Object.defineProperties(/** @type {typeof setTimeout} */ (start), Object.getOwnPropertyDescriptors(setTimeout)); // prettier-ignore
}

/**
 * Jest runs each test file in a realm of its own, while Node's modules make their errors, dates and arrays in the main
 * one: there `caught instanceof Error` is false for an ENOENT. Here a realm's constructors accept the instances of both.
 */
export default class SharedRealmEnvironment extends TestEnvironment {
  /** @param {import('@jest/environment').JestEnvironmentConfig} config @param {import('@jest/environment').EnvironmentContext} context */
  constructor(config, context) {
    super(config, context);
    leaveAgendaBehind(this.global);
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
