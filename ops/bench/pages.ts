import { randomUUID } from 'node:crypto';
import type { CDPSession, Locator, Page } from 'playwright-core';
import { type BenchPlatform, benchAdmin, startBenchPlatform } from './bench-platform.ts';
import { launchBrowser } from './chromium.ts';
import { fill } from './fill.ts';
import { analyze } from './lists.ts';
import { machineOnly, median, round, writeResults } from './measure.ts';
import { type Staff, signInStaff } from './staff.ts';

const visits = 5;
/** All that stand below one another at most: nine more pages, or as many as there are. */
const morePages = 9;
const lastPageMs = 2_000;
const goals = { firstMs: 1_000, moreMs: 500, frameMs: 100, heapMiB: 60 };
const categories = 10;

type Seen = {
  /** From the address to the first of the list. */
  readonly firstMs: number;
  /** From the press to the page after, the slowest of nine. */
  readonly moreMs: number;
  /** The longest that a frame took while all of it was scrolled through. */
  readonly frameMs: number;
  readonly heapMiB: number;
  readonly nodes: number;
  readonly rows: number;
};
/** A list as people open it: its rows, and the button for more. */
type Listed = { readonly name: string; readonly path: string; readonly row: string; readonly more: string };

/**
 * `npm run bench -- pages [orders = 10000] [products = 5000]`: a shop of that many products, and one customer, who is its
 * administrator, with all orders. Its lists are opened in Chromium, five times each with an empty cache, gone on with as far
 * as they go, and scrolled through. Fails when a goal is missed.
 */
export async function benchPages([orders = '10000', products = '5000']: readonly string[]): Promise<void> {
  const platform = await startBenchPlatform({ durable: false });
  try {
    const staff = await signInStaff(platform);
    const createProduct = await intoCategories(platform, staff);
    const rows = await fill(platform, {
      orders: Number(orders),
      products: Number(products),
      customers: 0,
      createProduct,
    });
    console.log(`filled ${products} products and ${orders} orders of one customer, ${rows} rows`);
    for (const schema of ['order', 'payment', 'product', 'user']) await analyze(platform, schema);
    const figures: Record<string, unknown>[] = [];
    let missed = 0;
    for (const listed of lists) {
      const seen = await visit(platform, listed);
      const slow = (Object.keys(goals) as (keyof typeof goals)[]).filter((name) => seen[name] > goals[name]);
      missed += slow.length;
      figures.push({ page: listed.name, ...seen, goals: slow.length === 0 ? 'met' : `missed: ${slow.join(', ')}` });
    }
    console.table(figures);
    await writeResults('pages', { machine: machineOnly(), orders: Number(orders), products: Number(products), goals, rows: figures }); // prettier-ignore
    if (missed > 0) process.exitCode = 1;
  } finally {
    await platform.stop();
  }
}

const shelf = { row: '.products > li', more: 'Show more' };
const lists: readonly Listed[] = [
  { name: 'shop', path: '/', ...shelf },
  { name: 'search', path: '/?q=thing', ...shelf },
  { name: 'category', path: '/?category=shelf-3', ...shelf },
  { name: 'in stock, by price', path: '/?stock=in&sort=cheapest', ...shelf },
  { name: 'orders', path: '/orders', row: '.order-list > li', more: 'Show older orders' },
  { name: 'orders, done', path: '/orders?show=done', row: '.order-list > li', more: 'Show older orders' },
  { name: 'staff: orders', path: '/staff', row: '.feed > li', more: 'Show older orders' },
];

/** Puts each new product into one of the shop's categories, one after another. */
async function intoCategories(
  platform: BenchPlatform,
  { token, createProduct }: Staff,
): Promise<Staff['createProduct']> {
  const save = 'mutation ($slug: String!, $name: String!, $key: String!) { saveCategory(slug: $slug, name: $name, idempotencyKey: $key) { category { id } } }'; // prettier-ignore
  const ids: string[] = [];
  for (let index = 0; index < categories; index += 1) {
    type Saved = { saveCategory: { category: { id: string } } };
    const variables = { slug: `shelf-${index}`, name: `Shelf ${index}`, key: randomUUID() };
    ids.push((await platform.gql<Saved>(save, variables, token)).saveCategory.category.id);
  }
  let made = 0;
  return (input) => createProduct({ ...input, categoryId: ids[made++ % categories] });
}

async function visit({ url }: BenchPlatform, listed: Listed): Promise<Seen> {
  const browser = await launchBrowser();
  try {
    const seen: Seen[] = [];
    for (let count = 0; count < visits; count += 1) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      const page = await context.newPage();
      await signIn(page, url);
      seen.push(await see(page, url, listed));
      await context.close();
    }
    const middle = (name: keyof Seen): number => round(median(seen.map((each) => each[name])), 0);
    return { firstMs: middle('firstMs'), moreMs: middle('moreMs'), frameMs: middle('frameMs'), heapMiB: middle('heapMiB'), nodes: middle('nodes'), rows: middle('rows') }; // prettier-ignore
  } finally {
    await browser.close();
  }
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/wallet`);
  await page.getByLabel('Mobile number').fill(benchAdmin.mobile);
  await page.getByLabel('Password').fill(benchAdmin.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).last().click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

async function see(page: Page, url: string, { path, row, more }: Listed): Promise<Seen> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const rows = page.locator(row);
  let startedAt = performance.now();
  await page.goto(`${url}${path}`);
  await rows.first().waitFor();
  const firstMs = performance.now() - startedAt;
  let moreMs = 0;
  const button = page.getByRole('button', { name: more });
  for (let pages = 0; pages < morePages; pages += 1) {
    const before = await rows.count();
    const isLast = await button.waitFor({ timeout: lastPageMs }).then(() => false, () => true); // prettier-ignore
    if (isLast) break;
    startedAt = performance.now();
    await button.click();
    await rowAfter(rows, before);
    moreMs = Math.max(moreMs, performance.now() - startedAt);
  }
  const frameMs = await scrollThrough(page);
  await session.send('HeapProfiler.collectGarbage');
  const metric = await metrics(session);
  return {
    firstMs,
    moreMs,
    frameMs,
    heapMiB: metric('JSHeapUsedSize') / 2 ** 20,
    nodes: metric('Nodes'),
    rows: await rows.count(),
  };
}

const rowAfter = (rows: Locator, count: number): Promise<void> => rows.nth(count).waitFor({ state: 'attached' });

/** From the top to the bottom by wheel; the longest time between two frames, in ms. */
async function scrollThrough(page: Page): Promise<number> {
  await page.evaluate(`scrollTo(0, 0); window.longest = 0; window.last = performance.now();
    (function frame(now) { longest = Math.max(longest, now - last); last = now; requestAnimationFrame(frame); })(last);`);
  const height = (await page.evaluate('document.documentElement.scrollHeight')) as number;
  for (let down = 0; down < height; down += 600) {
    await page.mouse.wheel(0, 600);
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => done()))');
  }
  return (await page.evaluate('longest')) as number;
}

async function metrics(session: CDPSession): Promise<(name: string) => number> {
  const { metrics: all } = await session.send('Performance.getMetrics');
  return (name) => all.find((each) => each.name === name)?.value ?? Number.NaN;
}
