import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { Kind, buildSchema, parse, validate } from 'graphql';
import { request } from 'undici';
import { type FirstShelf, openFirstShelf } from '../../../gateway/pages/first-content.ts';
import { openProductHeads } from '../../../gateway/pages/product-heads.ts';
import { mountPages } from '../../../gateway/pages/serve-pages.ts';
import { type Sitemap, openSitemap } from '../../../gateway/pages/sitemap.ts';
import { CallError, type ServiceCaller } from '../../../subgraphs/shared/calls/link.ts';
import { seededAccounts } from '../../../gateway/pages/src/demo-accounts.ts';
import { demoAccounts } from '../../../ops/demo-shop.ts';
import { operationNames, operationText } from '../../../schema/client-operations.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('the client operations', () => {
  const schema = buildSchema(read('schema/api.graphql'));

  test.each(operationNames())('%s is valid against the API and holds one operation, named like the file', (file) => {
    const document = parse(operationText(file));
    expect(validate(schema, document).map((error) => error.message)).toEqual([]);
    const names = document.definitions
      .filter((node) => node.kind !== Kind.FRAGMENT_DEFINITION)
      .map((node) => (node.kind === Kind.OPERATION_DEFINITION ? node.name?.value : node.kind));
    const expected = file.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
    expect(names).toEqual([expected]);
  });
});

test('the demo accounts on the pages are those of the seed', () => {
  expect(seededAccounts).toEqual(demoAccounts.map(({ name, mobile, password }) => ({ name, mobile, password })));
});

const soldId = '01890000-0000-7000-8000-00000000000a';
const awayId = '01890000-0000-7000-8000-00000000000b';
const productHeads = async (id: string) =>
  id === soldId
    ? {
        title: 'A "mug" <b>',
        description: "It's & stays",
        picture: '/products/MUG.svg',
        price: { amount: '18.00', currency: 'EUR' },
        shown: {
          name: 'A "mug" <b>',
          subtitle: null,
          description: "It's & stays",
          cover: '/products/MUG.svg',
          kind: 'STOCKED',
          price: { amount: 1_800, currency: 'EUR' },
        },
      }
    : id === awayId
      ? undefined
      : null;

let shelf: FirstShelf = async () => null;
let sitemap: Sitemap = () => Promise.reject(new Error('not set up'));

