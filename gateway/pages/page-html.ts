import type { ProductHead } from './product-heads.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML has it, in elements and in quoted attributes. */
export const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');

/** What stands for the shop's name in the pages as they are built. */
const nameMark = /__SHOP_NAME__/g;

/** A built page, as this server sends it. */
export function pageHtml(built: string, { development, shopName }: { development: boolean; shopName: string }): string {
  return built
    .replace('data-environment="production"', `data-environment="${development ? 'development' : 'production'}"`)
    .replace(nameMark, () => escaped(shopName));
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

/** What is somebody's own, or a way into the API, is not for search engines. */
export const robots = ['User-agent: *', ...['cart', 'account', 'orders', 'pay', 'wallet', 'staff', 'jobs', 'graphql', 'graphiql'].map((path) => `Disallow: /${path}`), ''].join('\n'); // prettier-ignore
