import { expect, jest, test } from '@jest/globals';
import { dataOf, logInAsAdmin, newMobile } from '../support/shop.ts';
import { describeInBrowser } from './browser.ts';
import { look } from './look.ts';

jest.setTimeout(240_000);

describeInBrowser('a shop that ships and taxes, in a browser', ({ platform, open }) => {
  test('[OB-6] asks for an address and a method, shows the whole price before it is ordered, and keeps it with the order', async () => {
    const staff = await logInAsAdmin(platform());
    const save = async (document: string, input: object) => dataOf(await platform().gql(document, { input }, { token: staff.token })); // prettier-ignore
    const euros = (amount: number) => ({ amount, currency: 'EUR' });
    const method = 'mutation ($input: ShippingMethodInput!) { saveShippingMethod(input: $input) { userErrors { ... on UserError { message } } } }'; // prettier-ignore
    await save(method, { code: 'parcel', name: 'Parcel', countries: ['DE'], rates: [{ price: euros(490) }], minDays: 1, maxDays: 3 }); // prettier-ignore
    await save(method, { code: 'express', name: 'Express', countries: ['DE'], rates: [{ price: euros(1_290) }], maxDays: 1 }); // prettier-ignore
    await save('mutation ($input: TaxRateInput!) { saveTaxRate(input: $input) { userErrors { ... on UserError { message } } } }', { countryCode: 'DE', name: 'VAT 19 %', ratePpm: 190_000 }); // prettier-ignore

    const { page, context, faults } = await open('/');
    await page.getByRole('button', { name: 'Add to cart: Olive-wood board' }).click();
    await page.getByText('Olive-wood board is in the cart.').waitFor();
    await page.getByRole('link', { name: /^Cart/ }).click();
    // 42.00 and the cheapest shipping, before anybody has signed in.
    await page.getByText('€46.90').waitFor();
    expect(await look(page, 'cart-with-shipping')).toEqual([]);
    const fill = (label: string, value: string) => page.getByLabel(label, { exact: true }).fill(value);
    await fill('Recipient', 'Ada Lovelace');
    await fill('Street and number', 'Ring 1');
    await fill('Postal code', '1');
    await fill('City', 'Berlin');
    await fill('Country code, e.g. DE', 'de');
    await page.getByRole('button', { name: 'Ship to this address' }).click();
    await page.getByText('This is not a postal code of Germany.').waitFor();
    await page.getByRole('button', { name: 'Change the address' }).click();
    await fill('Recipient', 'Ada Lovelace');
    await fill('Street and number', 'Ring 1');
    await fill('Postal code', '10115');
    await fill('City', 'Berlin');
    await fill('Country code, e.g. DE', 'DE');
    await page.getByRole('button', { name: 'Ship to this address' }).click();
    await page.getByText('Ship to Ada Lovelace, Ring 1, 10115 Berlin, DE.').waitFor();
    await page.getByLabel('Express, €12.90, 1 day').check();
    await page.getByText('€54.90').waitFor();
    expect(await look(page, 'cart-with-address')).toEqual([]);

    await page.getByRole('button', { name: 'Place the order' }).click();
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace');
    await page.getByLabel('Mobile number').fill(newMobile());
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('Time left to pay').waitFor();
    await page.getByText('Shipping: Express').waitFor();
    await page.getByText('of that VAT 19 %').waitFor();
    await page.getByText('10115 Berlin').waitFor();
    await page.getByRole('button', { name: 'Pay €54.90' }).waitFor();
    expect(await look(page, 'pay-with-shipping')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
