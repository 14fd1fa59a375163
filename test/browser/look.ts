import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Ignored by git; for people to look at. */
const screenshots = resolve(import.meta.dirname, '../../.data/screenshots');
const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/** Shows the page as it is on a desktop or on a phone; takes a picture of it, for people to look at, unless SCREENSHOTS=false (`all`: also in dark colours and on the smallest phones). */
export async function picture(page: Page, name: string, size: keyof typeof sizes): Promise<void> {
  await page.setViewportSize(sizes[size]);
  // A head that sticks would be in the middle of the picture.
  await page.evaluate('scrollTo(0, 0)');
  if (process.env['SCREENSHOTS'] === 'false') return;
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}-${size}.png`), fullPage: true });
}

/**
 * Looks at the page as it is on a desktop and on a phone: takes a screenshot of each, and returns what a reader would
 * trip over: serious or critical findings of axe, and content wider than the screen. Empty is good.
 */
export async function look(page: Page, name: string): Promise<string[]> {
  const before = page.viewportSize();
  const findings: string[] = [];
  for (const size of ['desktop', 'phone'] as const) {
    await picture(page, name, size);
    await page.evaluate(axeSource);
    const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResults;
    for (const { impact, id, nodes } of violations) {
      if (impact !== 'serious' && impact !== 'critical') continue;
      findings.push(`${name} (${size}): ${impact} ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
    }
    const widerByPx = (await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )) as number;
    if (widerByPx > 0) findings.push(`${name} (${size}): ${widerByPx} px wider than the screen`);
  }
  if (process.env['SCREENSHOTS'] === 'all') findings.push(...(await lookInTheDark(page, name)));
  if (before !== null) await page.setViewportSize(before);
  return findings;
}

/** With SCREENSHOTS=all: the same in dark colours, and what is cut on the smallest phones. */
async function lookInTheDark(page: Page, name: string): Promise<string[]> {
  const findings = await cutOnSmallPhone(page, name);
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const size of ['desktop', 'phone'] as const) await picture(page, `${name}-dark`, size);
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResults;
  for (const { impact, id, nodes } of violations)
    if (impact === 'serious' || impact === 'critical')
      findings.push(`${name} (dark): ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  await page.emulateMedia({ colorScheme: null });
  return findings;
}

const smallPhone = { width: 320, height: 640 };

/** What is cut on the smallest phones, in pictures for people and as texts. Empty is good. */
export async function cutOnSmallPhone(page: Page, name: string): Promise<string[]> {
  const before = page.viewportSize();
  await page.setViewportSize(smallPhone);
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: join(screenshots, `${name}-small.png`), fullPage: true });
  const cut = (await page.evaluate(`[...document.querySelectorAll('body *')]
    .filter((element) => {
      const { overflowX, position, textOverflow } = getComputedStyle(element);
      // What scrolls by itself is not cut, and a name that ends in dots is meant to.
      const hidden = element.closest('.hidden-visually, .skip, .categories, svg, [aria-hidden="true"]') !== null || position === 'fixed' || textOverflow === 'ellipsis';
      const wide = element.getBoundingClientRect().right > innerWidth + 1;
      const clipped = ['hidden', 'clip'].includes(overflowX) && element.scrollWidth > element.clientWidth + 1 && element.tagName !== 'INPUT' && element.tagName !== 'SELECT';
      return !hidden && (wide || clipped);
    })
    .map((element) => element.tagName + '.' + element.className + ': ' + (element.textContent ?? '').slice(0, 60))`)) as string[];
  if (before !== null) await page.setViewportSize(before);
  return cut.map((text) => `${name} (320 px): ${text}`);
}
