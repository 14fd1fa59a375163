import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
type Locked = { name?: string; version: string; license?: string | string[]; dev?: boolean; integrity?: string };
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
/** Every package that may be installed, by name. */
const locked = Object.entries(packages).flatMap(([path, one]): [name: string, Locked][] =>
  path === '' ? [] : [[path.split('node_modules/').at(-1) ?? '', one]],
);

/** Of what runs in production: they ask for their notice to be kept, and nothing else. */
const permissive = new Set(['MIT', 'MIT-0', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', 'Unlicense', '(MIT OR CC0-1.0)', '(MIT AND BSD-3-Clause)']); // prettier-ignore
/** Of what builds and tests only, and is not passed on. */
const tools = new Set([...permissive, 'MPL-2.0', 'CC-BY-4.0', 'PSF-2.0', '(MIT OR EUPL-1.1+)']);
const elastic = ['@apollo/composition', '@apollo/federation-internals', '@apollo/gateway', '@apollo/query-graphs', '@apollo/query-planner']; // prettier-ignore

test('every package has a licence that docs/licences.md allows; five are under the Elastic License, and the README names them', () => {
  expect(locked.length).toBeGreaterThan(300);
  const others = locked
    .filter(([, { license = '', dev }]) => !(dev ? tools : permissive).has(String(license)))
    .map(([name, { license = 'none' }]) => `${name}: ${String(license)}`);
  expect([...new Set(others)].toSorted()).toEqual([
    ...elastic.map((name) => `${name}: Elastic-2.0`),
    'pause-stream: MIT,Apache2', // a choice, in an old form
  ]);
  const [readme, document] = [read('README.md'), read('docs/licences.md')];
  expect(readme).toContain('Elastic License 2.0');
  for (const name of elastic) expect([readme.includes(`\`${name}\``), document.includes(`\`${name}\``)]).toEqual([true, true]); // prettier-ignore
  for (const licence of tools) expect(document).toContain(licence.replaceAll(/[()]/g, ''));
});

test('npm run sbom lists every package of the lock file with its hash, as CycloneDX', () => {
  const [program, ...args] = (JSON.parse(read('package.json')) as { scripts: { sbom: string } }).scripts.sbom.split(
    ' ',
  );
  const text = execFileSync(String(program), args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const bill = JSON.parse(text) as {
    bomFormat: string;
    components: { 'bom-ref': string; name: string; version: string; hashes?: object[]; licenses?: object[] }[];
  };
  expect(bill.bomFormat).toBe('CycloneDX');
  // A package that is used by another name as well is listed once.
  const listed = new Set(bill.components.flatMap((one) => [`${one.name}@${one.version}`, one['bom-ref']]));
  const missing = locked.filter(
    ([name, one]) => ![name, one.name].some((known) => listed.has(`${known}@${one.version}`)),
  );
  expect(missing.map(([name]) => name)).toEqual([]);
  expect(bill.components.filter(({ hashes = [] }) => hashes.length === 0).map(({ name }) => name)).toEqual([]);
}, 60_000);
