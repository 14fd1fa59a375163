import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { Webhook } from 'standardwebhooks';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type MailServer, startMailServer } from '../../support/mail-server.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  type PlacedOrder,
  cards,
  confirm,
  createPayment,
  createProduct,
  dataOf,
  logInAsAdmin,
  newKey,
  operation,
  orderIn,
  pay,
  placeOrder,
  readOrder,
  register,
  watch,
} from '../../support/shop.ts';
import { type SmsGateway, startSmsGateway } from '../../support/sms-gateway.ts';
import { until } from '../../support/until.ts';

type Customer = Person & { readonly email: string };
type Told = {
  id: string;
  seq: number;
  kind: string;
  title: string;
  body: string;
  readAt: string | null;
  order: { number: string } | null;
};

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const today = new Date().toISOString().slice(0, 10);
const [arrival, departure] = [addDays(today, 20), addDays(today, 22)];
const refusals = 'userErrors { __typename ... on UserError { code message } }';

/** What is different from language to language. */
const languages = [
  {
    locale: 'EN',
    paid: 'is paid',
    amount: '€12.50',
    shipped: 'is on its way',
    decided: 'was approved',
    refunded: '€5.00 for order',
    cancelled: 'was cancelled',
    code: 'your check-in code',
    total: 'Total',
    nights: new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(arrival)),
  },
  {
    locale: 'DE',
    paid: 'ist bezahlt',
    amount: '12,50\u00a0€',
    shipped: 'ist unterwegs',
    decided: 'angenommen',
    refunded: '5,00\u00a0€ für Bestellung',
    cancelled: 'wurde storniert',
    code: 'Ihr Check-in-Code',
    total: 'Gesamt',
    nights: new Intl.DateTimeFormat('de', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(arrival)),
  },
] as const;

