import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { syntaxError, watchSources, workFor } from '../../ops/watch/sources.ts';
import { until } from '../support/until.ts';

const all = ['user', 'product', 'order', 'payment', 'worker', 'simulated-provider', 'gateway'];

describe('a change of', () => {
  test.each([
    ['subgraphs/order/commands/place-order.ts', { programs: ['order', 'worker'] }],
    ['subgraphs/order/migrations/2026-11-21-initial.ts', { programs: ['order', 'worker'], migrate: true }],
    ['subgraphs/payment/simulated-provider/cards.ts', { programs: ['simulated-provider'] }],
    ['subgraphs/shared/http/server.ts', { programs: all }],
    ['subgraphs/shared/values/currencies.ts', { programs: all, pages: true }],
    ['gateway/front/http.ts', { programs: ['gateway'] }],
    ['gateway/pages/src/app.tsx', { programs: [], pages: true }],
    ['gateway/pages/src/styles.css', { programs: [], pages: true }],
    ['schema/order.graphql', { programs: all, compose: true, pages: true }],
    ['schema/operations/order.graphql', { programs: all, compose: true, pages: true }],
    ['schema/supergraph.graphql', { programs: [] }],
    ['schema/generated/operations.ts', { programs: [] }],
    ['subgraphs/order/.store.ts.swp', { programs: [] }],
    ['ops/worker.ts', { programs: all }],
  ])('%s asks for %o', (path, { programs, ...rest }) => {
    const work = workFor([path]);
    expect({ ...work, programs: [...work.programs].toSorted() }).toEqual({ compose: false, migrate: false, pages: false, ...rest, programs: programs.toSorted() }); // prettier-ignore
  });
});

describe('a folder of sources', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'watch-'));
    for (const folder of ['gateway/front', 'ops', 'schema', 'subgraphs']) mkdirSync(join(root, folder), { recursive: true }); // prettier-ignore
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('that is watched tells of all that was changed at once, below new folders too', async () => {
    const told: string[] = [];
    const watched = watchSources(root, (paths) => told.push(...paths));
    mkdirSync(join(root, 'subgraphs/order'));
    writeFileSync(join(root, 'gateway/front/http.ts'), 'export {};');
    await until(() => told.includes('gateway/front/http.ts'));
    writeFileSync(join(root, 'subgraphs/order/store.ts'), 'export {};');
    await until(() => told.includes('subgraphs/order/store.ts'));
    watched.close();
  });

  test('names the file that is not TypeScript', () => {
    writeFileSync(join(root, 'ops/one.ts'), 'const one: number = 1;');
    writeFileSync(join(root, 'ops/two.ts'), 'const two: number = ;');
    expect(syntaxError(root, ['ops/one.ts', 'ops/removed.ts'])).toBe(null);
    expect(syntaxError(root, ['ops/one.ts', 'ops/two.ts'])).toMatch(/^ops\/two\.ts: .*Expression expected/s);
  });
});
