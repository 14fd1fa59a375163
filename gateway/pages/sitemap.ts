import type { ServiceCaller } from '../../subgraphs/shared/calls/link.ts';
import { newTraceId } from '../../subgraphs/shared/process/telemetry.ts';
import { deadlineIn } from '../../subgraphs/shared/time/deadline.ts';
import { escaped } from './page-html.ts';

/** The shop's pages for search engines, as https://www.sitemaps.org/protocol.html says; rejects while they can't be known. */
export type Sitemap = () => Promise<string>;

const keptMs = 3_600_000;
const timeoutMs = 5_000;
const pageSize = 100;
/** As many products as search engines are told of: the newest. */
const mostProducts = 5_000;

const query = `query Sitemap($first: Int!, $after: String) {
  products(first: $first, after: $after, filter: { status: [ON_SALE] }, orderBy: { by: CREATED_AT, direction: DESC }) {
    edges { node { id updatedAt } }
    pageInfo { hasNextPage endCursor }
  }
  categories { slug }
}`;
type Answer = {
  products: {
    edges: { node: { id: string; updatedAt: string } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  };
  categories: { slug: string }[];
};
type Place = { readonly path: string; readonly changedAt?: string };

/** Asks the product service as somebody who isn't signed in, at most once an hour. */
export function openSitemap(call: ServiceCaller, { origin, now }: { origin: string; now: () => Date }): Sitemap {
  let kept: { readonly text: Promise<string>; readonly atMs: number } | undefined;
  return () => {
    const atMs = now().getTime();
    if (kept === undefined || atMs - kept.atMs > keptMs) {
      const text = readPlaces(call).then((places) => sitemapOf(places, origin));
      const asked = { text, atMs };
      kept = asked;
      // The next one asks again.
      text.catch(() => {
        if (kept === asked) kept = undefined;
      });
    }
    return kept.text;
  };
}

async function readPlaces(call: ServiceCaller): Promise<readonly Place[]> {
  const products: Place[] = [];
  let after: string | null = null;
  let slugs: readonly string[] = [];
  do {
    const asked = {
      query,
      variables: { first: pageSize, after },
      traceId: newTraceId(),
      deadline: deadlineIn(timeoutMs),
    };
    const answer: Answer = await call<Answer>('product', asked);
    const { edges, pageInfo } = answer.products;
    products.push(...edges.map(({ node }) => ({ path: `/products/${node.id}`, changedAt: node.updatedAt })));
    slugs = answer.categories.map(({ slug }) => slug);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null && products.length < mostProducts);
  return [{ path: '/' }, ...slugs.map((slug) => ({ path: `/?category=${encodeURIComponent(slug)}` })), ...products];
}

function sitemapOf(places: readonly Place[], origin: string): string {
  const urls = places.map(({ path, changedAt }) => {
    const changed = changedAt === undefined ? '' : `<lastmod>${escaped(changedAt)}</lastmod>`;
    return `<url><loc>${escaped(new URL(path, origin).href)}</loc>${changed}</url>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls.join('')}</urlset>\n`;
}
