import { readFileSync } from 'node:fs';
import { expect, jest, test } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import { idToBytes, newId } from '../../subgraphs/shared/values/ids.ts';
import { admin } from '../support/platform.ts';
import {
  createProduct,
  giveAddress,
  logIn,
  logInAsAdmin,
  orderIn,
  pay,
  placeOrder,
  readOrder,
  register,
} from '../support/shop.ts';
import { describeInBrowser } from './browser.ts';
import { look, picture } from './look.ts';
import { buyer, operator, signIn } from './people.ts';
import { until } from '../support/until.ts';

jest.setTimeout(240_000);

describeInBrowser('the staff view in a browser', ({ platform, open }) => {
  const productId = async (sku: string): Promise<string> => {
    const { data } = await platform().gql<{ product: { id: string } }>(
      'query Product($sku: String) { product(sku: $sku) { id } }',
      { sku },
    );
    return data?.product.id ?? '';
  };

  /** Writes an event into payment's outbox that the order service refuses: dollars for an order in euros. */
  async function tellOfWrongMoney(): Promise<string> {
    const customer = await register(platform());
    await giveAddress(platform(), customer);
    const order = await placeOrder(platform(), customer, [{ productId: await productId('TEA-CANISTER'), quantity: 1 }]);
    const id = newId();
    const data = { customerId: customer.id, paymentId: newId(), method: 'SIMULATED_CARD', amountMinor: 3_240, currency: 'USD', paidAt: new Date().toISOString() }; // prettier-ignore
    const connection = await createConnection({ uri: platform().mysqlUrl, database: `${platform().prefix}_payment` });
    await connection.query('insert into outbox (id, aggregate_id, type, trace_id, data, created_at) values (?, ?, ?, ?, ?, utc_timestamp(3))', [idToBytes(id), idToBytes(order.id), 'payment.succeeded', '0'.repeat(32), JSON.stringify(data)]); // prettier-ignore
    await connection.end();
    return id;
  }

  test('a customer is told that this is not for them', async () => {
    const { page, context, faults } = await open('/staff');
    await signIn(page, buyer);
    await page.getByRole('heading', { name: 'Only for staff' }).waitFor();
    expect(await look(page, 'staff-refused')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test('[PG-2] an order shows its saga, is delivered and refunded, and its customer follows', async () => {
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

    await page.getByLabel('Carrier, if any').fill('DHL');
    await page.getByLabel('Tracking number, if any').fill('1Z 999');
    await page.getByRole('button', { name: 'Deliver all' }).click();
    await theirs.page.getByText('DHL 1Z 999').waitFor();
    await page.getByRole('button', { name: 'It has arrived' }).click();
    await page.getByText('Arrived', { exact: true }).first().waitFor();
    await page.getByText('Give back a part').click();
    await page.getByLabel('Shipping, €4.90').check();
    await page.getByLabel('Reason').fill('It took too long');
    expect(await look(page, 'staff-give-back')).toEqual([]);
    await page.getByRole('button', { name: 'Give this back' }).click();
    await page.getByText('Given back: €4.90').waitFor();
    await page.getByLabel('A note in the journal').fill('Called the carrier');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('Called the carrier').waitFor();

    // The goods come back: asked for by the customer, decided and taken in by staff.
    await theirs.page.getByRole('button', { name: 'Send something back' }).click();
    await theirs.page.getByLabel('Linen apron').check();
    await theirs.page.getByLabel('Why').fill('Too large');
    expect(await look(theirs.page, 'order-return')).toEqual([]);
    await theirs.page.getByRole('button', { name: 'Ask for the return' }).click();
    await theirs.page.getByText('The shop looks at it.').waitFor();
    await page.getByRole('link', { name: 'Returns' }).click();
    await page.getByText('Too large').waitFor();
    expect(await look(page, 'staff-returns')).toEqual([]);
    await page.getByRole('button', { name: 'Approve the return' }).click();
    await theirs.page.getByText('Send the goods back').waitFor();
    await page.getByRole('button', { name: 'Take it in' }).waitFor();
    expect(await look(page, 'staff-return-expected')).toEqual([]);
    await page.getByRole('button', { name: 'Take it in' }).click();
    await theirs.page.getByText('The goods are back, and so is your money.').waitFor();
    expect(await look(theirs.page, 'order-returned')).toEqual([]);
    await theirs.page.goto(`${platform().url}/pay/${order.id}`);
    await theirs.page.getByRole('heading', { name: 'Sent back' }).waitFor();
    expect(await look(theirs.page, 'refunded')).toEqual([]);
    expect([...faults, ...theirs.faults]).toEqual([]);
    await Promise.all([context.close(), theirs.context.close()]);
  });

  test('staff find orders by customer, read the sales and save them, and keep coupons, shipping, taxes and categories', async () => {
    const { page, context, faults } = await open('/staff?show=deliver');
    await signIn(page, operator);
    await page.getByLabel('Customer: name, mobile or e-mail').fill('nobody of that name');
    await page.getByText('No order fits this search.').waitFor();
    await page.getByLabel('Customer: name, mobile or e-mail').fill('mara');
    await page.getByLabel('All', { exact: true }).check();
    await page.getByText('1 × Linen apron').waitFor();
    const saved = async () => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save as CSV' }).click(),
      ]);
      return readFileSync(await download.path(), 'utf8');
    };
    expect(await saved()).toMatch(/Linen apron,43\.90,EUR/);
    await page.getByRole('link', { name: 'Sales' }).click();
    await page.getByText('Sold best').waitFor();
    expect(await look(page, 'staff-sales')).toEqual([]);
    expect(await saved()).toMatch(/^\uFEFFFrom,Orders,Items,Gross/);

    await page.getByRole('link', { name: 'Promotions' }).click();
    await page.getByRole('button', { name: 'Make a promotion' }).click();
    await page.getByLabel('Name on the order').fill('Winter');
    await page.getByLabel('Percent').fill('12.5');
    expect(await look(page, 'staff-promotion')).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/^12\.5 % off/).waitFor();
    await page.getByRole('button', { name: 'Change Winter' }).click();
    await page.getByLabel('Switched on').uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Off', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'Shipping and taxes' }).click();
    await page.getByRole('button', { name: 'Change Express' }).click();
    await page.getByLabel('Price').fill('11.90');
    expect(await look(page, 'staff-shipping')).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/€11\.90/).waitFor();
    await page.getByRole('button', { name: 'Add a rate' }).click();
    await page.getByLabel('Name on the order').fill('VAT 8.1 %');
    await page.getByLabel('Country code').fill('ZZ');
    await page.getByLabel('Percent').fill('8.1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    expect(await look(page, 'staff-tax-refused')).toEqual([]);
    await page.getByLabel('Country code').fill('CH');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('VAT 8.1 %', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'Categories' }).click();
    await page.getByRole('button', { name: 'Add a category' }).click();
    await page.getByLabel('Name').fill('Hats');
    await page.getByLabel('Part of its address').fill('hats');
    await page.getByLabel('Part of', { exact: true }).selectOption({ label: 'For the home › To wear' });
    expect(await look(page, 'staff-categories')).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('For the home › To wear › Hats').waitFor();
    expect(faults).toEqual([]);
    await context.close();
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

  test('staff see an order come in and credit its customer, who pays with wallet and card, again with the wallet alone, and tops it up', async () => {
    const staff = await open('/staff');
    await signIn(staff.page, operator);
    await staff.page.locator('.ticker').getByText('Live', { exact: true }).waitFor();

    const customer = await register(platform(), 'Ada Lovelace');
    await giveAddress(platform(), customer);
    const buy = async (sku: string) =>
      placeOrder(platform(), customer, [{ productId: await productId(sku), quantity: 1 }]);
    const order = await buy('CANDLE-BEESWAX');
    await staff.page.locator('.ticker').getByText('Ada Lovelace').first().waitFor();
    expect(await look(staff.page, 'staff-live')).toEqual([]);
    const credit = async (amount: string) => {
      await staff.page.getByLabel('Credit to the wallet, EUR').fill(amount);
      await staff.page.getByRole('button', { name: 'Credit', exact: true }).click();
    };
    await staff.page.locator('.feed').getByRole('link', { name: order.number }).click();
    await credit('5');
    await staff.page.getByText('Ada Lovelace has €5.00 in the wallet now.').waitFor();

    const { page, context, faults } = await open(`/pay/${order.id}`);
    await signIn(page, customer);
    await page.getByLabel('Use my wallet').check();
    await page.getByText('€5.00 in it; the other €14.40 by card').waitFor();
    expect(await look(page, 'pay-mixed')).toEqual([]);
    await page.getByLabel('Card number').fill('4000000000009995');
    await page.getByRole('button', { name: 'Pay €14.40' }).click();
    await page.getByText('The payment did not go through.').waitFor();
    await page.getByText('€5.00 of it are set aside in your wallet.').waitFor();
    // They still are once the API has heard of the decline.
    await until(async () => (await readOrder(platform(), customer, order.id)).payments.some(({ state }) => state === 'FAILED')); // prettier-ignore
    await page.reload();
    await page.getByText('€5.00 of it are set aside in your wallet.').waitFor();
    expect(await look(page, 'pay-mixed-declined')).toEqual([]);
    await page.getByLabel('Card number').fill('4242424242424242');
    await page.getByRole('button', { name: 'Pay €14.40' }).click();
    await page.getByRole('heading', { name: 'Paid' }).waitFor();

    // What can be done with a paid order appears above the form, which would move away under the pointer.
    await staff.page.getByRole('button', { name: 'Deliver all' }).waitFor();
    await credit('25');
    await staff.page.getByText('Ada Lovelace has €25.00 in the wallet now.').waitFor();
    const second = await buy('NOTEBOOK-CLOTH');
    await page.goto(`${platform().url}/pay/${second.id}`);
    await page.getByLabel('Use my wallet').check();
    await page.getByRole('button', { name: 'Pay €20.90 from my wallet' }).click();
    await page.getByRole('heading', { name: 'Paid' }).waitFor();
    await page.getByRole('link', { name: 'Ada Lovelace' }).click();
    await page.getByRole('link', { name: 'Wallet' }).click();
    await page.getByText('€4.10', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Top up €20.00' }).click();
    await page.getByLabel('Card number').fill('4242424242424242');
    await page.getByRole('button', { name: 'Pay €20.00' }).click();
    await page.getByRole('heading', { name: /^(Paid|Completed)$/ }).waitFor();
    await page.getByText('Completed', { exact: true }).first().waitFor();
    await page.getByRole('link', { name: 'To your wallet' }).click();
    await page.getByText('€24.10', { exact: true }).waitFor();
    expect(await look(page, 'wallet')).toEqual([]);
    expect([...staff.faults, ...faults]).toEqual([]);
    await Promise.all([staff.context.close(), context.close()]);
  });

  test('a large credit and a large refund take an administrator, who finds what was asked for at an address', async () => {
    const customer = await register(platform(), 'Katherine Johnson');
    await giveAddress(platform(), customer);
    const piano = await createProduct(platform(), await logInAsAdmin(platform()), { name: 'Piano', priceMinor: 1_200_000 });
    const order = await placeOrder(platform(), customer, [{ productId: piano.id, quantity: 1 }]);
    await pay(platform(), customer, order.id);
    await orderIn(platform(), customer, order.id, ['PAID']);
    const first = await open(`/staff/orders/${order.id}`);
    await signIn(first.page, operator);
    const second = await open('/staff');
    await signIn(second.page, admin);
    await second.page.getByRole('heading', { name: 'All orders' }).waitFor();
    const passOn = async (name: string) => {
      const address = await first.page.getByLabel('Address for the second person').inputValue();
      expect(await look(first.page, `staff-${name}-asked`)).toEqual([]);
      await second.page.goto(address);
      await second.page.getByText('You were asked to agree').waitFor();
      expect(await look(second.page, `staff-${name}-to-agree`)).toEqual([]);
    };

    await first.page.getByLabel('Credit to the wallet, EUR').fill('10001');
    await first.page.getByRole('button', { name: 'Credit', exact: true }).click();
    await passOn('credit');
    await second.page.getByRole('button', { name: 'Agree' }).click();
    await second.page.getByText('Katherine Johnson has €10,001.00 in the wallet now.').waitFor();
    await second.page.getByLabel('Credit to the wallet, EUR').waitFor();

    await first.page.reload();
    await first.page.getByRole('button', { name: 'Give €12,000.00 back' }).click();
    await first.page.getByRole('button', { name: 'Yes, give it back' }).click();
    await passOn('refund');

    await first.page.reload();
    await first.page.getByText('Give back a part').click();
    await first.page.getByRole('form', { name: 'Give back a part' }).getByLabel('Piano').check();
    await first.page.getByLabel('Reason').fill('Out of tune');
    await first.page.getByRole('button', { name: 'Give this back' }).click();
    await passOn('give-back');
    await second.page.getByRole('button', { name: 'Give this back' }).click();
    await first.page.getByText('Given back: €12,000.00').waitFor();
    expect([...first.faults, ...second.faults]).toEqual([]);
    await Promise.all([first.context.close(), second.context.close()]);
  }); // prettier-ignore

  test('[LL-12] the page of jobs takes the session of the shop, refuses customers, and ends with the session', async () => {
    const theirs = await open('/jobs');
    await signIn(theirs.page, buyer);
    await theirs.page.getByRole('heading', { name: 'Only for staff' }).waitFor();
    expect(theirs.faults).toEqual([]);
    await theirs.context.close();

    const { page, context, faults } = await open('/staff');
    await signIn(page, operator);
    // The footer has a link of that name for everybody; this one is there after the sign-in.
    await page.locator('a[href="/staff/jobs"]').click();
    await page.getByText(/order\.|payment\./).first().waitFor();
    expect(new URL(page.url()).pathname).toBe('/jobs/');
    await picture(page, 'jobs', 'desktop');
    await picture(page, 'jobs', 'phone');
    expect(faults).toEqual([]);
    // Another tab of the browser needs no other sign-in; signing out there ends both.
    const other = await context.newPage();
    await other.goto(new URL('/staff', page.url()).href);
    await other.getByRole('button', { name: /sign out/i }).click();
    await until(async () => (await page.request.get(new URL('/jobs/api?limit=1', page.url()).href, { headers: { accept: 'application/json' } })).status() === 401, { what: 'the end of the session', timeoutMs: 10_000 }); // prettier-ignore
    await context.close();
  }); // prettier-ignore

  test('[PG-2] staff find, change and make products, and see stock and nights', async () => {
    const { page, context, faults } = await open('/staff/products');
    await signIn(page, operator);
    await page.getByLabel('Name, SKU or description').fill('apron');
    await page.getByRole('link', { name: 'Linen apron' }).waitFor();
    expect(await look(page, 'staff-products')).toEqual([]);
    await page.getByRole('link', { name: 'Linen apron' }).click();
    await page.getByRole('heading', { name: 'Linen apron', level: 1 }).waitFor();
    await page.getByLabel('Counted of Linen apron').fill('31');
    await page.getByRole('button', { name: 'Save the number of Linen apron' }).click();
    await page.getByText('What changed it').click();
    await page.getByText('31 then').first().waitFor();
    await page.getByLabel('Price, EUR').fill('41.50');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('The product is saved.').waitFor();
    await page.getByLabel('Price to compare with').fill('cheap');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    // Told at the field, by the browser.
    expect(await page.evaluate("document.querySelector('input:invalid').validationMessage")).toMatch(/such as 12\.50/);
    expect(await look(page, 'staff-product')).toEqual([]);

    await page.goto(`${platform().url}/staff/products/new`);
    await page.getByLabel('SKU').fill('BOWL-ASH');
    await page.getByLabel('Name', { exact: true }).fill('Ash bowl');
    await page.getByLabel('Description').fill('Turned from one piece.');
    await page.getByLabel('Price, EUR').fill('24');
    await page.getByLabel('Pieces here').fill('3');
    await page.getByRole('button', { name: 'Offer something with it' }).click();
    await page.getByLabel('Add-on', { exact: true }).fill('Gift wrap');
    await page.getByLabel('Its code').fill('wrap');
    await page.getByLabel('Its price, EUR').fill('0.00');
    expect(await look(page, 'staff-new-product')).toEqual([]);
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByRole('heading', { name: 'Ash bowl', level: 1 }).waitFor();

    await page.goto(`${platform().url}/staff/products/${await productId('STAY-LAKE-CABIN')}`);
    await page
      .getByText(/ free$/)
      .first()
      .waitFor();
    expect(await look(page, 'staff-nights')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test('[PG-2] an administrator keeps customers, sees what was done, and finds anything by keyboard', async () => {
    const customer = await register(platform(), 'Emmy Noether');
    const { page, context, faults } = await open('/staff/customers');
    await signIn(page, admin);
    await page.getByLabel('Beginning of a name or mobile number, or an e-mail address').fill('emmy');
    await page.getByText(customer.mobile).waitFor();
    expect(await look(page, 'staff-customers')).toEqual([]);
    await page.getByRole('link', { name: 'Emmy Noether' }).click();
    await page.getByLabel('Credit to the wallet, EUR').fill('7.50');
    await page.getByRole('button', { name: 'Credit', exact: true }).click();
    await page.getByText('€7.50 then').waitFor();
    await page.getByLabel('Merchant').check();
    await page.getByRole('button', { name: 'Set the roles' }).click();
    await page.getByText('The roles are set.').waitFor();
    await page.getByText('Keep Emmy Noether out').click();
    await page.getByLabel('Why', { exact: true }).fill('Chargebacks');
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByText('Suspended', { exact: true }).waitFor();
    await page.getByText('No device.').waitFor();
    expect(await look(page, 'staff-customer')).toEqual([]);
    await page.getByRole('button', { name: 'Let in again' }).click();
    await page.getByText('Active', { exact: true }).waitFor();

    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByText('user.reinstated').first().waitFor();
    expect(await look(page, 'staff-audit-log')).toEqual([]);

    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('emmy');
    await page.getByRole('option', { name: /Emmy Noether/ }).waitFor();
    expect(await look(page, 'staff-palette')).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Emmy Noether' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('heading', { name: 'Keys' }).waitFor();
    expect(await look(page, 'staff-keys')).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Lise Meitner');
    await page.getByLabel('Mobile number', { exact: true }).fill('+49 1512 3456780');
    expect(await look(page, 'staff-invite')).toEqual([]);
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    await page.getByLabel('The code, shown this once').waitFor();

    for (const [name, shown] of [
      ['Refunds', 'Refused by a provider'],
      ['Reconciliation', 'Agree'],
      ['Provider messages', 'Which messages'],
      ['Sagas', 'Which sagas'],
    ] as const) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByText(shown).first().waitFor({ state: 'attached' });
      await page.locator('.skeleton, .loading').first().waitFor({ state: 'detached' });
      expect(await look(page, `staff-${name.toLowerCase().replaceAll(' ', '-')}`)).toEqual([]);
    }

    await page.getByRole('link', { name: 'Webhooks' }).click();
    await page.getByRole('button', { name: 'Add an endpoint' }).click();
    await page.getByLabel('Address').fill('https://127.0.0.1/hook');
    await page.getByLabel(/^order\.paid/).check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    await page.getByLabel('Address').fill('https://hooks.example.com/shop');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByLabel('The endpoint’s secret').waitFor();
    expect(await look(page, 'staff-webhooks')).toEqual([]);
    await page.getByRole('link', { name: 'https://hooks.example.com/shop' }).click();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('webhook.test').first().waitFor();
    expect(await look(page, 'staff-webhook')).toEqual([]);
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByRole('heading', { name: 'Endpoints' }).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('an event that could not be handled is shown, and can be replayed', async () => {
    const { page, context, faults } = await open('/staff/dead-letters');
    await signIn(page, operator);
    await page.getByText('Nothing waits here').waitFor();
    const letterId = await tellOfWrongMoney();
    // The order service gives up after five tries.
    const heading = page.getByRole('heading', { name: /payment\.succeeded/ });
    await until(
      async () => {
        await page.reload();
        await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        return heading.isVisible();
      },
      { timeoutMs: 60_000, what: 'the dead letter' },
    );
    await page.getByText('The whole event').click();
    await page.getByLabel(`Event ${letterId}`).waitFor();
    expect(await look(page, 'staff-dead-letters')).toEqual([]);
    // Its cause is not mended, so it fails once more, and says so.
    await page.getByRole('button', { name: /^Replay/ }).click();
    await page.getByRole('alert').getByText('payment.succeeded in USD for an order in EUR').waitFor();
    await page.getByText(/^6 tries/).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });
});
