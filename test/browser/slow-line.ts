import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { Visiting } from './browser.ts';

/** A phone on a slow line: 1.6 Mbit/s, 150 ms there and back, a processor a quarter as fast as this one. */
const line = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 };
const slowerTimes = 4;
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
/** A machine that runs other suites meanwhile is slower than the phone: what is asserted leaves room for that. */
const mostLcpMs = 2_000;
const roomTimes = 6;
const mostShift = 0.02;

type Seen = { readonly firstMs: number; readonly lcpMs: number; readonly shift: number; readonly bytes: number };

const observe = `window.seen = { lcpMs: 0, shift: 0 };
new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.lcpMs = entry.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value; }).observe({ type: 'layout-shift', buffered: true });`;

/** Opens a page with an empty cache, and tells what its reader has waited for. */
async function visit(page: Page, url: string, settled: string): Promise<Seen> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', line);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowerTimes });
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.addInitScript(observe);
  await page.goto(url);
  await page.locator(settled).first().waitFor();
  await page.waitForLoadState('networkidle');
  const { firstMs, lcpMs, shift } = (await page.evaluate(
    `({ ...seen, firstMs: performance.getEntriesByName('first-contentful-paint')[0].startTime })`,
  )) as Omit<Seen, 'bytes'>;
  return { firstMs: Math.round(firstMs), lcpMs: Math.round(lcpMs), shift, bytes };
}

/** How long a phone on a slow line waits for the shop, and how much moves under its reader's eyes. */
export function slowLine({ platform, openAs }: Visiting): void {
  test('on a slow line the shop and a product are there soon, and nothing jumps', async () => {
    const { page: first, context: looking } = await openAs({}, '/');
    const product = (await first.getByRole('link', { name: 'Stoneware mug' }).getAttribute('href')) ?? '';
    await looking.close();
    for (const [path, settled] of [['/', '.product img'], [product, '.product-page img']] as const) {
      const { page, context } = await openAs(phone, '/robots.txt');
      const seen = await visit(page, `${platform().url}${path}`, settled);
      console.log(`${path === '/' ? 'shop' : 'product'} on a slow phone: ${JSON.stringify(seen)}`);
      expect(seen.lcpMs).toBeLessThanOrEqual(mostLcpMs * roomTimes);
      expect(seen.shift).toBeLessThanOrEqual(mostShift);
      await context.close();
    } // prettier-ignore
  });
}
