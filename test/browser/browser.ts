import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Platform, startPlatform } from '../support/platform.ts';
import { chromiumPath, launchBrowser, watchPage } from './chromium.ts';

const actionTimeoutMs = 15_000;
const startTimeoutMs = 120_000;

export type Visit = { readonly page: Page; readonly context: BrowserContext; readonly faults: string[] };
export type Visiting = {
  readonly platform: () => Platform;
  /** Opens a path as a new visitor, or as one who is here already. `faults` is what no page may do; empty is good. */
  readonly open: (path: string, context?: BrowserContext) => Promise<Visit>;
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
      [platform, browser] = await Promise.all([startPlatform({ shape: 'one' }), launchBrowser()]);
    }, startTimeoutMs);
    afterAll(async () => {
      await browser?.close();
      await platform?.stop();
    });
    suite({
      platform: () => platform,
      async open(path, known) {
        const context = known ?? (await browser.newContext());
        const page = await context.newPage();
        page.setDefaultTimeout(actionTimeoutMs);
        const faults = watchPage(page, platform.url);
        await page.goto(`${platform.url}${path}`);
        return { page, context, faults };
      },
    });
  });
}
