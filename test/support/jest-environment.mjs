import vm from 'node:vm';
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';

/** Stands for Node's own realm where Jest asks in which context it shall compile. */
const here = vm.createContext();

/**
 * @template {{ context?: unknown, parsingContext?: unknown } | undefined} Options
 * @param {Options} options
 * @returns {Options} without the context when it is `here`: Node then compiles in its own realm
 */
function inOwnRealm(options) {
  if (options === undefined || (options.context !== here && options.parsingContext !== here)) return options;
  const { context: _, parsingContext: __, ...others } = options;
  return /** @type {Options} */ (others);
}

const { SourceTextModule, SyntheticModule, compileFunction } = vm;
Object.assign(vm, {
  /** @type {typeof compileFunction} */
  compileFunction: (code, parameters, options) => compileFunction(code, parameters, inOwnRealm(options)),
  SourceTextModule: class extends SourceTextModule {
    /** @param {ConstructorParameters<typeof SourceTextModule>} given */
    constructor(...[code, options]) {
      super(code, inOwnRealm(options));
    }
  },
  SyntheticModule: class extends SyntheticModule {
    /** @param {ConstructorParameters<typeof SyntheticModule>} given */
    constructor(...[names, evaluate, options]) {
      super(names, evaluate, inOwnRealm(options));
    }
  },
});

const agendaModule = /\/node_modules\/agenda\//;
const longMs = 10_000;

/**
 * For each job that it runs, Agenda waits half the life of the job's lock to see whether it runs still, also when the job
 * has ended long ago (`checkIfJobIsStillAlive` in https://github.com/agenda/agenda/blob/main/packages/agenda/src/JobProcessor.ts).
 * A process ends by `process.exit`; Jest would say of each worker that it "has failed to exit gracefully". This can go when
 * Agenda clears that timer.
 */
function leaveAgendaBehind() {
  const { setTimeout } = globalThis;
  const start = (/** @type {Parameters<typeof setTimeout>} */ ...given) => {
    const timer = setTimeout(...given);
    if ((given[1] ?? 0) >= longMs && agendaModule.test(String(new Error('where from').stack))) timer.unref();
    return timer;
  };
  globalThis.setTimeout = Object.defineProperties(/** @type {typeof setTimeout} */ (start), Object.getOwnPropertyDescriptors(setTimeout)); // prettier-ignore
}
leaveAgendaBehind();

/**
 * Runs test files in the realm of their worker process. Jest's own environment gives each file a realm whose every global
 * is looked up through a proxy: GraphQL takes three times as long in it, and `caught instanceof Error` is false for Node's
 * errors. Modules are loaded anew for each file here too; globals and variables of the
 * environment are put back.
 *
 */
export default class OwnRealmEnvironment {
  /** @type {Map<PropertyKey, PropertyDescriptor | undefined>} */
  #globals = new Map(Reflect.ownKeys(globalThis).map((key) => [key, Object.getOwnPropertyDescriptor(globalThis, key)]));
  #variables = { ...process.env };
  global = globalThis;
  fakeTimers = null;
  fakeTimersModern;
  moduleMocker = new ModuleMocker(globalThis);

  /** @param {import('@jest/environment').JestEnvironmentConfig} config */
  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    for (const key of Reflect.ownKeys(globalThis)) if (!this.#globals.has(key)) Reflect.deleteProperty(globalThis, key);
    for (const [key, descriptor] of this.#globals)
      if (descriptor?.configurable) Object.defineProperty(globalThis, key, descriptor);
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name];
    Object.assign(process.env, this.#variables);
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return here;
  }
}
