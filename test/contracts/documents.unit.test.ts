import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const root = resolve(import.meta.dirname, '../..');
const documents = globSync(['*.md', 'docs/**/*.md', 'subgraphs/*/README.md', 'ops/*/README.md'], { cwd: root });
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'); // prettier-ignore
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));

test('every link between documents leads to a file that is there, and to a heading that it has', () => {
  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
      .filter(([, file, anchor]) => {
        const target = file ? join(dirname(path), file) : path;
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
      })
      .map(([link]) => `${path}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('docs/README.md lists every document of docs/', () => {
  const index = read('docs/README.md');
  const missing = globSync('*.md', { cwd: join(root, 'docs') }).filter((name) => name !== 'README.md' && !index.includes(`(${name})`)); // prettier-ignore
  expect(missing).toEqual([]);
});

test('a decision has one number, and every decision that code or documents cite is there', () => {
  const numbers = [...read('DECISIONS.md').matchAll(/^###? (\d+)\. /gm)].map(([, number]) => number);
  expect(numbers.length).toBe(new Set(numbers).size);
  const sources = globSync('{gateway,subgraphs,ops,schema,test}/**/*.{ts,md,graphql}', { cwd: root });
  const cited = [...documents, ...sources].flatMap((path) =>
    [...read(path).matchAll(/\bdecisions? (\d+)\b/gi)].map(([, number]) => number),
  );
  expect(cited.filter((number) => !numbers.includes(number))).toEqual([]);
});

test('the README shows the shop and the staff view, in files of at most 150 kB', () => {
  const pictures = [...read('README.md').matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path ?? '');
  expect(pictures).toEqual(['docs/images/storefront.webp', 'docs/images/staff.webp']);
  for (const path of pictures) expect(statSync(join(root, path)).size).toBeLessThanOrEqual(150_000);
});
