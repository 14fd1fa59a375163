import { expect, jest, test } from '@jest/globals';
import { describeInBrowser } from './browser.ts';

jest.setTimeout(120_000);

describeInBrowser('GraphiQL in a browser', ({ open }) => {
  test('it registers, places an order, starts to pay and watches it, from its examples', async () => {
    const { page, context, faults } = await open('/graphiql');
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
    await context.close();
  });
});
