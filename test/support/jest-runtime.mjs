import { createRequire } from 'node:module';
import { sep } from 'node:path';
import { SyntheticModule } from 'node:vm';
import jestRuntime from 'jest-runtime';

/**
 * What Jest 30.5 has inside and does not declare.
 *
 * @typedef {{
 *   buildCjsAsEsmSyntheticModule(from: string, path: string, context: object): SyntheticModule,
 *   pendingCjsBuildIsUnmarkedEsm(pending: { modulePath: string }): boolean,
 * }} EsmLoader
 */

// Its types are those of its CommonJS form, where the class is a property.
const JestRuntime = /** @type {typeof jestRuntime.default} */ (/** @type {unknown} */ (jestRuntime));

const nodeRequire = createRequire(import.meta.url);
const packages = `${sep}node_modules${sep}`;

/** @param {string} path */
const isOfPackage = (path) => path.includes(packages);

/** The packages that this worker has loaded, by path. @type {Map<string, SyntheticModule>} */
const imported = new Map();

/** @param {string} path in the worker's own realm, as all modules of test files: see jest-environment.mjs */
function importPackage(path) {
  const known = imported.get(path);
  if (known !== undefined) return known;
  const loaded = nodeRequire(path);
  const isEsm = Object.prototype.toString.call(loaded) === '[object Module]';
  const values = new Map(Object.entries(loaded ?? {}));
  if (!isEsm) values.set('default', loaded).set('module.exports', loaded);
  const module = new SyntheticModule(
    [...values.keys()],
    () => values.forEach((value, name) => module.setExport(name, value)),
    { identifier: path },
  );
  imported.set(path, module);
  return module;
}

/**
 * Lets Node load the packages, once for all test files of a worker and with its compile cache. Jest would compile and run
 * each of them anew for each file, which took a third of a short file's CPU. Our own modules are loaded anew, as Jest does.
 * A package can't be mocked.
 */
export default class Runtime extends JestRuntime {
  /** @param {ConstructorParameters<typeof JestRuntime>} given */
  constructor(...given) {
    super(...given);
    const { esmLoader } = /** @type {{ esmLoader: EsmLoader }} */ (/** @type {unknown} */ (this));
    const buildModule = esmLoader.buildCjsAsEsmSyntheticModule.bind(esmLoader);
    const isUnmarkedEsm = esmLoader.pendingCjsBuildIsUnmarkedEsm.bind(esmLoader);
    esmLoader.buildCjsAsEsmSyntheticModule = (from, path, context) =>
      isOfPackage(path) ? importPackage(path) : buildModule(from, path, context);
    esmLoader.pendingCjsBuildIsUnmarkedEsm = (pending) => !isOfPackage(pending.modulePath) && isUnmarkedEsm(pending);
  }

  /** @override @param {string} path */
  unstable_shouldLoadAsEsm(path) {
    return !isOfPackage(path) && super.unstable_shouldLoadAsEsm(path);
  }
}
