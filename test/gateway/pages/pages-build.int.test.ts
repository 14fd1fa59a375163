import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { ensurePages, pageSources } from '../../../ops/pages.ts';

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
    for (const url of loaded) expect(url).toMatch(/^\/(assets\/|favicon\.svg$|icon-180\.png$|manifest\.webmanifest$)/);
    expect([...html.matchAll(/<script(?![^>]* src=)/g)]).toEqual([]);
  }
});

test('the scripts with which the shop begins are those of production, and at most 170 KB compressed', async () => {
  const { distDir } = await ensurePages();
  const html = readFileSync(join(distDir, 'index.html'), 'utf8');
  const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path = '']) =>
    readFileSync(join(distDir, path)),
  );
  expect(scripts.length).toBeGreaterThan(1);
  expect(scripts.filter((script) => script.includes('jsxDEV'))).toEqual([]);
  expect(scripts.reduce((sum, script) => sum + gzipSync(script).length, 0)).toBeLessThanOrEqual(170_000);
});

describe('what the pages are made of', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const isListed = (path: string): boolean => pageSources.some((source) => path === source || path.startsWith(`${source}/`)); // prettier-ignore
  const imports = readdirSync(join(root, 'gateway/pages/src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .flatMap((entry) =>
      [...readFileSync(join(entry.parentPath, entry.name), 'utf8').matchAll(/from '(\.[^'?]+)/g)].map(([, path = '']) =>
        relative(root, join(entry.parentPath, path)),
      ),
    );

  test('is known to the build: a change of it builds them again', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.filter((path) => !isListed(path))).toEqual([]);
  });

  test('is copied into the image that builds them', () => {
    const [stage = ''] = readFileSync(join(root, 'ops/docker/Dockerfile'), 'utf8')
      .split(/^FROM .*\n/m)
      .slice(1);
    const copied = [...stage.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
    expect(copied).toEqual(expect.arrayContaining([...pageSources]));
  });
});
