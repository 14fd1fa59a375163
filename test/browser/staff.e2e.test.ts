import { expect, jest, test } from '@jest/globals';
import { logIn, pay, placeOrder } from '../support/shop.ts';
import { describeInBrowser } from './browser.ts';
import { look } from './look.ts';
import { buyer, operator, signIn } from './people.ts';

jest.setTimeout(120_000);

describeInBrowser('the staff view in a browser', ({ platform, open }) => {
  const productId = async (sku: string): Promise<string> => {
    const { data } = await platform().gql<{ product: { id: string } }>(
      'query Product($sku: String) { product(sku: $sku) { id } }',
      { sku },
    );
    return data?.product.id ?? '';
  };

  test('a customer is told that this is not for them', async () => {
    const { page, context, faults } = await open('/staff');
    await signIn(page, buyer);
    await page.getByRole('heading', { name: 'Only for staff' }).waitFor();
    expect(await look(page, 'staff-refused')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test('an order shows its saga, is delivered and refunded, and its customer follows', async () => {
    const customer = await logIn(platform(), buyer);
    const order = await placeOrder(platform(), customer, [{ productId: await productId('APRON-LINEN'), quantity: 1 }]);
    await pay(platform(), customer, order.id);
    const theirs = await open(`/orders/${order.id}`);
    await signIn(theirs.page, buyer);
    await theirs.page.getByText('Payment received').waitFor();

    const { page, context, faults } = await open('/staff');
    await signIn(page, operator);
    await page.getByRole('link', { name: order.number }).waitFor();
    expect(await look(page, 'staff-orders')).toEqual([]);
    await page.getByRole('link', { name: order.number }).click();
    await page.getByText('Reserve stock').waitFor();
    await page.getByText('Payment received').waitFor();
    expect(await look(page, 'staff-order')).toEqual([]);

    await page.getByLabel('Tracking number, if any').fill('1Z 999');
    await page.getByRole('button', { name: 'Deliver all' }).click();
    await theirs.page.getByText('tracking 1Z 999').waitFor();
    await page.getByRole('button', { name: /^Give .* back$/ }).click();
    await page.getByRole('button', { name: 'Yes, give it back' }).click();
    await page.getByText('Given back: €39.00').waitFor();
    await theirs.page.goto(`${platform().url}/pay/${order.id}`);
    await theirs.page.getByRole('heading', { name: 'Refunded' }).waitFor();
    expect(await look(theirs.page, 'refunded')).toEqual([]);
    expect([...faults, ...theirs.faults]).toEqual([]);
    await Promise.all([context.close(), theirs.context.close()]);
  });

  test('a count is saved, and one made on an old number is refused with the reason', async () => {
    const { page, context, faults } = await open('/staff/stock?q=blanket');
    await signIn(page, operator);
    const counted = page.getByLabel('Counted of Merino blanket');
    await counted.fill('20');
    await page.getByRole('button', { name: 'Save the number of Merino blanket' }).click();
    await page.getByText('The stock of Merino blanket is saved.').waitFor();
    expect(await look(page, 'staff-stock')).toEqual([]);

    // Somebody else changes it while this page's count is on its way.
    const other = await logIn(platform(), operator);
    const change = { productId: await productId('BLANKET-WOOL'), delta: -2, reason: 'Sold over the counter' };
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('SetStock')) {
        await platform().gql(
          'mutation Adjust($changes: [StockDelta!]!) { adjustStock(changes: $changes, idempotencyKey: "counter") { replayed } }',
          { changes: [change] },
          { token: other.token },
        );
      }
      await route.continue();
    });
    await counted.fill('25');
    await page.getByRole('button', { name: 'Save the number of Merino blanket' }).click();
    await page.getByText('Somebody changed the stock while you counted').waitFor();
    expect(await look(page, 'staff-stock-conflict')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
