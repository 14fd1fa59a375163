import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { auditServer } from 'graphql-http';
import { request } from 'undici';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

let distDir: string;
let withPages: TestGraph;
let withoutPages: TestGraph;
beforeAll(async () => {
  distDir = await mkdtemp(join(tmpdir(), 'landing-'));
  for (const folder of ['assets', 'products']) await mkdir(join(distDir, folder));
  for (const page of ['index', 'graphiql']) await writeFile(join(distDir, `${page}.html`), `<html>${page}</html>`);
  withPages = await startTestGraph({ shape: 'in process', env: { PAGES_DIR: distDir } });
  withoutPages = await startTestGraph({ shape: 'in process' });
});
afterAll(async () => {
  await Promise.all([withPages.close(), withoutPages.close()]);
  await rm(distDir, { recursive: true });
});

async function open({ url }: TestGraph, path: string, headers: { accept?: string } = {}) {
  const answer = await request(`${url}${path}`, { headers });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

describe("the API's address opened in a browser", () => {
  test.each([
    ['/graphql', browser],
    ['/graphql/', browser],
    ['/graphql?from=bookmark', browser],
    ['/graphql', 'text/html'],
  ])('leads from %s to GraphiQL where the pages are served (accept: %s)', async (path, accept) => {
    const { status, headers } = await open(withPages, path, { accept });
    expect(status).toBe(303);
    expect(headers).toMatchObject({ location: '/graphiql', 'cache-control': 'no-store' });
    expect(String(headers['vary'])).toMatch(/\baccept\b/i);
    const page = await open(withPages, String(headers['location']), { accept });
    expect([page.status, page.text]).toEqual([200, '<html>graphiql</html>']);
  });

  test('is told that a query is missing where no pages are served', async () => {
    const { status, headers, text } = await open(withoutPages, '/graphql', { accept: browser });
    expect(status).toBe(400);
    expect(headers['location']).toBeUndefined();
    expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });
});

describe('a request that asks something, or wants no page, is answered as ever', () => {
  const query = `query=${encodeURIComponent('{ viewer { kind } }')}`;
  test.each<[string, string, { accept?: string }, number]>([
    ['a query', `/graphql?${query}`, { accept: browser }, 200],
    ['a query, at the address that Express takes for the same', `/graphql/?${query}`, { accept: browser }, 200],
    ['a persisted query', `/graphql?extensions=${encodeURIComponent(JSON.stringify({ persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } }))}`, { accept: browser }, 200], // prettier-ignore
    ['an unknown trusted document', '/graphql?documentId=a', { accept: browser }, 404],
    ['nothing, by curl', '/graphql', { accept: '*/*' }, 400],
    ['nothing, without a preference', '/graphql', {}, 400],
    ['nothing, by a client of the API', '/graphql', { accept: 'application/graphql-response+json, text/html;q=0.5' }, 400], // prettier-ignore
  ])('%s', async (_, path, sent, status) => {
    const answers = await Promise.all([withPages, withoutPages].map((graph) => open(graph, path, sent)));
    for (const answer of answers) expect([answer.status, answer.headers['location']]).toEqual([status, undefined]);
    expect(answers[0]?.headers['content-type']).toBe(answers[1]?.headers['content-type']);
  });
});

test('the audits of graphql-http find no difference where the pages are served', async () => {
  const faults = async ({ url }: TestGraph) => (await auditServer({ url: `${url}/graphql` })).filter(({ status }) => status !== 'ok').map(({ status, id }) => `${status} ${id}`); // prettier-ignore
  expect(await faults(withPages)).toEqual(await faults(withoutPages));
});
