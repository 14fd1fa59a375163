import { expect, jest, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import {
  createPromotion,
  giveAddress,
  logInAsAdmin,
  newKey,
  newMobile,
  placeOrder as placeByApi,
  createProduct,
  register,
} from '../support/shop.ts';
import { until } from '../support/until.ts';
import { describeInBrowser } from './browser.ts';
import { germanJourney } from './german-journey.ts';
import { look } from './look.ts';
import { mailLooks } from './mail-looks.ts';
import { outsideJourneys } from './outside-journeys.ts';
import { buyer, secondBuyer, signIn } from './people.ts';
import { slowLine } from './slow-line.ts';

jest.setTimeout(240_000);

async function addToCart(page: Page, product: string): Promise<void> {
  await page.getByRole('button', { name: `Add to cart: ${product}` }).click();
  await page.getByText(`${product} is in the cart.`).waitFor();
}

/** Orders what is in the cart and arrives at the payment page. */
async function placeOrder(page: Page): Promise<void> {
  await page.getByRole('link', { name: /^Cart/ }).click();
  await page.getByRole('button', { name: 'Place the order' }).click();
}

async function atPayPage(page: Page): Promise<void> {
  await page.getByText('Time left to pay').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
}

async function payWith(page: Page, card: string): Promise<void> {
  await page.getByLabel('Card number').fill(card);
  await page.getByRole('button', { name: /^Pay / }).click();
}

const farthestTabs = 80;

/** Goes to an element as somebody without a mouse does. */
async function reach(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await target.waitFor();
  for (let tabs = 0; tabs < farthestTabs; tabs += 1) {
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${String(target)} is not reached by ${key}`);
}

/** The operation is done, but the browser never hears of it: once. */
async function loseAnswerOf(page: Page, operation: string): Promise<void> {
  let isLost = false;
  await page.route('**/graphql', async (route) => {
    if (isLost || !route.request().postData()?.includes(`mutation ${operation}`)) {
      await route.continue();
      return;
    }
    isLost = true;
    await route.fetch();
    await route.abort();
  });
}

const paid = (page: Page) => page.getByRole('heading', { name: /^(Paid|Completed)$/ }).waitFor();

describeInBrowser('the storefront in a browser', ({ platform, open, openAs }) => {
  test('[OB-6] [PG-1] a customer registers, orders, pays with 4242… and sees the order paid without a reload; a second tab follows', async () => {
    const { page, context, faults } = await open('/');
    await page.getByText('120 in stock').waitFor();
    expect(await look(page, 'shop')).toEqual([]);
    await page.getByRole('link', { name: 'Stoneware mug' }).click();
    await page.getByRole('button', { name: 'One more' }).click();
    expect(await look(page, 'product')).toEqual([]);
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('link', { name: /^Cart/ }).click();
    await page.getByText('€36.00').first().waitFor();
    // Before anybody has signed in, with the cheapest shipping.
    await page.getByText('€40.90').waitFor();
    expect(await look(page, 'cart')).toEqual([]);
    const fill = (label: string, value: string) => page.getByLabel(label, { exact: true }).fill(value);
    await page.getByLabel('Country').selectOption('DE');
    await fill('Recipient', 'Grace Hopper');
    await fill('Street and number', 'Ring 1');
    await fill('City', 'Berlin');
    await fill('Postal code', '1');
    await page.getByRole('button', { name: 'Ship to this address' }).click();
    await page.getByText('This is not a postal code of Germany.').waitFor();
    expect(await look(page, 'cart-address-refused')).toEqual([]);
    await fill('Postal code', '10115');
    await page.getByRole('button', { name: 'Ship to this address' }).click();
    await page.getByRole('button', { name: 'Change the address' }).waitFor();
    await page.getByLabel(/^Express/).check();
    await page.getByText('€48.90').waitFor();
    expect(await look(page, 'cart-with-address')).toEqual([]);

    // The cart is there after a reload, and in another tab.
    await page.reload();
    const tab = await open('/cart', context);
    for (const each of [page, tab.page]) await each.getByLabel('Quantity of Stoneware mug').waitFor();
    expect(tab.faults).toEqual([]);
    await tab.page.close();
    await page.getByText('10115 Berlin').waitFor();
    await page.getByRole('button', { name: 'Place the order' }).click();
    await page.getByRole('button', { name: 'Create an account' }).click();
    expect(await look(page, 'register')).toEqual([]);
    await page.getByLabel('Name', { exact: true }).fill('Grace Hopper');
    await page.getByLabel('Mobile number').fill(newMobile());
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Create account' }).click();
    await atPayPage(page);
    await page.getByText('of that VAT 19 %').waitFor();
    await page.getByText('10115 Berlin').waitFor();
    await page.getByRole('button', { name: 'Pay €40.90' }).waitFor();
    expect(await look(page, 'pay')).toEqual([]);

    // The same session in another tab, which is never touched again.
    const orderPath = new URL(page.url()).pathname.replace('/pay/', '/orders/');
    const second = await open(orderPath, context);
    await second.page.getByText('Awaiting payment').waitFor();
    await second.page.getByText('Live', { exact: true }).waitFor();

    await payWith(page, '4242424242424242');
    await paid(page);
    await page.getByText('Payment received').waitFor();
    expect(await look(page, 'paid')).toEqual([]);
    await second.page.getByText('Payment received').waitFor();
    expect(await look(second.page, 'order')).toEqual([]);

    await second.page.getByRole('link', { name: '← Your orders' }).click();
    await second.page.getByText('2 × Stoneware mug').waitFor();
    expect(await look(second.page, 'orders')).toEqual([]);
    expect([...faults, ...second.faults]).toEqual([]);
    await context.close();
  });

  test('by the keyboard alone a product is found and ordered; a declined card can be tried again, and paying survives a reload', async () => {
    const { page, context, faults } = await open('/');
    const { keyboard } = page;
    await reach(page, page.getByLabel('Search products'));
    await keyboard.type('olive');
    await page.waitForURL(/q=olive/);
    await reach(page, page.getByRole('button', { name: 'Add to cart: Olive-wood board' }));
    await keyboard.press('Enter');
    await page.getByText('Olive-wood board is in the cart.').waitFor();
    await reach(page, page.getByRole('link', { name: /^Cart/ }), 'Shift+Tab');
    await keyboard.press('Enter');
    // The page that comes begins at its content.
    await page.getByRole('button', { name: 'Place the order' }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('content');
    await reach(page, page.getByLabel('Coupon code'));
    await keyboard.type('none');
    await keyboard.press('Enter');
    await page.getByText('NONE: There is no such coupon.').waitFor();
    await reach(page, page.getByRole('button', { name: 'Remove NONE' }));
    await keyboard.press('Enter');
    await reach(page, page.getByRole('button', { name: 'Place the order' }));
    await keyboard.press('Enter');
    // A dialog has the focus, and gives it back.
    await page.getByLabel('Mobile number').waitFor();
    await keyboard.press('Escape');
    await page.getByLabel('Mobile number').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Place the order');
    await keyboard.press('Enter');
    await keyboard.type(buyer.mobile);
    await keyboard.press('Tab');
    await keyboard.type(buyer.password);
    await keyboard.press('Enter');
    await atPayPage(page);
    await reach(page, page.getByLabel('Card number'));
    await keyboard.type('4000000000000002');
    await keyboard.press('Enter');
    await page.getByText('The payment did not go through.').waitFor();
    expect(await look(page, 'declined')).toEqual([]);
    // The field is where one goes on, and what was refused makes room; the API hears of the decline meanwhile.
    await keyboard.type('5555');
    expect(await page.getByLabel('Card number').inputValue()).toBe('5555');
    await page.getByLabel('Use my wallet').waitFor();
    expect(await page.getByLabel('Card number').inputValue()).toBe('5555');
    await page.reload();
    await atPayPage(page);
    await reach(page, page.getByLabel('Card number'));
    await keyboard.type('4242424242424242');
    await keyboard.press('Enter');
    await paid(page);
    await reach(page, page.getByRole('link', { name: 'See the order' }));
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('a paid order can be cancelled on its page, and its money comes back', async () => {
    const { page, context, faults } = await open('/');
    await addToCart(page, 'Olive-wood board');
    await placeOrder(page);
    await signIn(page, secondBuyer);
    await atPayPage(page);
    await payWith(page, '4242424242424242');
    await paid(page);
    await page.goto(page.url().replace('/pay/', '/orders/'));
    await page.getByText('What you paid goes back by itself.').waitFor();
    expect(await look(page, 'cancel-paid')).toEqual([]);
    await page.getByRole('button', { name: 'Cancel this order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await page.getByText('Given back', { exact: true }).waitFor();
    expect(await look(page, 'cancelled-paid')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test('after a decline the wallet can pay, and the page says what became of the money', async () => {
    const { page, context, faults } = await open('/');
    await addToCart(page, 'Olive-wood board');
    await placeOrder(page);
    await signIn(page, secondBuyer);
    await atPayPage(page);
    await payWith(page, '4000000000000002');
    await page.getByText('The payment did not go through.').waitFor();
    await page.getByLabel('Use my wallet').check();
    expect(await look(page, 'declined-then-wallet')).toEqual([]);
    await page.getByRole('button', { name: 'Pay €46.90 from my wallet' }).click();
    await paid(page);
    expect(await look(page, 'paid-from-wallet')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  slowLine({ platform, open, openAs });
  germanJourney({ platform, open, openAs });

  test('money has the digits of ISO 4217, whatever the browser thinks of its currency', async () => {
    const staff = await logInAsAdmin(platform());
    const made = 'mutation Make($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) { userErrors { __typename } } }';
    for (const [currency, name] of [['HUF', 'Paprika'], ['ISK', 'Lava salt'], ['KWD', 'Dates']] as const) {
      const input = { sku: `MONEY-${currency}`, name, description: 'Made for a test.', price: { amount: 199_900, currency }, initialOnHand: 5 };
      await platform().gql(made, { input, key: newKey() }, { token: staff.token });
    }
    const { page, context, faults } = await open('/?q=Made+for+a+test');
    await page.getByText(/^HUF.1,999\.00$/).waitFor();
    await page.getByText(/^ISK.199,900$/).waitFor();
    await page.getByText(/^KWD.199\.900$/).waitFor();
    expect(await look(page, 'money')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  }); // prettier-ignore

  test('[CH-5] a coupon is taken off before the order is placed, and one that does not count says why', async () => {
    const code = await createPromotion(platform(), await logInAsAdmin(platform()), {
      name: 'Readers’ week',
      usagePerCustomer: 1,
    });
    const { page, context, faults } = await open('/');
    await addToCart(page, 'Slow bread');
    await page.getByRole('link', { name: /^Cart/ }).click();
    const use = async (typed: string) => {
      await page.getByLabel('Coupon code').fill(typed);
      await page.getByRole('button', { name: 'Use the coupon' }).click();
    };
    await use('none');
    await page.getByText('NONE: There is no such coupon.').waitFor();
    await page.getByRole('button', { name: 'Remove NONE' }).click();
    await use(code.toLowerCase());
    await page.getByText(`${code}: counted.`).waitFor();
    await page.getByText('Readers’ week').waitFor();
    await page.getByText('€8.91').waitFor();
    expect(await look(page, 'coupon')).toEqual([]);
    // The order is placed, and has used the coupon up; sent again it is that order, not another one at another price.
    await loseAnswerOf(page, 'PlaceOrder');
    await page.getByRole('button', { name: 'Place the order' }).click();
    await signIn(page, buyer);
    await page.getByText('Pressing the button again repeats the same order').waitFor();
    await page.getByText('€9.90').last().waitFor();
    await page.getByRole('button', { name: 'Place the order' }).click();
    await atPayPage(page);
    await page.getByRole('button', { name: 'Pay €8.91' }).waitFor();
    expect(faults.filter((fault) => !fault.includes('ERR_FAILED'))).toEqual([]);
    await context.close();
  });

  test('a card that wants a confirmation is asked for it and then pays', async () => {
    const { page, context, faults } = await open('/');
    await addToCart(page, 'Slow bread');
    await placeOrder(page);
    await signIn(page, buyer);
    await atPayPage(page);
    await payWith(page, '4000002760003184');
    await page.getByRole('button', { name: /^Confirm / }).click();
    await paid(page);
    expect(faults).toEqual([]);
    await context.close();
  });

  test('an order can be cancelled, and asks first', async () => {
    const { page, context, faults } = await open('/');
    await addToCart(page, 'Beeswax candle');
    await placeOrder(page);
    await signIn(page, buyer);
    await atPayPage(page);
    await page.getByRole('button', { name: 'Cancel this order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await page.getByRole('heading', { name: 'Cancelled' }).waitFor();
    expect(await look(page, 'cancelled')).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test('a stay is booked by its nights, with breakfast, and its code is shown once it is paid', async () => {
    const { page, context, faults } = await open('/?kind=stays');
    await page.getByRole('link', { name: 'Choose dates: Cabin by the lake' }).click();
    await page.getByRole('button', { name: 'Month after' }).click();
    const nights = page.locator('.days button[aria-disabled="false"]');
    await nights.nth(9).waitFor();
    await nights.nth(4).click();
    await nights.nth(4).press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('group', { name: 'Guests' }).getByRole('button', { name: 'One more' }).click();
    await page.getByLabel('Breakfast').check();
    // 2 nights at 119.00, and breakfast at 12.50 for 2 guests and 2 nights.
    await page.getByText('€288.00').waitFor();
    expect(await look(page, 'booking')).toEqual([]);
    await page.getByRole('button', { name: 'Book', exact: true }).click();
    await signIn(page, buyer);
    await atPayPage(page);
    await page.getByText('2 nights, 2 guests').waitFor();
    await page.getByRole('button', { name: 'Pay €288.00' }).waitFor();
    await payWith(page, '4242424242424242');
    await paid(page);
    await page.getByText('Your code for check-in').waitFor();
    expect(await look(page, 'booking-paid')).toEqual([]);

    // The cabin has one room: whoever looks next finds these nights full.
    const other = await open('/?kind=stays');
    await other.page.getByRole('link', { name: 'Choose dates: Cabin by the lake' }).click();
    await other.page.getByRole('button', { name: 'Month after' }).click();
    await other.page
      .getByRole('button', { name: /, full$/ })
      .first()
      .waitFor();
    expect(await other.page.getByRole('button', { name: /, full$/ }).count()).toBe(2);
    expect([...faults, ...other.faults]).toEqual([]);
    await Promise.all([context.close(), other.context.close()]);
  });

  test('a shortage says what is left, and one press takes that', async () => {
    const { page, context, faults } = await open('/');
    await page.getByRole('link', { name: 'Brass desk lamp' }).click();
    await page.getByText('Only 3 left').waitFor();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('link', { name: /^Cart/ }).click();
    await page.getByLabel('Quantity of Brass desk lamp').fill('7');
    await page.getByRole('button', { name: 'Place the order' }).click();
    await signIn(page, buyer);
    await page.getByText('There is not enough left.').waitFor();
    expect(await look(page, 'shortage')).toEqual([]);
    await page.getByRole('button', { name: 'Take what is left' }).click();
    await page.getByRole('button', { name: 'Place the order' }).click();
    await atPayPage(page);
    await page.getByText('3 × €149.00').waitFor();
    expect(faults).toEqual([]);

    // Whoever looks at the shelf sees the last one go.
    const other = await open('/?q=lamp');
    await other.page.getByText('Sold out').waitFor();
    await page.getByRole('button', { name: 'Cancel this order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await other.page.getByText('Only 3 left').waitFor();
    expect(other.faults).toEqual([]);
    await Promise.all([context.close(), other.context.close()]);
  });

  test('the forms of one thing are one card; which of them is chosen on its page, by the keyboard too', async () => {
    const { page, context, faults } = await open('/?category=to-wear');
    await page.getByRole('link', { name: 'Choose: Wool socks' }).click();
    await page.getByText('24 in stock').waitFor();
    expect(await look(page, 'forms')).toEqual([]);
    await page.getByLabel('Oatmeal').press('ArrowRight');
    await page.getByRole('heading', { name: 'Wool socks, moss, 36–39' }).waitFor();
    await page.getByLabel('44–47').click();
    await page.getByText('Sold out', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Add to cart' }).isDisabled()).toBe(true);
    await page.getByRole('link', { name: 'For the home' }).click();
    await page.getByRole('button', { name: 'Kitchen' }).click();
    await page.getByRole('link', { name: 'Stoneware mug' }).waitFor();
    expect(new URL(page.url()).searchParams.get('category')).toBe('kitchen');
    expect(faults).toEqual([]);
    await context.close();
  });

  test('an account changes its profile, its addresses and its password, and signs other devices out', async () => {
    const customer = await register(platform(), 'Ada Lovelace');
    await giveAddress(platform(), customer);
    const { page, context, faults } = await open('/account');
    await signIn(page, customer);
    await page.getByText('Another device').waitFor();
    await page.getByText('Ring 1', { exact: false }).first().waitFor();
    expect(await look(page, 'account')).toEqual([]);
    await page.getByLabel('Name', { exact: true }).fill('Ada King');
    await page.getByRole('button', { name: 'Save the profile' }).click();
    await page.getByRole('link', { name: 'Ada King' }).waitFor();
    await page.getByRole('button', { name: 'Sign it out' }).click();
    await page.getByText('Another device').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Add an address' }).click();
    await page.getByLabel('Country').selectOption('US');
    await page.getByLabel('Street and number').fill('1 Main Street');
    await page.getByLabel('City').fill('Albany');
    await page.getByLabel('Region').selectOption('NY');
    await page.getByLabel('Postal code').fill('12207');
    expect(await look(page, 'account-address')).toEqual([]);
    await page.getByRole('button', { name: 'Save the address' }).click();
    await page.getByRole('button', { name: 'Make it the default for 1 Main Street' }).click();
    await page.getByRole('button', { name: 'Make it the default for Ring 1' }).waitFor();
    await page.getByLabel('Password until now').fill('not this one');
    await page.getByLabel('New password').fill('a staple of batteries');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    await page.getByLabel('Password until now').fill(customer.password);
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('Your password is changed.').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('a search is in the address, and an empty one says what to do', async () => {
    const { page, context, faults } = await open('/?q=kettle&sort=name');
    await page.getByRole('link', { name: 'Enamel kettle' }).waitFor();
    expect(await page.locator('.product').count()).toBe(1);
    await page.getByLabel('Search products').fill('unicorn');
    await page.getByText('Nothing found').waitFor();
    expect(new URL(page.url()).searchParams.get('q')).toBe('unicorn');
    expect(await look(page, 'nothing-found')).toEqual([]);
    await page.getByRole('button', { name: 'Show everything' }).click();
    await page.getByText('Stoneware mug').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('somebody else’s order is not shown, and pages that need a sign-in ask for it', async () => {
    const { page, context, faults } = await open('/orders/01890000-0000-7000-8000-000000000000');
    expect(await look(page, 'sign-in-first')).toEqual([]);
    await signIn(page, buyer);
    await page.getByRole('heading', { name: 'No such order' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Mobile number').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('a session that the server ends is told of, and the cart waits; a part of the page that does not load says so', async () => {
    const customer = await register(platform(), 'Ada Lovelace');
    const { page, context, faults } = await open('/');
    await addToCart(page, 'Slow bread');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await signIn(page, customer);
    await page.getByRole('link', { name: /^Cart/ }).click();
    await page.getByText('Tell us something about this order').click();
    await page.getByLabel('Remark').fill('Ring twice');
    const ended = await platform().gql('mutation { revokeAllSessions { user { id } } }', {}, { token: customer.token });
    expect(ended.errors).toBeUndefined();
    const told = page.getByText('Your session has ended.').waitFor();
    // The page may hear of it by itself before the button is pressed.
    await Promise.race([told, page.getByRole('button', { name: 'Place the order' }).click()]);
    await told;
    expect(await page.getByText('Your cart is empty').count()).toBe(0);
    expect(await look(page, 'session-ended')).toEqual([]);
    await signIn(page, customer);
    await page.getByLabel('Quantity of Slow bread').waitFor();
    expect(await page.getByLabel('Remark').inputValue()).toBe('Ring twice');
    expect(await page.getByText('Your session has ended.').count()).toBe(0);

    const part = '**/assets/account-page-*.js';
    await page.route(part, (route) => route.abort());
    await page.getByRole('link', { name: 'Ada Lovelace' }).click();
    await page.getByText('This part of the page could not be shown.').waitFor();
    expect(await look(page, 'part-missing')).toEqual([]);
    // The rest works.
    await page.getByRole('link', { name: 'Shop', exact: true }).first().click();
    await page.getByRole('link', { name: 'Stoneware mug' }).waitFor();
    await page.getByRole('link', { name: 'Ada Lovelace' }).click();
    await page.unroute(part);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByLabel('New password').waitFor();
    expect(faults.filter((fault) => !/ERR_FAILED|401|dynamically imported|4401/.test(fault))).toEqual([]);
    await context.close();
  });

  test('too much that is not paid yet is told with a way to one’s orders; a card that is only authorised says who waits for what', async () => {
    await platform().terminate();
    await platform().restart({
      OPEN_ORDERS_PER_CUSTOMER: '1',
      PAYMENT_CAPTURE: 'manual',
      BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051',
      BANK_TRANSFER_HOLDER: 'Good things Ltd',
    });
    const customer = await register(platform(), 'Ada Lovelace');
    await giveAddress(platform(), customer);
    const product = await createProduct(platform(), await logInAsAdmin(platform()), { name: 'Wooden spoon' });
    await placeByApi(platform(), customer, [{ productId: product.id, quantity: 1 }]);
    const { page, context, faults } = await open('/?q=Wooden+spoon');
    await addToCart(page, 'Wooden spoon');
    await placeOrder(page);
    await signIn(page, customer);
    await page.getByText('There is too much that is not paid yet.').waitFor();
    expect(await look(page, 'open-order-limit')).toEqual([]);
    await page.getByRole('link', { name: 'See your orders' }).click();
    await page.getByText('Awaiting payment').waitFor();
    await page.getByRole('link', { name: /Wooden spoon/ }).click();
    await page.getByRole('link', { name: 'Pay now' }).click();
    await atPayPage(page);
    // A transfer is chosen, and then thought better of.
    await page.getByLabel('Bank transfer').check();
    await page.getByRole('button', { name: 'Use a bank transfer' }).click();
    await page.getByText('DE02120300000000202051').waitFor();
    expect(await look(page, 'bank-transfer')).toEqual([]);
    await page.reload();
    await page.getByRole('button', { name: 'Copy the reference' }).waitFor();
    await page.getByRole('button', { name: 'Pay in another way' }).click();
    await page.getByLabel('Card', { exact: true }).waitFor();
    await payWith(page, '4242424242424242');
    await page.getByRole('heading', { name: 'Authorised' }).waitFor();
    expect(await look(page, 'authorised')).toEqual([]);
    await page.getByRole('link', { name: '← The order' }).click();
    await page.getByText(/set €17\.40 aside for this order/).waitFor();
    expect(await look(page, 'authorised-order')).toEqual([]);
    // The rest of what is captured in part is for another payment.
    const { token } = await logInAsAdmin(platform());
    const orderId = page.url().split('/').at(-1);
    const held = await platform().gql<{ order: { payments: { id: string; state: string }[] } }>('query ($orderId: ID!) { order(id: $orderId) { payments { id state } } }', { orderId }, { token }); // prettier-ignore
    const paymentId = held.data?.order.payments.find(({ state }) => state === 'AUTHORIZED')?.id;
    const capture = 'mutation ($paymentId: ID!, $amount: MoneyInput!, $key: String!) { capturePayment(paymentId: $paymentId, amount: $amount, idempotencyKey: $key) { userErrors { __typename } } }'; // prettier-ignore
    const captured = await platform().gql(capture, { paymentId, amount: { amount: 1_000, currency: 'EUR' }, key: newKey() }, { token }); // prettier-ignore
    expect(captured.data).toEqual({ capturePayment: { userErrors: [] } });
    await page.getByRole('link', { name: 'Pay now' }).click();
    await page.getByText('€7.40').first().waitFor();
    await payWith(page, '4242424242424242');
    await page.getByRole('heading', { name: 'Authorised' }).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('[PM-1] a forgotten password is set anew by a code that is sent, and the customer is signed in', async () => {
    const ada = await register(platform(), 'Ada Lovelace');
    const codes = () =>
      platform()
        .logs()
        .match(/\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}\b/g) ?? [];
    const before = codes().length;
    const { page, context, faults } = await open('/orders');
    await page.getByLabel('Mobile number').fill(ada.mobile);
    expect(await look(page, 'sign-in')).toEqual([]);
    await page.getByRole('button', { name: 'Forgot your password?' }).click();
    expect(await look(page, 'forgot-password')).toEqual([]);
    await page.getByRole('button', { name: 'Send a code' }).click();
    await page.getByText('a code is on its way').waitFor();
    // Development, where nothing sends, has it in the log.
    const code = await until(() => codes()[before], { what: 'a code' });
    await page.getByLabel('Code').fill('AAAA-BBBB-CCCC');
    await page.getByLabel('New password').fill('staple battery horse');
    await page.getByRole('button', { name: 'Set password and sign in' }).click();
    await page.getByText('The code is wrong, or it has ended.').waitFor();
    expect(await look(page, 'reset-password')).toEqual([]);
    await page.getByLabel('Code').fill(code.toLowerCase());
    await page.getByRole('button', { name: 'Set password and sign in' }).click();
    await page.getByText('No orders here').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('[PM-1] somebody who was invited sets a password by the code, and is signed in', async () => {
    const { token } = await logInAsAdmin(platform());
    const mobile = newMobile();
    const invite = 'mutation ($mobile: String!) { inviteUser(name: "Mona", mobile: $mobile, roles: [CUSTOMER, MERCHANT]) { code } }'; // prettier-ignore
    const { data } = await platform().gql<{ inviteUser: { code: string } }>(invite, { mobile }, { token });
    const { page, context, faults } = await open('/orders');
    await page.getByRole('button', { name: 'Forgot your password?' }).click();
    await page.getByRole('button', { name: 'I have a code' }).click();
    await page.getByLabel('Mobile number').fill(mobile);
    await page.getByLabel('Code').fill(data?.inviteUser.code ?? '');
    await page.getByLabel('New password').fill('staple battery horse');
    expect(await look(page, 'invited')).toEqual([]);
    await page.getByRole('button', { name: 'Set password and sign in' }).click();
    await page.getByText('No orders here').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  outsideJourneys({ platform, open, openAs });

  mailLooks({ open });

  test('who lets the time run out sees the order expire', async () => {
    await platform().terminate();
    await platform().restart({ PAYMENT_WINDOW_SECONDS: '4' });
    const { page, context, faults } = await open('/');
    await addToCart(page, 'Tea canister');
    await placeOrder(page);
    await signIn(page, buyer);
    await page.getByRole('heading', { name: 'Expired' }).waitFor();
    expect(await look(page, 'expired')).toEqual([]);
    await page.getByRole('link', { name: '← The order' }).click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    await page.getByText('Expired').nth(1).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });
});
