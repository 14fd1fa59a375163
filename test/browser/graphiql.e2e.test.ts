import { expect, jest, test } from '@jest/globals';
import { describeInBrowser } from './browser.ts';
import { picture } from './look.ts';

jest.setTimeout(240_000);

describeInBrowser('GraphiQL in a browser', ({ open, openAs }) => {
  test('[PG-3] it registers, places an order, starts to pay and watches it, from its examples', async () => {
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
    await picture(page, 'graphiql', 'desktop');
    expect(faults).toEqual([]);
    await context.close();
  });

  test('a tab of its own sends the token of the sign-in, the docs are the descriptions of the schema, and history is kept', async () => {
    const { page, context, faults } = await open('/graphiql');
    await page.getByRole('button', { name: /Mara Lindqvist/ }).click();
    await page.getByText('Signed in as Mara Lindqvist').waitFor();
    await page.getByRole('button', { name: /^Me / }).click();
    await page.getByRole('tab', { name: /^Me/, selected: true }).waitFor();
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.locator('.result-window').getByText('"Mara Lindqvist"').waitFor();
    await page
      .getByRole('tab', { name: 'Headers' })
      .or(page.getByRole('button', { name: 'Headers' }))
      .first()
      .click();
    await page
      .locator('.graphiql-editor-tool')
      .getByText(/Bearer/)
      .first()
      .waitFor();

    await page.getByRole('button', { name: /Documentation Explorer/ }).click();
    await page
      .getByRole('link', { name: 'Mutation' })
      .or(page.getByRole('button', { name: 'Mutation' }))
      .first()
      .click();
    await page.getByText('Everything that can be done.').first().waitFor();
    await page.getByRole('button', { name: /History/ }).click();
    await page.locator('.graphiql-history').getByText('Me').first().waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('it fits the screen, also that of a phone', async () => {
    for (const [width, height, size] of [
      [1280, 800, 'desktop'],
      [390, 844, 'phone'],
    ] as const) {
      const { page, context, faults } = await openAs({ viewport: { width, height } }, '/graphiql');
      await page.locator('.graphiql-query-editor .view-line').first().waitFor();
      await page.getByRole('button', { name: /Execute query/ }).waitFor();
      await picture(page, 'graphiql-at-first', size);
      expect([size, await page.evaluate(`(scrollTo(9999, 9999), [scrollX, scrollY])`)]).toEqual([size, [0, 0]]);
      expect(faults).toEqual([]);
      await context.close();
    }
  });

  test('it is dark for who likes it dark', async () => {
    const { page, context, faults } = await open('/graphiql');
    await page.locator('.monaco-editor.vs').first().waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.reload();
    await page.locator('.monaco-editor.vs-dark').first().waitFor();
    await picture(page, 'graphiql-dark', 'desktop');
    expect(faults).toEqual([]);
    await context.close();
  });
});
