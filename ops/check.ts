// `npm run check`: every static check and the unit tests. All of them run, whatever the others say.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';

type Check = { name: string; args: string[] };

const root = resolve(import.meta.dirname, '..');
const silent = '--disable-warning=ExperimentalWarning';
const jest = [silent, '--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--passWithNoTests'];
const checks: Check[] = [
  { name: 'prettier', args: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'] },
  { name: 'oxlint', args: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'tsc', args: ['node_modules/typescript/bin/tsc', '--noEmit'] },
  { name: 'tsc pages', args: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'gateway/pages'] },
  ...(existsSync(resolve(root, 'schema/compose.ts'))
    ? [{ name: 'compose', args: [silent, 'schema/compose.ts', '--check'] }]
    : []),
  { name: 'knip', args: ['node_modules/knip/bin/knip.js', '--no-progress'] },
  { name: 'unit tests', args: [...jest, '--selectProjects', 'unit'] },
];

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

const failed: string[] = [];
for (const check of checks) if (!(await passes(check))) failed.push(check.name);
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
