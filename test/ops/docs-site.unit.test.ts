import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GraphQLSchema, type OperationDefinitionNode, buildSchema, parse, validate } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import MiniSearch from 'minisearch';
import { searchOptions } from '../../gateway/pages/src/docs/search-options.ts';
import { buildDocs } from '../../ops/docs-site/build-docs.ts';
import { renderDocuments } from '../../ops/docs-site/documents.ts';
import { renderDocument } from '../../ops/docs-site/markdown.ts';
import { pageSources } from '../../ops/pages.ts';

const root = resolve(import.meta.dirname, '../..');
let distDir: string;
let schema: GraphQLSchema;
/** Each page of the site by its address. */
let pages: ReadonlyMap<string, string>;

beforeAll(() => {
  distDir = mkdtempSync(join(tmpdir(), 'docs-'));
  writeFileSync(
    join(distDir, 'docs.html'),
    readFileSync(join(root, 'gateway/pages/docs.html'), 'utf8').replace(/<script.*<\/script>/, ''),
  );
  buildDocs(root, distDir);
  const files = readdirSync(join(distDir, 'docs'), { recursive: true, encoding: 'utf8' });
  pages = new Map(
    files
      .filter((name) => name.endsWith('.html'))
      .map((name) => [
        name === 'index.html' ? '/docs' : `/docs/${name.replace(/\.html$/, '')}`,
        readFileSync(join(distDir, 'docs', name), 'utf8'),
      ]),
  );
  schema = buildSchema(readFileSync(join(root, 'schema/api.graphql'), 'utf8'));
});
afterAll(() => rmSync(distDir, { recursive: true, force: true }));

test('every link of the site leads to a page that is there, and to a place on it', () => {
  expect(pages.size).toBeGreaterThan(300);
  const broken: string[] = [];
  for (const [url, html] of pages) {
    expect(html).not.toMatch(/__(?:TITLE|NAVIGATION|CONTENTS|CONTENT)__/);
    for (const [, href = ''] of html.matchAll(/<a [^>]*href="([^"]*)"/g)) {
      if (/^(?:https:\/\/|http:\/\/localhost)/.test(href) || href === '/' || /^\/graphiql(?:\?|$)/.test(href)) continue;
      const [path, anchor] = href.split('#');
      const target = pages.get(path || url);
      const isThere = target !== undefined && (anchor === undefined || target.includes(`id="${anchor}"`));
      if (!isThere) broken.push(`${url}: ${href}`);
    }
    for (const [, source = ''] of html.matchAll(/<img [^>]*src="([^"]*)"/g))
      if (source !== '/favicon.svg') expect(readFileSync(join(distDir, source)).length).toBeGreaterThan(1_000);
  }
  expect(broken).toEqual([]);
});

test('every root field has an example that is valid against the API, with variables that it takes', () => {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}));
  const examples = [...pages].filter(([url]) => /^\/docs\/api\/(?:queries|mutations|subscriptions)\//.test(url));
  expect(examples.map(([url]) => url.slice(url.lastIndexOf('/') + 1)).toSorted()).toEqual(fields.toSorted());
  let opened = 0;
  for (const [url, html] of examples) {
    const [, address] = /class="open" href="([^"]*)"/.exec(html) ?? [];
    // One that is too long for an address is only shown.
    if (address === undefined) continue;
    opened += 1;
    const given = new URL(address.replaceAll('&amp;', '&'), 'http://localhost').searchParams;
    const document = parse(given.get('query') ?? '');
    expect([url, validate(schema, document).map(({ message }) => message)]).toEqual([url, []]);
    const [operation] = document.definitions as OperationDefinitionNode[];
    const variables = JSON.parse(given.get('variables') ?? '{}') as Record<string, unknown>;
    const { errors = [] } = getVariableValues(schema, operation?.variableDefinitions ?? [], variables);
    expect([url, errors.map(({ message }) => message)]).toEqual([url, []]);
  }
  expect(opened).toBeGreaterThan(examples.length * 0.9);
});

test('the search finds parts of documents and fields, also with a letter wrong', () => {
  const search = MiniSearch.loadJSON(readFileSync(join(distDir, 'docs/search.json'), 'utf8'), searchOptions);
  const first = (words: string): unknown => search.search(words)[0]?.id;
  expect(first('placeOrder')).toBe('/docs/api/mutations/placeOrder');
  expect(first('idempotancy')).toMatch(/^\/docs\/idempotency/);
  expect(search.search('wechat').map(({ id }) => String(id))).toContain('/docs/payment-methods#by-method');
  expect(search.search('qqqqqqqq')).toEqual([]);
});

test('a document that the site shows is known to the build: a change of it builds the site again', () => {
  const isListed = (path: string): boolean => pageSources.some((source) => path === source || path.startsWith(`${source}/`)); // prettier-ignore
  const { pages: documents, pictures } = renderDocuments(root);
  expect([...documents.map(({ path }) => path), ...pictures].filter((path) => !isListed(path))).toEqual([]);
});

describe('a document', () => {
  test('has the anchors of GitHub, and nothing of it becomes HTML by itself', () => {
    const { html, sections, title } = renderDocument('# A `b` & c\n\nText <img src=x onerror=alert(1)>\n\n## A `b` & c\n\n```js\n"<b>"\n```\n\n[x](javascript:alert(1))', () => null); // prettier-ignore
    expect(title).toBe('A b & c');
    expect(sections.map(({ slug }) => slug)).toEqual(['a-b--c', 'a-b--c-1']);
    expect(html).not.toMatch(/<img|<b>|href="javascript/);
  });

  test('that links to what is not there is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'docs-root-'));
    mkdirSync(join(folder, 'docs'));
    writeFileSync(join(folder, 'README.md'), '# R');
    writeFileSync(join(folder, 'docs/README.md'), '# D\n\n[gone](gone.md)');
    expect(() => renderDocuments(folder)).toThrow('docs/README.md links to gone.md, which is not there');
    rmSync(folder, { recursive: true });
  });
});
