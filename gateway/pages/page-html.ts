import type { ProductHead } from './product-heads.ts';
import type { Language } from './src/language/catalogue.ts';
import { de } from './src/language/de.ts';
import { en } from './src/language/en.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML has it, in elements and in quoted attributes. */
export const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');

export type PageOptions = {
  readonly development: boolean;
  readonly shopName: string;
  /** Where staff see a trace; '' for nowhere. */
  readonly traceUrl: string;
  readonly language: Language;
  /** That of readers whose browser wants none that there is, and of accounts that have chosen none. */
  readonly defaultLanguage: Language;
  /** Where Stripe's script is; undefined: no form of Stripe's. */
  readonly stripeScript: string | undefined;
};

/** A built page, as this server sends it: with the words that are shown before its script runs. */
export function pageHtml(built: string, options: PageOptions): string {
  const { development, shopName, traceUrl, language, defaultLanguage, stripeScript = '' } = options;
  const { description, loading, noScript } = (language === 'de' ? de : en).frame;
  const marks: Readonly<Record<string, string>> = {
    __SHOP_NAME__: shopName,
    __TRACE_URL__: traceUrl,
    __DESCRIPTION__: description,
    __LOADING__: loading,
    __NO_SCRIPT__: noScript,
  };
  return built
    .replace('data-environment="production"', `data-environment="${development ? 'development' : 'production'}"`)
    .replace('data-default-language="en"', `data-default-language="${defaultLanguage}"`)
    .replace('data-stripe-script=""', `data-stripe-script="${escaped(stripeScript)}"`)
    .replace(/(<html\s+lang=")en"/, `$1${language}"`)
    .replaceAll(/__(?:SHOP_NAME|TRACE_URL|DESCRIPTION|LOADING|NO_SCRIPT)__/g, (mark) => escaped(marks[mark] ?? ''));
}

/** A page with the head of a product, so that links to it show what it is. `origin` makes addresses whole. */
export function withProductHead(
  html: string,
  head: ProductHead,
  { origin, path, shopName }: { origin: string; path: string; shopName: string },
): string {
  const title = `${head.title} · ${shopName}`;
  const picture = head.picture === null ? null : new URL(head.picture, origin).href;
  const tags: readonly (readonly [attribute: string, name: string, content: string])[] = [
    ['property', 'og:type', 'product'],
    ['property', 'og:site_name', shopName],
    ['property', 'og:title', head.title],
    ['property', 'og:description', head.description],
    ['property', 'og:url', new URL(path, origin).href],
    ...(picture === null ? [] : [['property', 'og:image', picture] as const]),
    ['property', 'product:price:amount', head.price.amount],
    ['property', 'product:price:currency', head.price.currency],
    ['name', 'twitter:card', picture === null ? 'summary' : 'summary_large_image'],
  ];
  const meta = tags.map(
    ([attribute, name, content]) => `<meta ${attribute}="${name}" content="${escaped(content)}" />`,
  );
  return html
    .replace(/<title>[^<]*<\/title>/, () => `<title>${escaped(title)}</title>`)
    .replace(
      /(<meta\s+name="description"\s+content=")[^"]*"/,
      (_, start: string) => `${start}${escaped(head.description)}"`,
    )
    .replace('</head>', () => `${meta.join('')}</head>`);
}

/** For browsers that keep the shop like an app. */
export const manifestOf = (shopName: string) => ({
  name: shopName,
  short_name: shopName,
  start_url: '/',
  display: 'standalone',
  background_color: '#f6f6f9',
  theme_color: '#4338ca',
  icons: [
    { src: '/favicon.svg', type: 'image/svg+xml', sizes: 'any' },
    { src: '/icon-192.png', type: 'image/png', sizes: '192x192' },
    { src: '/icon-512.png', type: 'image/png', sizes: '512x512' },
  ],
});

const notForSearch = ['cart', 'account', 'notifications', 'orders', 'pay', 'wallet', 'sign-in', 'staff', 'jobs', 'graphql', 'graphiql']; // prettier-ignore

/** What is somebody's own, or a way into the API, is not for search engines; all else is in the sitemap. */
export const robotsOf = (origin: string): string =>
  [
    'User-agent: *',
    ...notForSearch.map((path) => `Disallow: /${path}`),
    `Sitemap: ${new URL('/sitemap.xml', origin).href}`,
    '',
  ].join('\n');
