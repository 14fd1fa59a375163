import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { manifestOf, pageHtml, robotsOf, withProductHead } from './page-html.ts';
import { type FirstShelf, productHtml, shopHtml } from './first-content.ts';
import type { ProductHeads } from './product-heads.ts';
import type { Sitemap } from './sitemap.ts';
import { type Language, languages } from './src/language/catalogue.ts';

/** Files below /assets/ have a hash of their content in the name. */
const hashedAssetsMaxAgeSeconds = 31_536_000;
const picturesMaxAgeSeconds = 3_600;
/** Files of the build that are not below a folder. */
const rootFiles = ['favicon.svg', 'icon-180.png', 'icon-192.png', 'icon-512.png'];

export type PagesOptions = {
  /** The build that ops/pages.ts made. */
  readonly distDir: string;
  /** Shows the demo accounts of the seed. Default: unless NODE_ENV is `production`. */
  readonly development?: boolean;
  /** What the shop is called. */
  readonly shopName: string;
  /** Where staff see a trace, with `{traceId}` in the place of its id; '' for nowhere. */
  readonly traceUrl: string;
  /** Of readers whose browser wants no language that there is. */
  readonly defaultLanguage: Language;
  /** The origin under which browsers reach the shop. */
  readonly publicUrl: string;
  /** Where Stripe's script is, for its form in the shop's page; undefined: there is no such form. */
  readonly stripeScript?: string | undefined;
  /** For the heads of products' pages; without it they are as any other page's. */
  readonly productHeads?: ProductHeads;
  /** For the shop's first screen; without it the page's script brings all of it. */
  readonly firstShelf?: FirstShelf;
  /** The shop's pages for search engines; without it there is no such file. */
  readonly sitemap?: Sitemap;
};

/**
 * The storefront's own paths (gateway/pages/src/app.tsx): each is the same document, so that each survives a reload. A
 * product's page is told from a picture below /products/ by its id.
 */
