import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { type Document, renderDocument } from './markdown.ts';

/** A document of the repository as a page of the site. */
export type DocumentPage = Document & { readonly path: string; readonly url: string };

/** A part of the navigation. */
export type Guide = {
  readonly title: string;
  readonly links: readonly { readonly title: string; readonly url: string }[];
};

const index = 'docs/README.md';
/** Where the crawl begins: what these lead to, directly or through others, is on the site. */
const firstDocuments = [index, 'README.md'];

/** `docs/README.md` is `/docs`, `docs/x.md` is `/docs/x`, and `a/b/README.md` is `/docs/a/b`. */
export function urlOf(path: string): string {
  if (path === index) return '/docs';
  if (path === 'README.md') return '/docs/readme';
  const name = path.replace(/^docs\//, '').replace(/(?:\/README)?\.md$/, '');
  return `/docs/${name.toLowerCase()}`;
}

/**
 * Renders every document that the index and the README lead to, and the runbooks.
 *
 * @param root absolute path of the repository
 * @returns pages in the order in which they were found, and pictures, as paths of the repository
 */
export function renderDocuments(root: string): { pages: readonly DocumentPage[]; pictures: readonly string[] } {
  const waiting = [...firstDocuments, ...globSync('ops/runbooks/*.md', { cwd: root }).toSorted()];
  const known = new Set(waiting);
  const pictures = new Set<string>();
  const pages: DocumentPage[] = [];
  for (const path of waiting) {
    const resolve = (href: string): string | null => {
      if (/^(?:https?:|mailto:|#)/.test(href)) return href;
      const [file = '', anchor] = href.split('#');
      const target = normalize(join(dirname(path), file));
      if (!existsSync(join(root, target))) throw new Error(`${path} links to ${href}, which is not there`);
      if (/\.(?:webp|png|svg)$/.test(target)) {
        pictures.add(target);
        return `/docs/pictures/${target.split('/').at(-1)}`;
      }
      if (target === 'schema/api.graphql') return '/docs/api';
      if (!target.endsWith('.md')) return null;
      if (!known.has(target)) {
        known.add(target);
        waiting.push(target);
      }
      return anchor === undefined ? urlOf(target) : `${urlOf(target)}#${anchor}`;
    };
    pages.push({ path, url: urlOf(path), ...renderDocument(readFileSync(join(root, path), 'utf8'), resolve) });
  }
  return { pages, pictures: [...pictures] };
}

/** The navigation, from the lists of `docs/README.md`. */
export function guidesOf(root: string, pages: readonly DocumentPage[]): Guide[] {
  const text = readFileSync(join(root, index), 'utf8');
  const parts = text.split(/^## /m).slice(1);
  return parts.map((part) => {
    const links = [...part.matchAll(/^- \[([^\]]+)\]\(([^)#]+)(#[^)]+)?\)/gm)].flatMap(
      ([, title = '', href = '', anchor = '']) => {
        const page = pages.find(({ path }) => path === normalize(join('docs', href)));
        return page === undefined ? [] : [{ title, url: `${page.url}${anchor}` }];
      },
    );
    return { title: part.slice(0, part.indexOf('\n')), links };
  });
}
