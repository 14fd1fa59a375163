import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import type { Page } from 'playwright-core';
import { giveAddress, logInAsAdmin, newKey, placeOrder, register } from '../support/shop.ts';
import { until } from '../support/until.ts';
import type { Visiting } from './browser.ts';
import { look } from './look.ts';
import { type OutsideWorld, openOutsideWorld } from './outside-world.ts';
import { signIn } from './people.ts';

const startTimeoutMs = 120_000;
const paid = (page: Page) => page.getByRole('heading', { name: /^(Paid|Completed)$/ }).waitFor();

/** What leads to other companies' systems and back: ways to pay, and ways to sign in. */
export function outsideJourneys({ platform, open }: Visiting): void {
  describe('with other companies’ systems', () => {
    let world: OutsideWorld;
    beforeAll(async () => {
      world = await openOutsideWorld(platform());
    }, startTimeoutMs);
    afterAll(() => world?.close());

    /** A download in this currency: each method takes its own. */
    async function sell(currency: string): Promise<string> {
      const staff = await logInAsAdmin(platform());
      const made = 'mutation Make($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) { product { id } } }'; // prettier-ignore
      const input = { sku: `OUTSIDE-${newKey().slice(0, 12)}`, kind: 'DIGITAL', name: `Recipe in ${currency}`, description: 'Made for a test.', price: { amount: 1_250, currency } }; // prettier-ignore
      const { data } = await platform().gql<{ createProduct: { product: { id: string } } }>(made, { input, key: newKey() }, { token: staff.token }); // prettier-ignore
      return data?.createProduct.product.id ?? '';
    }
    /** Somebody with an order of this currency, at its payment page. */
    async function atPayPage(currency: string) {
      const productId = await sell(currency);
      const customer = await register(platform(), 'Grace Hopper');
      await giveAddress(platform(), customer);
      const order = await placeOrder(platform(), customer, [{ productId, quantity: 1 }], { currency });
      const visit = await open(`/pay/${order.id}`);
      await signIn(visit.page, customer);
      await visit.page.getByText('Time left to pay').waitFor();
      return { ...visit, customer, orderId: order.id };
    }
    /** The simulated card is left alone: these are the others. */
    const choose = (page: Page, method: string) => page.getByLabel(method, { exact: true }).check();

    test('Stripe’s form takes a card: one that is declined, one that pays, and its script may be away', async () => {
      const { page, context, faults } = await atPayPage('EUR');
      const label = 'Card and more, by Stripe';
      await choose(page, label);
      expect(await look(page, 'pay-methods')).toEqual([]);
      world.stripeScript.blocked = true;
      await page.getByRole('button', { name: 'Pay €12.50' }).click();
      await page.getByText('The form of Stripe did not load.').waitFor();
      expect(await look(page, 'pay-stripe-away')).toEqual([]);
      world.stripeScript.blocked = false;
      await page.getByRole('button', { name: 'Try again' }).click();
      const card = page.frameLocator('iframe').getByLabel('Card number');
      const type = async (number: string) => {
        await Promise.all([page.waitForResponse((answer) => answer.url().includes('/typed')), card.fill(number)]);
      };
      await page.getByRole('button', { name: 'Pay €12.50' }).click();
      await page.getByText('Your card number is incomplete.').waitFor();
      await type('4000000000000002');
      expect(await look(page, 'pay-stripe')).toEqual([]);
      await page.getByRole('button', { name: 'Pay €12.50' }).click();
      // Stripe says so at once; the API offers another try when it has heard of it.
      await page.getByText('The payment did not go through.').first().waitFor();
      await page.getByText(label, { exact: true }).waitFor();
      expect(await look(page, 'pay-stripe-declined')).toEqual([]);
      await page.getByRole('button', { name: 'Pay €12.50' }).click();
      await type('4242424242424242');
      // It goes through, but nobody hears of it: no word that nothing was charged, and no form to pay with again.
      world.stripeScript.lost = true;
      world.stripe.webhooks.held = true;
      await page.getByRole('button', { name: 'Pay €12.50' }).click();
      await page.getByText('We can’t tell yet whether the payment went through.').waitFor();
      expect(await page.getByText('Nothing was charged').count()).toBe(0);
      expect(await look(page, 'pay-stripe-unsure')).toEqual([]);
      world.stripeScript.lost = false;
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('Waiting for the payment to be confirmed…').waitFor();
      await page.reload();
      await page.getByText('Waiting for the payment to be confirmed…').waitFor();
      expect(await page.getByRole('button', { name: /^Pay €/ }).count()).toBe(0);
      expect(await look(page, 'pay-stripe-sent')).toEqual([]);
      world.stripe.webhooks.held = false;
      await paid(page);
      const { origin } = world.stripeScript;
      // The script that was away is told by the browser too.
      expect(
        faults.filter((fault) => !fault.startsWith(origin) && !/404|ERR_CONNECTION_RESET|ERR_EMPTY/.test(fault)),
      ).toEqual([]);
      await context.close();
    });

    test('Alipay’s page is gone to and come back from; WeChat’s code is shown and scanned', async () => {
      const { page, context, faults, orderId } = await atPayPage('CNY');
      await choose(page, 'WeChat Pay');
      await page.getByRole('button', { name: 'Show the code' }).click();
      await page.getByRole('img', { name: 'QR code for WeChat Pay' }).waitFor();
      expect(await look(page, 'pay-wechat')).toEqual([]);
      // Thought better of: by Alipay, whose page leads back here.
      await page.getByRole('button', { name: 'Pay in another way' }).click();
      await choose(page, 'Alipay');
      await page.getByRole('button', { name: 'Go on to Alipay' }).click();
      await page.waitForURL((url) => url.href.startsWith(world.alipay.gatewayUrl));
      const trade = await until(() => [...world.alipay.trades.keys()].at(-1), { what: 'a trade' });
      await page.goto(`${platform().url}/pay/${orderId}?out_trade_no=${trade}&sign=x`);
      await page.getByText('Once you have paid at Alipay, this page tells you.').waitFor();
      expect(new URL(page.url()).search).toBe('');
      expect(await look(page, 'pay-alipay-back')).toEqual([]);
      expect(world.alipay.pay(trade)).toBe(true);
      await paid(page);
      const other = await atPayPage('CNY');
      await choose(other.page, 'WeChat Pay');
      await other.page.getByRole('button', { name: 'Show the code' }).click();
      await other.page.getByRole('img', { name: 'QR code for WeChat Pay' }).waitFor();
      expect(world.wechat.pay([...world.wechat.orders.keys()].at(-1) ?? '')).toBe(true);
      await paid(other.page);
      const ours = (fault: string) => !fault.startsWith(new URL(world.alipay.gatewayUrl).origin);
      expect([...faults, ...other.faults].filter(ours)).toEqual([]);
      await Promise.all([context.close(), other.context.close()]);
    });

    test('what was begun in WeChat’s mini program is paid there: the page says so, and sees it paid', async () => {
      const { page, context, faults, customer, orderId } = await atPayPage('CNY');
      const openid = `o${newKey().replaceAll('-', '')}`;
      const database = await createConnection({ uri: platform().mysqlUrl });
      const row = `insert into ${platform().prefix}_user.user_identity (type, issuer, subject, user_id, linked_at) values ('WX_MINI', ?, ?, unhex(?), utc_timestamp(3))`; // prettier-ignore
      await database.query(row, [world.wechatAppId, openid, customer.id.replaceAll('-', '')]);
      await database.end();
      const begin = 'mutation Begin($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { payment { attempts { clientParams } } } }'; // prettier-ignore
      const input = { orderId, method: 'WECHAT_PAY', tradeType: 'JSAPI' };
      type Begun = { createPayment: { payment: { attempts: { clientParams: Record<string, string> }[] } } };
      const { data } = await platform().gql<Begun>(begin, { input, key: newKey() }, { token: customer.token });
      await page.reload();
      await page.getByText('You began to pay in WeChat').waitFor();
      expect(await look(page, 'pay-wechat-mini-program')).toEqual([]);
      await page.getByRole('button', { name: 'Pay in another way' }).waitFor();
      expect(world.wechat.requestPayment(data?.createPayment.payment.attempts[0]?.clientParams ?? {}, openid)).toBe(true); // prettier-ignore
      await paid(page);
      expect(faults).toEqual([]);
      await context.close();
    });

    test('[PM-1] a customer signs in at an OpenID provider, and is back where the sign-in was asked for', async () => {
      const { issuer } = world;
      issuer.person = { sub: 'grace', name: 'Grace Hopper' };
      const { page, context, faults } = await open('/wallet');
      await page.getByRole('button', { name: 'Continue with Example ID' }).waitFor();
      expect(await look(page, 'sign-in-oidc')).toEqual([]);
      await page.getByRole('button', { name: 'Continue with Example ID' }).click();
      await page.getByText('Grace Hopper').first().waitFor();
      expect(new URL(page.url()).pathname).toBe('/wallet');
      // What somebody sends leads nowhere: this tab has begun no such sign-in.
      await page.goto(`${platform().url}/sign-in/callback?code=planted&state=planted`);
      await page.getByText('It was begun elsewhere').waitFor();
      expect(new URL(page.url()).search).toBe('');
      expect(await look(page, 'sign-in-refused')).toEqual([]);
      expect(faults.filter((fault) => !fault.startsWith(issuer.issuer))).toEqual([]);
      await context.close();
    });

    test('[PM-1] an account links a way to sign in, and takes it off again with its password', async () => {
      const { issuer } = world;
      issuer.person = { sub: 'ada', name: 'Ada Lovelace' };
      const customer = await register(platform(), 'Ada Lovelace');
      const { page, context, faults } = await open('/account');
      await signIn(page, customer);
      await page.getByRole('button', { name: 'Link Example ID' }).click();
      await page.getByRole('button', { name: 'Unlink Example ID' }).click();
      expect(await look(page, 'account-unlink')).toEqual([]);
      await page.getByRole('form', { name: 'Unlink' }).getByLabel('Your password').fill(customer.password);
      await page.getByRole('button', { name: 'Yes, unlink it' }).click();
      await page.getByRole('button', { name: 'Link Example ID' }).waitFor();
      expect(faults.filter((fault) => !fault.startsWith(issuer.issuer))).toEqual([]);
      await context.close();
    });
  });
}
