import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import MiniSearch from 'minisearch';
import { escaped } from '../../gateway/pages/page-html.ts';
import { searchOptions } from '../../gateway/pages/src/docs/search-options.ts';
import { type DocumentPage, type Guide, guidesOf, renderDocuments } from './documents.ts';
import type { Section } from './markdown.ts';
import { renderReference } from './reference.ts';

type Page = {
  readonly url: string;
  readonly title: string;
  readonly html: string;
  readonly sections: readonly Section[];
};
/** What the search knows of a page or of a part of one. */
type Entry = { readonly id: string; readonly title: string; readonly page: string; readonly text: string };

/**
 * Makes the documentation site: the repository's documents and the reference of the API, as pages of their own below
 * `docs/` of the build, and an index for the search. Throws where a document links to what is not there.
 *
 * @param root absolute path of the repository
 * @param distDir the build, with the template `docs.html`, which is removed
 */
export function buildDocs(root: string, distDir: string): void {
  const templatePath = join(distDir, 'docs.html');
  const template = readFileSync(templatePath, 'utf8');
  const { pages: documents, pictures } = renderDocuments(root);
  const reference = renderReference(root);
  const guides = guidesOf(root, documents);
  const pages: Page[] = [...documents, ...reference.map((page) => ({ ...page, sections: [] }))];
  const twice = pages.filter(({ url }, index) => pages.findIndex((other) => other.url === url) !== index);
  if (twice.length > 0) throw new Error(`Two documents have the address ${twice.map(({ url }) => url).join(', ')}`);

  for (const page of pages) {
    const file = join(distDir, `${page.url === '/docs' ? '/docs/index' : page.url}.html`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, filled(template, page, guides));
  }
  mkdirSync(join(distDir, 'docs/pictures'), { recursive: true });
  for (const picture of pictures) copyFileSync(join(root, picture), join(distDir, 'docs/pictures', basename(picture)));
  const search = new MiniSearch<Entry>(searchOptions);
  search.addAll([...documents.flatMap(entriesOf), ...reference.map(({ url, title, text }) => ({ id: url, title, page: 'API', text }))]); // prettier-ignore
  writeFileSync(join(distDir, 'docs/search.json'), JSON.stringify(search));
  rmSync(templatePath);
}

const entriesOf = ({ url, title: page, sections }: DocumentPage): Entry[] =>
  sections.map(({ title, slug, text }, index) => ({ id: index === 0 ? url : `${url}#${slug}`, title, page, text }));

function filled(template: string, { url, title, html, sections }: Page, guides: readonly Guide[]): string {
  const parts = sections.filter(({ level }) => level === 2);
  const contents = parts.length < 3 || url === '/docs' ? '' : `<nav class="contents" aria-label="On this page"><p>On this page</p><ul>${parts.map((part) => `<li><a href="#${part.slug}">${escaped(part.title)}</a></li>`).join('')}</ul></nav>`; // prettier-ignore
  return template
    .replaceAll('__TITLE__', () => escaped(title))
    .replace('__NAVIGATION__', () => navigation(guides, url))
    .replace('__CONTENTS__', () => contents)
    .replace('__CONTENT__', () => html);
}

function navigation(guides: readonly Guide[], current: string): string {
  const link = (url: string, title: string): string =>
    `<li><a href="${url}"${url === current ? ' aria-current="page"' : ''}>${escaped(title)}</a></li>`;
  const api = [['/docs/api', 'All fields and types'], ['/docs/api#queries', 'Queries'], ['/docs/api#mutations', 'Mutations'], ['/docs/api#subscriptions', 'Subscriptions']] as const; // prettier-ignore
  const parts = [
    ...guides.map(({ title, links }) => ({ title, items: links.map((one) => link(one.url, one.title)) })),
    { title: 'Reference', items: api.map(([url, title]) => link(url, title)) },
  ];
  return parts.map(({ title, items }) => `<h2>${escaped(title)}</h2><ul>${items.join('')}</ul>`).join('');
}
