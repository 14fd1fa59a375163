// `npm run check`: every static check and the unit tests; with `--static` without these, which `npm test` has too.
// All of them run, whatever the others say; two at a time, as most of them use one processor.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';

type Check = { name: string; args: string[] };

const root = resolve(import.meta.dirname, '..');
const silent = '--disable-warning=ExperimentalWarning';
const jest = [silent, '--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
const checks: Check[] = [
  { name: 'prettier', args: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'] },
  { name: 'oxlint', args: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'tsc', args: ['node_modules/typescript/bin/tsc', '--noEmit'] },
  { name: 'tsc pages', args: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'gateway/pages'] },
  { name: 'compose', args: [silent, 'schema/compose.ts', '--check'] },
  { name: 'knip', args: ['node_modules/knip/bin/knip.js', '--no-progress'] },
];
const checksAtATime = 2;
const unitTests: Check = { name: 'unit tests', args: [...jest, '--selectProjects', 'unit'] };

/** Runs one check; prints its output only when it fails. */
async function passes({ name, args }: Check): Promise<boolean> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<boolean>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code === 0));
  });
  const [stdout, stderr, passed] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!passed) console.log(`${stdout}${stderr}`.trimEnd());
  return passed;
}

const options = process.argv.slice(2);
const isStatic = options.includes('--static');
const unknown = options.filter((option) => option !== '--static');
if (unknown.length > 0) {
  console.error(`Unknown argument: ${unknown.join(' ')}. The only one is --static.`);
  process.exit(2);
}
const failed: string[] = [];
const waiting = checks.values();
const runWaiting = async (): Promise<void> => {
  for (const check of waiting) if (!(await passes(check))) failed.push(check.name);
};
await Promise.all(Array.from({ length: checksAtATime }, runWaiting));
// Alone: it measures, and it has workers of its own.
if (!isStatic && !(await passes(unitTests))) failed.push(unitTests.name);
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