describe('serving the pages', () => {
  let distDir: string;
  let server: Server;
  let origin: string;
  const shell = '<span class="brand"></span><main class="wrap">__LOADING__</main>';
  const head =
    '<head><meta name="description" content="Things" /><title>__SHOP_NAME__</title><meta name="trace" content="__TRACE_URL__" /></head>';
  const script = `console.log("${'x'.repeat(5_000)}");`;

  beforeAll(async () => {
    distDir = mkdtempSync(join(tmpdir(), 'pages-'));
    for (const folder of ['assets', 'products', 'docs/api']) mkdirSync(join(distDir, folder), { recursive: true });
    for (const name of ['index', 'api', 'api/placeOrder'])
      writeFileSync(join(distDir, `docs/${name}.html`), `<p>${name}</p>`);
    writeFileSync(join(distDir, 'docs/search.json'), '{}');
    writeFileSync(join(distDir, 'docs/search.json.gz'), gzipSync('{}'));
    for (const page of ['index', 'graphiql']) {
      writeFileSync(
        join(distDir, `${page}.html`),
        `<html lang="en" data-environment="production" data-default-language="en" data-stripe-script="">${page}${page === 'index' ? `${head}${shell}` : ''}</html>`,
      );
    }
    writeFileSync(join(distDir, 'assets/main-abc123.js'), script);
    writeFileSync(join(distDir, 'assets/main-abc123.js.gz'), gzipSync(script));
    writeFileSync(join(distDir, 'products/MUG.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    writeFileSync(join(distDir, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    const app = express();
    mountPages(app, {
      distDir,
      development: true,
      shopName: 'Pins & Needles',
      traceUrl: 'https://jaeger.example/trace/{traceId}?a&b',
      defaultLanguage: 'en',
      publicUrl: 'https://shop.example',
      productHeads,
      sitemap: () => sitemap(),
      firstShelf: () => shelf(),
    });
    server = createServer(app);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await new Promise((done) => server.close(done));
    rmSync(distDir, { recursive: true });
  });

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await request(`${origin}${path}`, { headers });
    return {
      status: response.statusCode,
      headers: response.headers,
      body: Buffer.from(await response.body.arrayBuffer()),
    };
  };

  test.each([
    ['/', 'index'],
    ['/graphiql', 'graphiql'],
    [`/products/${awayId}`, 'index'],
    ['/cart', 'index'],
    ['/orders', 'index'],
    ['/orders/01890000-0000-7000-8000-000000000000', 'index'],
    ['/pay/01890000-0000-7000-8000-000000000000', 'index'],
    ['/pay/anything', 'index'],
    ['/staff', 'index'],
    ['/wallet', 'index'],
    ['/account', 'index'],
    ['/notifications', 'index'],
    ['/staff/stock', 'index'],
    ['/staff/products/01890000-0000-7000-8000-000000000000', 'index'],
    ['/staff/audit-log', 'index'],
    ['/staff/sales', 'index'],
    ['/staff/returns', 'index'],
    ['/staff/categories', 'index'],
    ['/staff/promotions', 'index'],
    ['/staff/shipping', 'index'],
    ['/staff/dead-letters', 'index'],
    ['/staff/jobs', 'index'],
    ['/staff/orders/01890000-0000-7000-8000-000000000000', 'index'],
  ])('%s is the page %s, asked for again each time and marked for development', async (path, page) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    expect(body.toString().replace(/<head>.*<\/head>(<span.*<\/main>)?/, '')).toBe(
      `<html lang="en" data-environment="development" data-default-language="en" data-stripe-script="">${page}</html>`,
    );
    expect(body.toString().includes('<title>Pins &amp; Needles</title>')).toBe(page === 'index');
  });

  test.each([
    ['/', {}, 'en'],
    ['/', { 'accept-language': 'de-AT,de;q=0.9,en;q=0.5' }, 'de'],
    ['/cart', { 'accept-language': 'en-GB,de;q=0.5' }, 'en'],
    ['/cart', { 'accept-language': 'fr-FR' }, 'en'],
    ['/cart', { 'accept-language': 'en', cookie: 'a=1; language=de' }, 'de'],
    ['/cart', { 'accept-language': 'de', cookie: 'language=en' }, 'en'],
    ['/cart', { 'accept-language': 'de', cookie: 'language="><script>; notlanguage=en' }, 'de'],
    ['/staff/stock', { 'accept-language': 'de' }, 'en'],
    ['/graphiql', { cookie: 'language=de' }, 'en'],
  ])('%s for %j is in the language %s, and says what that depends on', async (path, asked, language) => {
    const { headers, body } = await get(path, asked);
    expect(body.toString()).toMatch(new RegExp(`^<html lang="${language}"`));
    expect(headers['content-language'] ?? language).toBe(language);
    expect(headers['vary']).toContain('Accept-Language, Cookie');
    if (path !== '/graphiql') expect(body.toString()).toContain({ en: 'Loading…', de: 'Wird geladen …' }[language]);
  });

  test('a product’s page has its name, picture and price in the head, as text', async () => {
    const { status, body } = await get(`/products/${soldId}`, { accept: 'text/html' });
    expect(status).toBe(200);
    const html = body.toString();
    expect(html).toContain('<title>A &quot;mug&quot; &lt;b&gt; · Pins &amp; Needles</title>');
    expect(html).toContain('<meta name="description" content="It&#39;s &amp; stays" />');
    expect(html).toContain('<meta property="og:image" content="https://shop.example/products/MUG.svg" />');
    expect(html).toContain(`<meta property="og:url" content="https://shop.example/products/${soldId}" />`);
    expect(html).toContain('<meta property="product:price:amount" content="18.00" />');
    expect(html).toContain('content="https://jaeger.example/trace/{traceId}?a&amp;b"');
    expect(html).not.toContain('<b>');
    // What is read at once, in the reader's language.
    expect(html).toContain('<main class="wrap" data-first>');
    expect(html).toContain('<h1>A &quot;mug&quot; &lt;b&gt;</h1>');
    expect(html).toContain('<p class="price"><strong>€18.00</strong></p>');
    const german = (await get(`/products/${soldId}`, { 'accept-language': 'de' })).body.toString();
    expect(german).toContain('<strong>18,00\u00a0€</strong>');
  });

  test('the page of a product that not everybody may see is there with status 404', async () => {
    const { status, headers, body } = await get('/products/01890000-0000-7000-8000-000000000000');
    expect([status, headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(body.toString()).toContain('index');
  });

  test.each([
    ['none that everybody may see', new CallError('product', [{ message: 'no', extensions: { code: 'NOT_FOUND' } }]), null],
    ['the service is away', new CallError('product', [{ message: 'no', extensions: { code: 'SERVICE_UNAVAILABLE' } }]), undefined],
    ['something broke', new Error('broken'), undefined],
  ])('the head of a product, where %s', async (_what, error, head) => {
    const heads = openProductHeads(() => Promise.reject(error));
    expect(await heads(soldId)).toBe(head);
  }); // prettier-ignore

  test('who follows an address that leads nowhere sees the shop with status 404, and a client of the API does not', async () => {
    const page = await get('/nowhere', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    for (const accept of ['*/*', 'application/json']) {
      const { status, headers } = await get('/nowhere', { accept });
      expect([status, headers['content-security-policy']]).toEqual([404, expect.not.stringContaining('script-src')]);
    }
  });

  test('search engines leave out what is somebody’s own, and the manifest has the shop’s name', async () => {
    const robots = (await get('/robots.txt')).body.toString();
    expect(robots).toMatch(/^User-agent: \*\nDisallow: \/cart\n/);
    expect(robots).toMatch(/\nSitemap: https:\/\/shop\.example\/sitemap\.xml\n$/);
    const { headers, body } = await get('/manifest.webmanifest');
    expect(headers['content-type']).toContain('application/manifest+json');
    expect(JSON.parse(body.toString())).toMatchObject({ name: 'Pins & Needles', start_url: '/' });
  });

  test('the shop comes with the first of its shelf, one card for the forms of one thing, and without where it can’t be known', async () => {
    const card = { id: soldId, sku: 'S', name: 'Sock, <i>', subtitle: 'Warm', cover: '/products/S.svg', kind: 'STOCKED', price: { amount: 900, currency: 'EUR' }, group: null };
    const group = { id: 'g', name: 'Socks' };
    const edges = [card, { ...card, id: 'a', group }, { ...card, id: 'b', group }, { ...card, id: 'c', kind: 'BOOKABLE', cover: null }].map((node) => ({ node }));
    let isAway = true;
    let asked = 0;
    const call = async () => {
      asked += 1;
      if (isAway) throw new Error('away');
      return { products: { edges }, categories: [{ name: 'To wear', parent: null }, { name: 'Below', parent: { id: 'x' } }] };
    };
    shelf = openFirstShelf(call as ServiceCaller);
    expect((await get('/')).body.toString()).toContain('<main class="wrap">Loading…</main>');
    isAway = false;
    const html = (await get('/', { 'accept-language': 'de' })).body.toString();
    expect(html.match(/<li class="card product">/g)).toHaveLength(3);
    for (const part of ['<h1>Schönes für zu Hause</h1>', 'Sock, &lt;i&gt;', '>Socks</a>', '<strong>9,00\u00a0€</strong>', '>Daten wählen</a>', '>To wear</button>', '<img src="/products/S.svg" alt="" fetchpriority="high" />'])
      expect(html).toContain(part);
    expect(html).not.toMatch(/<i>|Below/);
    await get('/');
    expect((await get('/?q=sock')).body.toString()).not.toContain('data-first');
    expect(asked).toBe(2);
  }); // prettier-ignore

  test('the sitemap has the shop, its categories and its products on sale; it is asked for once an hour, and again after a failure', async () => {
    const asked: unknown[] = [];
    let isAway = true;
    let atMs = 0;
    const pages = [{ id: 'a', next: 'more' }, { id: 'b&c', next: null }];
    const call = async (service: string, { variables }: { variables?: unknown }) => {
      asked.push([service, variables]);
      if (isAway) throw new Error('away');
      const { after } = variables as { after: string | null };
      const { id, next } = pages[after === null ? 0 : 1] as (typeof pages)[number];
      const products = { edges: [{ node: { id, updatedAt: '2026-12-01T00:00:00.000Z' } }], pageInfo: { hasNextPage: next !== null, endCursor: next } };
      return { products, categories: [{ slug: 'to-wear' }] };
    };
    sitemap = openSitemap(call as ServiceCaller, { origin: 'https://shop.example', now: () => new Date(atMs) });
    const away = await get('/sitemap.xml');
    expect([away.status, away.headers['retry-after']]).toEqual([503, '60']);
    isAway = false;
    const { status, headers, body } = await get('/sitemap.xml');
    expect([status, headers['content-type']]).toEqual([200, 'application/xml; charset=utf-8']);
    expect([...body.toString().matchAll(/<loc>([^<]*)<\/loc>/g)].map(([, url]) => url)).toEqual([
      'https://shop.example/',
      'https://shop.example/?category=to-wear',
      'https://shop.example/products/a',
      'https://shop.example/products/b&amp;c',
    ]);
    expect(body.toString()).toContain('<lastmod>2026-12-01T00:00:00.000Z</lastmod>');
    const askedOnce = asked.length;
    await get('/sitemap.xml');
    expect(asked).toHaveLength(askedOnce);
    atMs = 3_600_001;
    await get('/sitemap.xml');
    expect(asked).toHaveLength(askedOnce + pages.length);
  }); // prettier-ignore

  test('Stripe’s script and frames are allowed where it is set up, and nowhere else', async () => {
    const policies = ['/', '/pay/1'].map(async (path) => String((await get(path)).headers['content-security-policy']));
    for (const policy of await Promise.all(policies)) expect(policy).not.toMatch(/stripe|frame-src/);
    const app = express();
    const stripeScript = 'https://js.stripe.com/v3/';
    mountPages(app, { distDir, development: true, shopName: 'Pins', traceUrl: '', defaultLanguage: 'en', publicUrl: origin, stripeScript });
    const withStripe = createServer(app);
    await new Promise<void>((done) => withStripe.listen(0, '127.0.0.1', done));
    try {
      const { port } = withStripe.address() as AddressInfo;
      const ask = async (path: string) => {
        const { headers, body } = await request(`http://127.0.0.1:${port}${path}`);
        return { policy: String(headers['content-security-policy']), text: await body.text() };
      };
      const { policy, text } = await ask('/');
      expect(text).toContain(`data-stripe-script="${stripeScript}"`);
      expect(policy).toMatch(/script-src 'self' https:\/\/js\.stripe\.com https:\/\/\*\.js\.stripe\.com;/);
      expect(policy).toMatch(/frame-src https:\/\/js\.stripe\.com [^;]*https:\/\/hooks\.stripe\.com/);
      expect(policy).toMatch(/connect-src 'self' [^;]*https:\/\/api\.stripe\.com/);
      expect((await ask('/graphiql')).policy).not.toContain('stripe');
    } finally {
      await new Promise((done) => withStripe.close(done));
    }
  }); // prettier-ignore

  test('no page lets a script run that is not a file of this server', async () => {
    for (const path of ['/', '/graphiql', '/pay/1']) {
      const policy = String((await get(path)).headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toMatch(/script-src 'self';/);
      expect(policy).toContain(`connect-src 'self' ws://${new URL(origin).host} wss://${new URL(origin).host}`);
    }
    expect((await get('/')).headers['content-security-policy']).not.toContain('unsafe');
  });

  test('a Host header that is no host does not get into the policy', async () => {
    const { headers } = await get('/', { host: "evil; script-src 'unsafe-inline'" });
    expect(headers['content-security-policy']).not.toContain('evil');
  });

  test.each([
    ['/docs', '<p>index</p>'],
    ['/docs/', '<p>index</p>'],
    ['/docs/api', '<p>api</p>'],
    ['/docs/api/placeOrder', '<p>api/placeOrder</p>'],
  ])('%s is a page of the documentation, which runs no script of others', async (path, text) => {
    const { status, headers, body } = await get(path);
    expect([status, body.toString()]).toEqual([200, text]);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toMatch(/script-src 'self';.*connect-src 'self'$/);
    expect((await get(path, { 'if-none-match': String(headers['etag']) })).status).toBe(304);
  });

  test('the index of the search comes compressed to who takes that', async () => {
    const small = await get('/docs/search.json', { 'accept-encoding': 'gzip' });
    expect(small.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(small.headers['content-type']).toContain('application/json');
    expect(gunzipSync(small.body).toString()).toBe('{}');
    expect((await get('/docs/search.json')).body.toString()).toBe('{}');
  });

  test('an asset is kept for a year and comes compressed to who takes that', async () => {
    const plain = await get('/assets/main-abc123.js');
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(plain.body.toString()).toBe(script);
    const small = await get('/assets/main-abc123.js', { 'accept-encoding': 'gzip' });
    expect(small.headers['content-encoding']).toBe('gzip');
    expect(small.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(gunzipSync(small.body).toString()).toBe(script);
  });

  test('a picture is an SVG that can not run scripts', async () => {
    for (const path of ['/products/MUG.svg', '/favicon.svg']) {
      const { headers } = await get(path);
      expect(headers['content-type']).toBe('image/svg+xml');
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    }
  });

  test.each([
    '/assets/missing.js',
    '/assets/',
    '/products/..%2f..%2fpackage.json',
    '/assets/%2e%2e/index.html',
    '/anything',
    '/orders/1/2',
    '/staff/anything',
    '/docs/missing',
    '/docs/../index',
    '/docs/%2e%2e/index',
    '/docs/search.json.gz',
    '/docs/api/..%2f..%2findex',
    '/products/MISSING.svg',
    '/products/1',
  ])('%s is not found', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});
