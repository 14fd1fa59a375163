import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { unpackDebianPackages } from './embedded/debian-packages.ts';

const root = resolve(import.meta.dirname, '..');

/** The rules of the alerts, and their tests. */
export const rulesDir = join(root, 'ops', 'docker', 'prometheus');

/** Prometheus's programs from the distribution's package, and the environment that they run in. Throws where there is no apt. */
export async function unpackPrometheus(): Promise<{
  readonly program: (name: 'prometheus' | 'promtool') => string;
  readonly env: NodeJS.ProcessEnv;
}> {
  const dataDir = resolve(root, process.env['DATA_DIR'] || '.data');
  await mkdir(dataDir, { recursive: true });
  const unpacked = await unpackDebianPackages({
    names: ['prometheus'],
    directory: join(dataDir, 'prometheus'),
    log: (line) => console.log(line),
  });
  if (!unpacked) throw new Error('Prometheus comes from a Debian or Ubuntu package, and there is no apt here');
  return { program: (name) => join(unpacked.root, 'usr', 'bin', name), env: unpacked.env };
}
