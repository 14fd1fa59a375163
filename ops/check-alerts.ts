import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { unpackDebianPackages } from './embedded/debian-packages.ts';
import { runCommand } from './embedded/run-command.ts';

/**
 * Tests the alerts with Prometheus's own `promtool`, from the distribution's package: that each fires when it should and
 * stays silent before. Prints what it says, and exits with 1 where something is wrong.
 */
const root = resolve(import.meta.dirname, '..');
const dataDir = resolve(root, process.env['DATA_DIR'] || '.data');
await mkdir(dataDir, { recursive: true });
const unpacked = await unpackDebianPackages({
  names: ['prometheus'],
  directory: join(dataDir, 'prometheus'),
  log: (line) => console.log(line),
});
if (!unpacked) throw new Error('promtool comes from a Debian or Ubuntu package, and there is no apt here');
const promtool = join(unpacked.root, 'usr', 'bin', 'promtool');
const rules = join(root, 'ops', 'docker', 'prometheus');
for (const args of [
  ['check', 'rules', join(rules, 'rules.yml')],
  ['test', 'rules', join(rules, 'rules.test.yml')],
])
  console.log(await runCommand(promtool, args, { env: unpacked.env }));
