import GithubSlugger from 'github-slugger';
import highlighter from 'highlight.js/lib/common';
import MarkdownIt from 'markdown-it';
import { escaped } from '../../gateway/pages/page-html.ts';

/** Where a link of a document leads on the site; null: to a file that the site doesn't have, such as a source. */
export type ResolveLink = (href: string) => string | null;

/** A heading with the text below it, up to the next one. */
export type Section = { readonly level: number; readonly title: string; readonly slug: string; text: string };

export type Document = {
  /** Its first heading. */
  readonly title: string;
  readonly html: string;
  /** In order; the first is the whole page's. */
  readonly sections: readonly Section[];
};

/** A code block with its colours; plain where the language is unknown. */
export function highlighted(code: string, language: string): string {
  const known = highlighter.getLanguage(language) !== undefined;
  const html = known ? highlighter.highlight(code, { language }).value : escaped(code);
  return `<pre tabindex="0"><code class="language-${escaped(language || 'text')}">${html}</code></pre>`;
}

const markdown = new MarkdownIt({ html: false, linkify: false });
markdown.renderer.rules['fence'] = (tokens, index) =>
  highlighted(tokens[index]?.content ?? '', (tokens[index]?.info ?? '').trim().split(' ')[0] ?? '');
markdown.renderer.rules['table_open'] = () => '<div class="table" tabindex="0"><table>\n';
markdown.renderer.rules['table_close'] = () => '</table></div>\n';

/** A line of Markdown, such as a description, without a paragraph of its own. */
export const renderInline = (text: string): string => markdown.renderInline(text);

/** Markdown of a description; its links stay as they are. */
export const renderText = (text: string): string => markdown.render(text);

/** A document with anchors as GitHub makes them, so that links written for GitHub hold here. */
export function renderDocument(text: string, resolve: ResolveLink): Document {
  const slugs = new GithubSlugger();
  const sections: Section[] = [];
  const tokens = markdown.parse(text, {});
  for (const [index, token] of tokens.entries()) {
    const content = tokens[index + 1];
    if (token.type === 'heading_open' && content !== undefined) {
      const title = plain(content);
      const slug = slugs.slug(content.content);
      token.attrSet('id', slug);
      sections.push({ level: Number(token.tag.slice(1)), title, slug, text: '' });
    } else if (token.type === 'inline' && tokens[index - 1]?.type !== 'heading_open') {
      const section = sections.at(-1);
      if (section !== undefined) section.text += `${plain(token)} `;
    }
    if (token.children !== null) for (const child of token.children) follow(child, resolve);
  }
  closeUnknownLinks(tokens.flatMap(({ children }) => (children === null ? [] : [children])));
  return { title: sections[0]?.title ?? '', html: markdown.renderer.render(tokens, markdown.options, {}), sections };
}

type Token = ReturnType<typeof markdown.parse>[number];

const plain = ({ children }: Token): string =>
  (children ?? []).map(({ type, content }) => (type === 'softbreak' ? ' ' : content)).join('');

/** Leads a link or a picture to where the site has it. */
function follow(token: Token, resolve: ResolveLink): void {
  const name = token.type === 'link_open' ? 'href' : token.type === 'image' ? 'src' : null;
  const given = name === null ? null : token.attrGet(name);
  if (name === null || given === null) return;
  const target = resolve(String(given));
  if (target === null) token.tag = 'span';
  else token.attrSet(name, target);
  if (target === null) token.attrs = [['class', 'file']];
}

/** A link that became a span ends as one. Links don't nest. */
function closeUnknownLinks(lines: readonly Token[][]): void {
  for (const line of lines) {
    let tag = 'a';
    for (const token of line) {
      if (token.type === 'link_open') tag = token.tag;
      if (token.type === 'link_close') token.tag = tag;
    }
  }
}
