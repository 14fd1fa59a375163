import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ensurePages } from '../../../ops/pages.ts';

test('two that need the pages at once get the same complete build, and a third does not build again', async () => {
  const nodeEnv = process.env['NODE_ENV'];
  const [one, two] = await Promise.all([ensurePages(), ensurePages()]);
  expect(two.distDir).toBe(one.distDir);
  expect(await ensurePages()).toEqual({ distDir: one.distDir, built: false });
  expect(process.env['NODE_ENV']).toBe(nodeEnv);

  const assets = readdirSync(join(one.distDir, 'assets'));
  for (const worker of ['editor.worker', 'json.worker', 'graphql.worker']) {
    expect(assets.filter((name) => name.startsWith(worker) && name.endsWith('.js'))).toHaveLength(1);
  }
  for (const page of ['index', 'graphiql']) {
    const html = readFileSync(join(one.distDir, `${page}.html`), 'utf8');
    expect(html).toContain('data-environment="production"');
    const loaded = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]);
    expect(loaded.length).toBeGreaterThan(1);
    for (const url of loaded) expect(url).toMatch(/^\/(assets\/|favicon\.svg$)/);
    expect([...html.matchAll(/<script(?![^>]* src=)/g)]).toEqual([]);
  }
});