const productPath = /^\/products\/([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;
const storefrontPaths = [
  '/',
  productPath,
  '/cart',
  '/sign-in/callback',
  '/wallet',
  '/account',
  '/notifications',
  '/orders',
  '/orders/:orderId',
  '/pay/:orderId',
  '/staff',
  ...['returns', 'customers', 'customers/:id', 'products', 'products/:id', 'stock', 'sales'].map(
    (path) => `/staff/${path}`,
  ),
  ...['categories', 'promotions', 'shipping'].map((path) => `/staff/${path}`),
  ...['refunds', 'reconciliation', 'provider-messages'].map((path) => `/staff/${path}`),
  ...['dead-letters', 'sagas', 'webhooks', 'webhooks/:id', 'audit-log', 'jobs'].map((path) => `/staff/${path}`),
  '/staff/orders/:orderId',
];

/**
 * Serves the browser pages, the storefront and GraphiQL, with all they need. Nothing is asked of another origin and no
 * script runs that is not a file of this server.
 */
export function mountPages(app: Express, options: PagesOptions): void {
  const { shopName, traceUrl, defaultLanguage, publicUrl: origin, productHeads, firstShelf, stripeScript } = options;
  const development = options.development ?? process.env['NODE_ENV'] !== 'production';
  const page = (name: string, policy: (request: Request) => string, languageOf: (request: Request) => Language) => {
    const read = () => {
      const built = readFileSync(join(options.distDir, `${name}.html`), 'utf8');
      const of = (language: Language) =>
        pageHtml(built, { development, shopName, traceUrl, language, defaultLanguage, stripeScript });
      return { en: of('en'), de: of('de') };
    };
    const html = read();
    return async (request: Request, response: Response): Promise<void> => {
      response.setHeader('content-security-policy', policy(request));
      response.setHeader('cache-control', 'no-cache');
      response.vary('Accept-Language, Cookie');
      const language = languageOf(request);
      // `npm start -- --watch` builds the pages again.
      const built = (development && existsSync(options.distDir) ? read() : html)[language];
      // Express adds the ETag and answers 304 where it fits.
      const { html: sent, exists } = name === 'index' ? await withContent(built, request, language) : plain(built);
      if (!exists) response.status(404);
      response.type('html').send(sent);
    };
  };
  const plain = (html: string) => ({ html, exists: true });
  /** What is read at once, before any script has run. A product that not everybody may see is 404, and shown to those who may. */
  const withContent = async (built: string, { path, originalUrl }: Request, language: Language) => {
    const productId = productPath.exec(path)?.[1];
    if (productId !== undefined) {
      const head = await productHeads?.(productId);
      if (!head) return { html: built, exists: head === undefined };
      return plain(productHtml(withProductHead(built, head, { origin, path, shopName }), head, language));
    }
    const shelf = originalUrl === '/' ? ((await firstShelf?.()) ?? null) : null;
    return plain(shelf === null ? built : shopHtml(built, shelf, language));
  };
  const storefront = page('index', pagePolicy(stripeScript), (request) => wantedLanguage(request, defaultLanguage));

  app.get(
    [...storefrontPaths, '/graphiql', '/docs', '/docs/{*path}', '/assets/{*path}', '/products/{*path}', ...rootFiles.map((name) => `/${name}`), '/favicon.ico', '/robots.txt', '/sitemap.xml', '/manifest.webmanifest'],
    secure,
  ); // prettier-ignore
  app.get(storefrontPaths, storefront);
  app.get(
    '/graphiql',
    page('graphiql', graphiqlPolicy, () => 'en'),
  );
  app.get(['/docs', '/docs/{*path}'], documentation(options.distDir));
  app.get('/robots.txt', (_request, response) => void response.type('txt').send(robotsOf(origin)));
  if (options.sitemap !== undefined) app.get('/sitemap.xml', sendSitemap(options.sitemap));
  app.get('/manifest.webmanifest', (_request, response) => {
    response.type('application/manifest+json').send(JSON.stringify(manifestOf(shopName)));
  });
  app.get('/favicon.ico', (_request, response) => response.redirect(301, '/favicon.svg'));
  app.use(
    '/assets',
    precompressed(join(options.distDir, 'assets')),
    files(options.distDir, 'assets', hashedAssetsMaxAgeSeconds),
  );
  app.use(
    '/products',
    precompressed(join(options.distDir, 'products')),
    files(options.distDir, 'products', picturesMaxAgeSeconds),
  );
  for (const name of rootFiles) {
    app.get(`/${name}`, (_request, response) => {
      response.sendFile(name, {
        root: options.distDir,
        maxAge: picturesMaxAgeSeconds * 1000,
        headers: picturePolicy,
      });
    });
  }
  // Who follows an address that leads nowhere is told so in the shop; a client of the API gets its JSON.
  app.get('/{*path}', async (request, response, next) => {
    if (request.accepts(['application/json', 'text/html']) !== 'text/html') {
      next();
      return;
    }
    secure(request, response, () => undefined);
    response.status(404);
    await storefront(request, response);
  });
}

/** While it can't be known, those who ask come again: that the product service is away, its readiness tells. */
const sendSitemap =
  (sitemap: Sitemap): RequestHandler =>
  async (_request, response) => {
    try {
      const text = await sitemap();
      response.setHeader('cache-control', `public, max-age=${picturesMaxAgeSeconds}`);
      response.type('xml').send(text);
    } catch {
      response.status(503).setHeader('retry-after', '60').type('txt').send('try again');
    }
  };

/** What staff work with is English. */
const englishPath = /^\/staff(\/|$)/;

/** The language that the reader has chosen by hand, which the page keeps in a cookie, or else one that the browser wants. */
function wantedLanguage(request: Request, otherwise: Language): Language {
  if (englishPath.test(request.path)) return 'en';
  const chosen = /(?:^|;\s*)language=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
  const wanted = request.acceptsLanguages([otherwise, ...languages]);
  return languages.find((each) => each === chosen) ?? languages.find((each) => each === wanted) ?? otherwise;
}

/** Of a request that asks something. */
const operationParameters = ['query', 'documentId', 'extensions'] as const;

/** Who opens the API's address in a browser, as Apollo Server's users are used to, gets GraphiQL. All else goes on. */
export const openGraphiql: RequestHandler = (request, response, next) => {
  const asks = operationParameters.some((name) => name in request.query);
  // As Apollo Server decides it: HTML must be preferred, and curl's */* prefers nothing.
  const wanted = request.accepts(['application/json', 'application/graphql-response+json', 'text/html']);
  if (asks || wanted !== 'text/html') {
    next();
    return;
  }
  response.setHeader('cache-control', 'no-store');
  response.vary('Accept');
  response.redirect(303, '/graphiql');
};

const secure: RequestHandler = (_request, response, next) => {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  next();
};

/** A picture opened by itself is a document too: it must not run what somebody drew into it. */
const picturePolicy = { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" };

const policyOf = (directives: Record<string, string>): string =>
  Object.entries({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'manifest-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'self'",
    'frame-ancestors': "'none'",
    ...directives,
  })
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');

/** `'self'` covers WebSockets of the same host in newer browsers only, so the host is named for them too. */
function connectSources(request: Request): string {
  const host = request.headers.host ?? '';
  return /^[\w.-]+(:\d+)?$|^\[[\da-f:]+\](:\d+)?$/i.test(host) ? `'self' ws://${host} wss://${host}` : "'self'";
}

/** Stripe's script, what it asks, and its frames: the fields of a card, and the bank's page that confirms it. @see https://docs.stripe.com/security/guide#content-security-policy */
const stripeSources = {
  script: ['https://js.stripe.com', 'https://*.js.stripe.com'],
  connect: ['https://api.stripe.com'],
  frame: ['https://js.stripe.com', 'https://*.js.stripe.com', 'https://hooks.stripe.com'],
};

/** The shop's pages ask nobody else, but Stripe where it is set up for them. */
function pagePolicy(stripeScript: string | undefined): (request: Request) => string {
  if (stripeScript === undefined) return (request) => policyOf({ 'connect-src': connectSources(request) });
  const { script, connect, frame } = stripeSources;
  const { origin } = new URL(stripeScript);
  const list = (sources: readonly string[]): string => [...new Set([origin, ...sources])].join(' ');
  return (request) =>
    policyOf({
      'connect-src': `${connectSources(request)} ${list(connect)}`,
      'script-src': `'self' ${list(script)}`,
      'frame-src': list(frame),
    });
}

/** Monaco writes style elements, its icon font comes as data, and its workers are files of this server. */
const graphiqlPolicy = (request: Request): string =>
  policyOf({
    'connect-src': connectSources(request),
    'style-src': "'self' 'unsafe-inline'",
    'font-src': "'self' data:",
    'worker-src': "'self'",
  });

/** Sends the `.gz` beside a file to who takes it: made once at build time. */
function precompressed(directory: string): RequestHandler {
  return (request, _response, next) => {
    if (!/^\/[\w.-]+\.(js|css|svg)$/.test(request.path)) {
      next();
      return;
    }
    const compressed = `${request.path}.gz`;
    if (request.acceptsEncodings('gzip') && existsSync(join(directory, compressed))) request.url = compressed;
    next();
  };
}

/** The documentation: what is not there goes on to the page that says so. */
function documentation(distDir: string): RequestHandler {
  return (request, response, next) => {
    const name = request.path.replace(/\/$/, '').slice(1);
    if (!/^[\w-]+(?:\/[\w-]+)*(?:\.(?:json|webp|png|svg))?$/.test(name)) {
      next();
      return;
    }
    const file = name === 'docs' ? 'docs/index.html' : /\.\w+$/.test(name) ? name : `${name}.html`;
    const zipped = request.acceptsEncodings('gzip') ? `${file}.gz` : file;
    const sent = existsSync(join(distDir, zipped)) ? zipped : file;
    if (!existsSync(join(distDir, sent))) {
      next();
      return;
    }
    response.setHeader('content-security-policy', policyOf({ 'connect-src': "'self'" }));
    response.setHeader('cache-control', 'no-cache');
    response.vary('accept-encoding');
    if (sent !== file) response.setHeader('content-encoding', 'gzip');
    // Express adds the ETag and answers 304 where it fits.
    response.type(file.slice(file.lastIndexOf('.'))).sendFile(sent, { root: distDir, cacheControl: false });
  };
}

/** Files with a cache time; what is not there is a plain 404 and not some other page. */
function files(distDir: string, folder: string, maxAgeSeconds: number): RequestHandler[] {
  const serve = express.static(join(distDir, folder), {
    index: false,
    redirect: false,
    dotfiles: 'ignore',
    immutable: maxAgeSeconds === hashedAssetsMaxAgeSeconds,
    maxAge: maxAgeSeconds * 1000,
    setHeaders: (response, path) => {
      const name = path.replace(/\.gz$/, '');
      if (name !== path) response.setHeader('content-encoding', 'gzip');
      response.setHeader('vary', 'accept-encoding');
      response.setHeader('content-type', contentTypes[name.slice(name.lastIndexOf('.'))] ?? 'application/octet-stream');
      if (name.endsWith('.svg'))
        response.setHeader('content-security-policy', picturePolicy['content-security-policy']);
    },
  });
  const missing = (_request: Request, response: Response) => {
    response.status(404).type('txt').send('not found');
  };
  return [serve, missing];
}

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};
