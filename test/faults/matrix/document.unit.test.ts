import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { format, resolveConfig } from 'prettier';
import { resilienceDocument } from './document.ts';
import { type Run, tracks } from './plan.ts';
import { rows } from './rows.ts';
import { seen } from './seen.ts';
import { dependencies, faults, moments } from './table.ts';

const path = fileURLToPath(new URL('../../../docs/resilience.md', import.meta.url));

test('docs/resilience.md is what the table says; WRITE_RESILIENCE=true writes it anew', async () => {
  const text = await format(resilienceDocument(), { ...(await resolveConfig(path)), parser: 'markdown' });
  if (process.env['WRITE_RESILIENCE'] === 'true') await writeFile(path, text);
  expect(await readFile(path, 'utf8')).toBe(text);
});

test('each dependency has each fault once, with a test in the larger runs or with the reason why it means nothing', () => {
  expect(rows.map(({ dependency, fault }) => `${dependency} ${fault}`)).toEqual(
    dependencies.flatMap((dependency) => faults.map((fault) => `${dependency} ${fault}`)),
  );
  for (const row of rows) {
    if ('meaningless' in row) continue;
    const { dependency, fault, shapes } = row;
    const run = (name: Run) =>
      tracks[name].flatMap(({ outages }) => outages.filter((outage) => outage.fault === fault && outage.dependencies.includes(dependency))); // prettier-ignore
    expect([dependency, fault, run('once').length > 0]).toEqual([dependency, fault, true]);
    const complete = run('all').map(({ shape, moment }) => `${shape} ${moment}`);
    expect(complete.toSorted()).toEqual(shapes.flatMap((shape) => moments.map((moment) => `${shape} ${moment}`)).toSorted()); // prettier-ignore
  }
});

test('a run without MATRIX meets each dependency and each fault', () => {
  const outages = tracks.short.flatMap((track) => track.outages);
  expect(new Set(outages.flatMap((outage) => outage.dependencies))).toEqual(new Set(dependencies));
  expect(new Set(outages.map(({ fault }) => fault))).toEqual(new Set(faults));
  for (const outage of outages)
    for (const dependency of outage.dependencies)
      expect(rows.find((row) => row.dependency === dependency && row.fault === outage.fault)).toHaveProperty('shapes', expect.arrayContaining([outage.shape])); // prettier-ignore
});

test('what was seen to pass is of the table', () => {
  const places = rows.flatMap((row) =>
    'meaningless' in row
      ? []
      : row.shapes.flatMap((shape) => moments.map((moment) => `${row.dependency}: ${row.fault}: ${shape}, ${moment}`)),
  );
  const claimed = Object.entries(seen).flatMap(([cell, where]) =>
    where.map((place) => `${cell}: ${place.replace('*', '')}`),
  );
  expect(claimed.filter((place) => !places.includes(place))).toEqual([]);
});