describe('what customers are told', () => {
  let platform: Platform;
  let root: Connection;
  let mailServer: MailServer;
  let gateway: SmsGateway;
  let staff: Person;
  beforeAll(async () => {
    [mailServer, gateway] = await Promise.all([startMailServer(), startSmsGateway()]);
    platform = await startPlatform({
      shape: 'one',
      env: {
        SMTP_URL: mailServer.url,
        MAIL_FROM: 'Tide & Pine <orders@shop.example>',
        SMS_WEBHOOK_URL: gateway.url,
        SMS_WEBHOOK_SECRET: secret,
        PLACING_WAIT_MS: '20000',
      },
    });
    root = await createConnection({ uri: platform.mysqlUrl });
    staff = await logInAsAdmin(platform);
  }, 150_000);
  afterAll(async () => {
    await root?.end();
    await platform?.stop();
    await Promise.all([mailServer?.close(), gateway?.close()]);
  }, 60_000);

  const run = async <Data = Record<string, never>>(document: string, variables: Record<string, unknown>, by: Person) =>
    dataOf(await platform.gql<Data>(document, variables, { token: by.token }));
  async function customer(locale: string, name = 'Zoë <b>Müller</b>'): Promise<Customer> {
    const person = await register(platform, name);
    const email = `buyer-${person.mobile}@mail.example`;
    const verified = `update ${platform.prefix}_user.user_account set email = ?, verified_email = ? where mobile = ?`;
    await root.query(verified, [email, email, person.mobile]);
    await run('mutation ($locale: Locale) { updateProfile(input: { locale: $locale }) { user { locale } } }', { locale }, person); // prettier-ignore
    return { ...person, email };
  }
  async function paid(buyer: Customer, productId: string): Promise<PlacedOrder> {
    const order = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
    await pay(platform, buyer, order.id);
    await orderIn(platform, buyer, order.id, ['PAID', 'PROCESSING']);
    return order;
  }
  const toldTo = async (person: Person, unreadOnly = false) => {
    const document = 'query ($unreadOnly: Boolean) { me { notifications(first: 50, unreadOnly: $unreadOnly) { totalCount edges { node { id seq kind title body readAt order { number } } } } } }'; // prettier-ignore
    type Found = { me: { notifications: { totalCount: number; edges: { node: Told }[] } } };
    const { notifications } = (await run<Found>(document, { unreadOnly }, person)).me;
    return { count: notifications.totalCount, list: notifications.edges.map(({ node }) => node) };
  };

  it.each(languages)(
    '[LL-10] mails in $locale: paid, shipped, return decided, refunded, cancelled',
    async (words) => {
      const buyer = await customer(words.locale);
      const name = '<script>alert("x")</script> & Söhne';
      const { id: productId } = await createProduct(platform, staff, { name, priceMinor: 1_250 });
      const order = await paid(buyer, productId);

      const receipt = await mailServer.mail(buyer.email, words.paid);
      expect(receipt.from?.value).toEqual([{ name: 'Tide & Pine', address: 'orders@shop.example' }]);
      expect(receipt.subject).toContain(order.number);
      expect(receipt.text).toContain(`1 × ${name}: ${words.amount}`);
      expect(receipt.text).toContain(`${words.total}: ${words.amount}`);
      const link = `http://localhost:${platform.env['PORT']}/orders/${order.id}`;
      expect(receipt.text).toContain(link);
      const page = String(receipt.html);
      expect(page).toContain(`<html lang="${words.locale.toLowerCase()}">`);
      expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; Söhne');
      expect(page).toContain('Zoë &lt;b&gt;Müller&lt;/b&gt;');
      expect(page).not.toMatch(/<script|<b>/);
      expect(page).toContain(`href="${link}"`);

      const shipment = {
        id: order.id,
        carrier: 'DHL',
        trackingNumber: '00340434161094000012',
        idempotencyKey: newKey(),
      };
      await run(operation('fulfil-order'), shipment, staff);
      const shipped = await mailServer.mail(buyer.email, words.shipped);
      expect(shipped.text).toContain('00340434161094000012');
      expect(shipped.text).toContain(`1 × ${name}`);
      expect(String(shipped.html)).toMatch(/href="https:\/\/[^"]*00340434161094000012/);

      const view = await orderIn(platform, buyer, order.id, ['COMPLETED']);
      const asked = await run<{ requestReturn: { orderReturn: { id: string; number: string } } }>(
        `mutation ($orderId: ID!, $lines: [OrderLineQuantityInput!]!, $key: String!) { requestReturn(orderId: $orderId, lines: $lines, reason: "Too small.", idempotencyKey: $key) { orderReturn { id number } ${refusals} } }`,
        { orderId: order.id, lines: [{ lineId: view.lines[0]?.id, quantity: 1 }], key: newKey() },
        buyer,
      );
      await run(
        `mutation ($id: ID!) { decideReturn(returnId: $id, approve: true, reason: "As you wish <3") { ${refusals} } }`,
        { id: asked.requestReturn.orderReturn.id },
        staff,
      );
      const decided = await mailServer.mail(buyer.email, words.decided);
      expect(decided.subject).toContain(asked.requestReturn.orderReturn.number);
      expect(String(decided.html)).toContain('As you wish &lt;3');

      await run(
        `mutation ($input: RefundOrderInput!, $key: String!) { refundOrder(input: $input, idempotencyKey: $key) { ${refusals} } }`,
        { input: { orderId: order.id, amount: { amount: 500, currency: 'EUR' }, reason: 'Scratched.' }, key: newKey() },
        staff,
      );
      expect((await mailServer.mail(buyer.email, words.refunded)).subject).toContain(order.number);

      const second = await paid(buyer, productId);
      await mailServer.mail(buyer.email, second.number);
      await run(operation('cancel-order'), { id: second.id, idempotencyKey: newKey() }, buyer);
      expect((await mailServer.mail(buyer.email, words.cancelled)).subject).toContain(second.number);
      await until(async () => (await toldTo(buyer)).list.length === 7, { what: 'all that is told' });
      const { list } = await toldTo(buyer);
      expect(list.map(({ kind }) => kind).toSorted()).toEqual(
        ['ORDER_CANCELLED', 'ORDER_PAID', 'ORDER_PAID', 'ORDER_REFUNDED', 'ORDER_REFUNDED', 'ORDER_SHIPPED', 'RETURN_DECIDED'], // prettier-ignore
      );
      expect(list.map(({ seq }) => seq)).toEqual([7, 6, 5, 4, 3, 2, 1]);
      expect(list.map((told) => told.order?.number)).toEqual(expect.arrayContaining([order.number, second.number]));
    },
    60_000,
  );

  it.each(languages)(
    '[LL-10] a booking’s guest gets the check-in code by mail and SMS, in $locale',
    async (words) => {
      const guest = await customer(words.locale);
      const room = await createProduct(platform, staff, {
        kind: 'BOOKABLE',
        capacity: 2,
        maxGuests: 2,
        priceMinor: 8_000,
      });
      const line = { productId: room.id, quantity: 1, stayFrom: arrival, stayTo: departure, guests: 2 };
      const order = await placeOrder(platform, guest, [line], { type: 'BOOKING' });
      await pay(platform, guest, order.id);
      const mail = await mailServer.mail(guest.email, words.code);
      type Found = { order: { confirmationCode: string } };
      const { confirmationCode } = (await run<Found>(operation('order'), { id: order.id }, guest)).order;
      expect(confirmationCode).toMatch(/^\w{8}$/);
      expect(mail.text).toContain(confirmationCode);
      expect(String(mail.html)).toContain(`>${confirmationCode}<`);
      expect(mail.text).toContain(words.nights);
      const sms = await until(() => gateway.requests.find(({ body }) => body.includes(guest.mobile)), {
        what: 'an SMS',
      });
      const verified = new Webhook(secret).verify(sms.body, sms.headers as Record<string, string>);
      expect(verified).toMatchObject({
        type: 'sms.send',
        data: { to: `+${guest.mobile}`, kind: 'CHECK_IN_CODE', language: words.locale.toLowerCase() },
      });
      expect((verified as { data: { text: string } }).data.text).toContain(confirmationCode);
      expect(() => new Webhook(`whsec_${randomBytes(32).toString('base64')}`).verify(sms.body, sms.headers as Record<string, string>)).toThrow('No matching signature'); // prettier-ignore
      // The list shows no code: whoever looks over a shoulder doesn't learn it.
      const { list } = await toldTo(guest);
      expect(list.map(({ kind }) => kind)).toEqual(['CHECK_IN_CODE']);
      expect(JSON.stringify(list)).not.toContain(confirmationCode);
      // Staff, who don't see the code, have no way to it by the notification's order.
      expect(await readOrder(platform, staff, order.id)).toMatchObject({ number: order.number });
    },
    40_000,
  );

  it('[LL-10] tells a page live, from where it left off, and counts what is unread', async () => {
    const buyer = await customer('EN', 'Live Lee');
    const { id: productId } = await createProduct(platform, staff);
    const document = 'subscription ($afterSeq: SafeInt) { notifications(afterSeq: $afterSeq) { seq kind title order { number state } } }'; // prettier-ignore
    type News = { notifications: { seq: number; kind: string; title: string; order: { number: string } | null } };
    const live = watch<News>(platform, document, {}, { token: buyer.token });
    const stranger = watch<News>(platform, document, { afterSeq: 0 }, { token: (await customer('EN')).token });
    const nobody = watch<News>(platform, document, {});
    const order = await paid(buyer, productId);
    await until(() => live.results.length === 1, { what: 'the news' });
    expect(live.results[0]?.data?.notifications).toMatchObject({ seq: 1, kind: 'ORDER_PAID', title: `Order ${order.number} is paid`, order: { number: order.number } }); // prettier-ignore
    await live.close();

    const declined = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
    await confirm(platform, await createPayment(platform, buyer, declined.id), cards.declines);
    await until(async () => (await toldTo(buyer)).count === 2, { what: 'the second notification' });
    const later = watch<News>(platform, document, { afterSeq: 1 }, { token: buyer.token });
    await until(() => later.results.length === 1, { what: 'what was missed' });
    expect(later.results[0]?.data?.notifications).toMatchObject({ seq: 2, kind: 'PAYMENT_ACTION_NEEDED' });
    await later.close();

    const [newest] = (await toldTo(buyer, true)).list;
    await run('mutation ($ids: [ID!]!) { markNotificationsRead(ids: $ids) }', { ids: [newest?.id] }, buyer);
    expect(await toldTo(buyer, true)).toMatchObject({ count: 1, list: [{ kind: 'ORDER_PAID', readAt: null }] });
    expect(stranger.results).toEqual([]);
    await stranger.close();
    expect(JSON.stringify(nobody.results.length === 0 ? await nobody.closed : nobody.results)).toContain('UNAUTHENTICATED'); // prettier-ignore
  }, 40_000);

  it.each([
    { point: 'user.sending', arrives: 0 },
    { point: 'user.sent', arrives: 1 },
  ])(
    '[LL-10] sends nothing twice when it is killed at $point: staff see it, and decide',
    async ({ point, arrives }) => {
      const buyer = await customer('EN', 'Kay Killed');
      const { id: productId } = await createProduct(platform, staff);
      const order = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
      await platform.dieAt(point);
      await pay(platform, buyer, order.id).catch(() => undefined);
      await platform.died();
      await platform.restart();
      // As if the time had passed in which the process may have had it.
      const deliveries = `${platform.prefix}_user.notification_delivery`;
      await root.query(`update ${deliveries} set next_try_at = utc_timestamp(3) where state = 'SENDING'`);
      const document = 'query { deadNotifications { totalCount edges { node { id kind user { id } deliveries { channel state attempts lastError } } } } }'; // prettier-ignore
      type Dead = {
        deadNotifications: { totalCount: number; edges: { node: { id: string; user: { id: string } } }[] };
      };
      const dead = await until(
      async () => (await run<Dead>(document, {}, staff)).deadNotifications.edges.find(({ node }) => node.user.id === buyer.id)?.node,
      { timeoutMs: 20_000, what: 'the dead message' },
    ); // prettier-ignore
      expect(dead).toMatchObject({
        kind: 'ORDER_PAID',
        deliveries: [
          { channel: 'IN_APP', state: 'SENT' },
          { channel: 'EMAIL', state: 'DEAD', attempts: 1, lastError: expect.stringContaining('may have been sent') },
        ],
      });
      const mails = () => mailServer.mails.filter((mail) => mail.subject?.includes(order.number)).length;
      expect(mails()).toBe(arrives);

      const retry = `mutation ($id: ID!) { retryNotification(id: $id) { notification { deliveries { channel state } } ${refusals} } }`;
      expect(await run(retry, { id: dead.id }, staff)).toMatchObject({ retryNotification: { userErrors: [] } });
      await until(() => mails() === arrives + 1, { what: 'the mail' });
      await expectCleanAudit(platform);
    },
    90_000,
  );
});
