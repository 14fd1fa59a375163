import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { chromiumPath, launchBrowser } from '../../ops/bench/chromium.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { watchPage } from './watch-page.ts';

/** Generous, as other suites run beside these; a page that works needs a fraction of it. */
const actionTimeoutMs = 45_000;
const startTimeoutMs = 180_000;

export type Visit = { readonly page: Page; readonly context: BrowserContext; readonly faults: string[] };
export type Visiting = {
  readonly platform: () => Platform;
  /** Opens a path as a new visitor, or as one who is here already. `faults` is what no page may do; empty is good. */
  readonly open: (path: string, context?: BrowserContext) => Promise<Visit>;
  /** Opens a path as a new visitor with a browser of this kind, e.g. in a time zone. */
  readonly openAs: (browser: BrowserContextOptions, path: string) => Promise<Visit>;
};

/** A suite with a platform and a browser of its own; skipped with a word where there is no Chromium. */
export function describeInBrowser(name: string, suite: (visiting: Visiting) => void): void {
  if (chromiumPath === undefined) {
    console.warn(`Skipped: ${name}. There is no chromium on PATH; install one or set CHROMIUM_PATH.`);
  }
  (chromiumPath === undefined ? describe.skip : describe)(name, () => {
    let platform: Platform;
    let browser: Browser;
    beforeAll(async () => {
      [platform, browser] = await Promise.all([
        startPlatform({ shape: 'one', pages: true, env: { DEMO_SHOP: 'true' } }),
        launchBrowser(),
      ]);
    }, startTimeoutMs);
    afterAll(async () => {
      await browser?.close();
      await platform?.stop();
    });
    const visit = async (context: BrowserContext, path: string): Promise<Visit> => {
      const page = await context.newPage();
      page.setDefaultTimeout(actionTimeoutMs);
      const faults = watchPage(page, platform.url);
      await page.goto(`${platform.url}${path}`);
      return { page, context, faults };
    };
    suite({
      platform: () => platform,
      open: async (path, known) => visit(known ?? (await browser.newContext()), path),
      openAs: async (options, path) => visit(await browser.newContext(options), path),
    });
  });
}
