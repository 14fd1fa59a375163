import './docs.css';
import type MiniSearch from 'minisearch';
import { searchOptions } from './search-options.ts';

const input = document.querySelector<HTMLInputElement>('#search');
const list = document.querySelector<HTMLElement>('#found');
const status = document.querySelector<HTMLElement>('#found-status');
const mostFound = 12;
let index: Promise<MiniSearch> | undefined;

/** The index is fetched when somebody begins to search. */
async function load(): Promise<MiniSearch> {
  const [{ default: Search }, response] = await Promise.all([import('minisearch'), fetch('/docs/search.json')]);
  if (!response.ok) throw new Error(`The index of the search answers ${response.status}`);
  return Search.loadJSON(await response.text(), searchOptions);
}

async function search(): Promise<void> {
  const wanted = input?.value.trim() ?? '';
  if (list === null || status === null) return;
  if (wanted === '') {
    list.replaceChildren();
    list.hidden = true;
    status.textContent = '';
    return;
  }
  try {
    const found = (await (index ??= load())).search(wanted).slice(0, mostFound);
    // Somebody has typed on meanwhile: that search shows its own.
    if (wanted !== input?.value.trim()) return;
    list.replaceChildren(...found.map(entry));
    list.hidden = found.length === 0;
    status.textContent = found.length === 0 ? `Nothing found for “${wanted}”.` : `${found.length} found`;
  } catch {
    index = undefined;
    status.textContent = 'The search can’t be reached. Try again.';
  }
}

function entry({ id, title, page }: { id: unknown; title?: unknown; page?: unknown }): HTMLLIElement {
  const item = document.createElement('li');
  const link = document.createElement('a');
  link.href = String(id);
  const name = document.createElement('strong');
  name.textContent = String(title);
  const where = document.createElement('span');
  where.textContent = String(page);
  link.append(name, where);
  item.append(link);
  return item;
}

input?.addEventListener('input', () => void search());
input?.addEventListener('focus', () => void (index ??= load()).catch(() => (index = undefined)));
input?.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') {
    event.preventDefault();
    list?.querySelector('a')?.focus();
  }
  if (event.key === 'Enter') list?.querySelector('a')?.click();
});
list?.addEventListener('keydown', (event) => {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  event.preventDefault();
  const links = [...list.querySelectorAll('a')];
  const next = links.indexOf(document.activeElement as HTMLAnchorElement) + (event.key === 'ArrowDown' ? 1 : -1);
  (next < 0 ? input : links[next])?.focus();
});
document.addEventListener('keydown', (event) => {
  const inField = event.target instanceof Element && event.target.closest('input, textarea') !== null;
  if (event.key === '/' && !inField) {
    event.preventDefault();
    input?.focus();
  }
  if (event.key === 'Escape' && input !== null && list !== null) {
    list.hidden = true;
    if (list.contains(document.activeElement)) input.focus();
  }
});
document.addEventListener('click', (event) => {
  if (list !== null && event.target instanceof Node && !list.contains(event.target) && event.target !== input)
    list.hidden = true;
});

for (const block of document.querySelectorAll('main pre')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', () => {
    void navigator.clipboard.writeText(block.querySelector('code')?.textContent ?? '').then(
      () => (button.textContent = 'Copied'),
      () => (button.textContent = 'Copying is not allowed here'),
    );
  });
  const frame = document.createElement('div');
  frame.className = 'code';
  block.replaceWith(frame);
  frame.append(block, button);
}
