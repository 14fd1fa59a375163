import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { demoAccounts } from '../../ops/demo-shop.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { chromiumPath, launchBrowser, watchPage } from './chromium.ts';

const buyer = demoAccounts[0] as (typeof demoAccounts)[number];
const timeoutMs = 15_000;

jest.setTimeout(60_000);

if (chromiumPath === undefined) {
  console.warn('The browser tests are skipped: no chromium on PATH. Install one or set CHROMIUM_PATH.');
}

(chromiumPath === undefined ? describe.skip : describe)('the pages in a browser', () => {
  let platform: Platform;
  let browser: Browser;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    browser = await launchBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });

  async function open(path: string): Promise<void> {
    page = await browser.newPage();
    page.setDefaultTimeout(timeoutMs);
    faults = watchPage(page, platform.url);
    await page.goto(`${platform.url}${path}`);
  }

  /** Buys one of the shop's products on the landing page and arrives at its payment page. */
  async function buyOne(): Promise<void> {
    await open('/');
    await page.getByRole('button', { name: 'Buy one: Stoneware mug' }).click();
    await page.getByLabel('Mobile number').fill(buyer.mobile);
    await page.getByLabel('Password').fill(buyer.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Time left to pay').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
  }

  async function payWith(card: string): Promise<void> {
    await page.getByLabel('Card number').fill(card);
    await page.getByRole('button', { name: /^Pay / }).click();
  }

  test('a declined card can be tried again, and the order turns paid without a reload', async () => {
    await buyOne();
    await payWith('4000000000000002');
    await page.getByText('The payment did not go through.').waitFor();
    await payWith('4242424242424242');
    await page.getByRole('heading', { name: /^(Paid|Completed)$/ }).waitFor();
    await page.getByText('Payment received').waitFor();
    expect(faults).toEqual([]);
    await page.close();
  });

  test('a card that wants a confirmation is asked for it and then pays', async () => {
    await buyOne();
    await payWith('4000002760003184');
    await page.getByRole('button', { name: /^Confirm / }).click();
    await page.getByRole('heading', { name: /^(Paid|Completed)$/ }).waitFor();
    expect(faults).toEqual([]);
    await page.close();
  });

  test('an order can be cancelled, and asks first', async () => {
    await buyOne();
    await page.getByRole('button', { name: 'Cancel this order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await page.getByRole('heading', { name: 'Cancelled' }).waitFor();
    expect(faults).toEqual([]);
    await page.close();
  });

  test('GraphiQL registers, places an order and watches it, from its examples', async () => {
    await open('/graphiql');
    const run = async (tab: string, answer: RegExp) => {
      await page.getByRole('tab', { name: tab }).click();
      await page.getByRole('button', { name: /Execute query/ }).click();
      await page.locator('.result-window').getByText(answer).first().waitFor();
    };
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await run('Register', /"accessToken"/);
    await page.getByText('Signed in as Grace Hopper').waitFor();
    await run('Products', /"sku"/);
    await run('PlaceOrder', /"PENDING_PAYMENT"/);
    await run('CreatePayment', /"SIMULATED_CARD"/);
    await run('WatchOrder', /"orderEvents"/);
    expect(faults).toEqual([]);
    await page.close();
  });
});
