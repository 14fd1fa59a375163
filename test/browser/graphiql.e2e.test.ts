import { expect, jest, test } from '@jest/globals';
import type { WebSocketRoute } from 'playwright-core';
import { demoAccounts } from '../../ops/demo-shop.ts';
import { dataOf, logIn, placeOrder } from '../support/shop.ts';
import { describeInBrowser } from './browser.ts';
import { look, picture } from './look.ts';

jest.setTimeout(240_000);

const buyer = demoAccounts[0] as (typeof demoAccounts)[number];

describeInBrowser('GraphiQL in a browser', ({ open, openAs, platform }) => {
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
    await page.getByText(/WebSocket · \d+ events/).waitFor();
    await page.getByRole('button', { name: 'The card …4242 pays' }).click();
    await page.getByText('The provider says: succeeded').waitFor();
    await page.getByRole('button', { name: /Events/ }).click();
    await page
      .getByText(/OrderPaid/)
      .first()
      .waitFor();
    await picture(page, 'graphiql', 'desktop');

    await page.getByRole('button', { name: /Stop query/ }).click();
    await page.getByRole('button', { name: /Execute query/ }).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('[PG-3] a link brings an operation with its variables, and the answer’s status, time and size are told', async () => {
    const query = 'query Linked($first: Int) { products(first: $first) { edges { node { sku } } } }';
    const given = new URLSearchParams({ query, variables: '{"first": 2}' });
    const { page, context, faults } = await openAs(
      { permissions: ['clipboard-read', 'clipboard-write'] },
      `/graphiql?${given.toString()}`,
    );
    await page.getByRole('tab', { name: 'Linked', selected: true }).waitFor();
    // Until its editors are there, GraphiQL has nothing to execute.
    for (const text of ['Linked', '"first"']) await page.locator('.view-lines').getByText(text).first().waitFor();
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.locator('.result-window').getByText('"sku"').first().waitFor();
    await page.getByText(/HTTP 200 · \d+ ms · /).waitFor();
    await page.getByRole('button', { name: 'Copy a link to this operation' }).click();
    await page.getByText('Link copied').waitFor();
    const link = new URL(String(await page.evaluate('navigator.clipboard.readText()')));
    expect(link.searchParams.get('query')).toBe(query);
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByText('curl command copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('"first":2');

    // What can't be reached is an answer without a stack.
    await page.route('**/graphql', (route) => route.abort('internetdisconnected'));
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.locator('.result-window').getByText("The API can't be reached").waitFor();
    expect(await page.locator('.result-window').textContent()).not.toContain('stack');
    expect(faults.filter((fault) => !fault.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
    await context.close();
  });

  test('[PG-3] a subscription outlives its connection: nothing is missed, and nothing comes twice', async () => {
    const { page, context } = await open('/graphiql');
    const query = 'subscription Mine { myOrders(afterSeq: 0) { seq event { type } } }';
    await page.getByRole('button', { name: new RegExp(buyer.name) }).click();
    await page.getByText(`Signed in as ${buyer.name}`).waitFor();
    const connections: WebSocketRoute[] = [];
    await page.routeWebSocket(/\/graphql$/, (socket) => {
      socket.connectToServer();
      connections.push(socket);
    });
    await page.goto(`${platform().url}/graphiql?${new URLSearchParams({ query }).toString()}`);
    await page.getByRole('tab', { name: 'Mine', selected: true }).waitFor();
    await page.getByRole('button', { name: /Events/ }).click();
    await page.getByRole('button', { name: /Execute query/ }).click();

    const customer = await logIn(platform(), buyer);
    const answer = await platform().gql<{ product: { id: string } }>('{ product(sku: "MUG-STONEWARE") { id } }');
    const lines = [{ productId: dataOf(answer).product.id, quantity: 1 }];
    const entries = page.locator('.event-log summary');
    const placed = entries.filter({ hasText: 'OrderPlaced' });
    await placeOrder(platform(), customer, lines);
    await placed.first().waitFor();
    await connections[0]?.close({ code: 1012, reason: 'restart' });
    await placeOrder(platform(), customer, lines);
    await page.getByText(/Connection closed: 1012 restart; connecting again after the last event/).waitFor();
    await placed.nth(1).waitFor();
    await entries.nth(3).waitFor();
    const told = await entries.allTextContents();
    const places = told.map((line) => /#\d+/.exec(line)?.[0]);
    expect(places).not.toContain(undefined);
    expect(new Set(places).size).toBe(places.length);
    expect(connections).toHaveLength(2);

    // Stopping ends the stream at once, and doesn't wait for its next event.
    const ended = new Promise<void>((done) => connections[1]?.onClose(() => done()));
    await page.getByRole('button', { name: /Stop query/ }).click();
    await ended;
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

  test('[PG-3] the documentation is found by the keyboard alone, and an example of it opens in GraphiQL', async () => {
    const { page, context, faults } = await open('/docs');
    await page.keyboard.press('/');
    await page.keyboard.type('refundOrder');
    await page.locator('#found a').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'refundOrder' }).waitFor();
    expect(await look(page, 'docs-field')).toEqual([]);
    await page.goto(`${platform().url}/docs/api/queries/products`);
    await page.getByRole('link', { name: 'Open in GraphiQL' }).click();
    await page.getByRole('tab', { name: 'Products', selected: true }).first().waitFor();
    // The button runs what the editor holds, and the editor loads after it.
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.locator('.result-window').getByText('"sku"').first().waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const path of ['/docs', '/docs/payment-methods', '/docs/errors']) {
      await page.goto(`${platform().url}${path}`);
      expect(await look(page, `docs${path.replaceAll('/', '-')}`)).toEqual([]);
    }
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
