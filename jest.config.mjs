/** @param {'unit' | 'int' | 'e2e'} name */
const project = (name) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/**/*.${name}.test.ts`],
  testEnvironment: '<rootDir>/test/support/jest-environment.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  runtime: '<rootDir>/test/support/jest-runtime.mjs',
  transform: { '\\.ts$': '<rootDir>/test/support/jest-transformer.mjs' },
  modulePathIgnorePatterns: ['<rootDir>/.data/'],
});
// Starts the throw-away MariaDB and Redis, once for all projects, and only when a test that needs them was selected.
const servers = {
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};

export default {
  // More than there may be processors: many of the tests wait for time to pass.
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/support/jest-sequencer.mjs',
  // Modules that a file loaded stay in the worker's memory, and collecting garbage among them costs more with each.
  workerIdleMemoryLimit: '1GB',
  // Of no effect in a project: Jest reads it here only. Other databases take several times as long to make their tables.
  testTimeout: (process.env['TEST_ENGINE'] ?? 'mariadb') === 'mariadb' ? 30_000 : 120_000,
  projects: [project('unit'), { ...project('int'), ...servers }, { ...project('e2e'), ...servers }],
};
