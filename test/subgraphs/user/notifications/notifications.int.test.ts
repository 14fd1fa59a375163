import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { idToBytes, newId } from '../../../../subgraphs/shared/values/ids.ts';
import { select } from '../../../../subgraphs/shared/database/database.ts';
import { claimDue } from '../../../../subgraphs/user/notifications/delivery-store.ts';
import { maxTries } from '../../../../subgraphs/user/notifications/deliver.ts';
import { until } from '../../../support/until.ts';
import { addressOf } from '../../../support/mail-server.ts';
import { type Person, viewerWith } from '../support.ts';
import { type NotificationsWorld, openNotificationsWorld, smsSecret } from './notifications-world.ts';

let world: NotificationsWorld;
beforeAll(async () => {
  world = await openNotificationsWorld();
});
afterAll(() => world?.close());
beforeEach(() => {
  world.orders = 'there';
});

const listed = async (person: Person) => {
  const { data } = await world.platform.run('{ me { notifications { totalCount edges { node { id seq kind title body } } } } }', {}, { viewer: person.viewer }); // prettier-ignore
  return data.me.notifications.edges.map(({ node }: { node: Record<string, unknown> }) => node);
};
const mailsTo = (email: string) => world.mailServer.mails.filter((mail) => addressOf(mail) === email);
const smsTo = (mobile: string) => world.gateway.requests.filter(({ body }) => body.includes(mobile));
const paid = { paymentId: newId(), type: 'STANDARD' };

describe('telling', () => {
  it('[LL-10] happens once for each event and person, whatever is told twice', async () => {
    const ada = await world.person();
    const event = world.event('order.paid', ada, paid);
    expect(await world.happens(event)).toBe(true);
    expect(await world.happens(event)).toBe(false);
    // As after the inbox has forgotten it.
    await world.platform.sql('delete from inbox where event_id = unhex(?)', [event.id.replaceAll('-', '')]);
    expect(await world.happens(event)).toBe(true);
    expect(await listed(ada)).toMatchObject([{ kind: 'ORDER_PAID' }]);
    expect(await world.deliveriesOf(ada)).toMatchObject([{ channel: 'EMAIL', state: 'PENDING', attempts: 0 }]);
  });

  it.each([
    ['order.paid', { ...paid, redeemable: true }, 'CHECK_IN_CODE', ['EMAIL', 'SMS']],
    ['order.shipped', { fulfilmentId: newId(), carrier: null, trackingNumber: null, trackingUrl: null }, 'ORDER_SHIPPED', ['EMAIL']], // prettier-ignore
    ['order.delivered', { fulfilmentId: newId() }, 'ORDER_DELIVERED', []],
    ['order.closed', { state: 'CANCELLED', reason: 'CUSTOMER' }, 'ORDER_CANCELLED', ['EMAIL']],
    ['order.closed', { state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' }, 'ORDER_EXPIRED', []],
    ['order.closed', { state: 'REFUNDED', reason: null }, null, []],
    ['order.closed', { state: 'FAILED', reason: 'OUT_OF_STOCK' }, null, []],
    ['order.return_decided', { returnId: newId(), number: 'RE-1', approved: false, reason: null }, 'RETURN_DECIDED', ['EMAIL']], // prettier-ignore
    ['payment.refunded', { refundId: newId(), amountMinor: 500, currency: 'EUR' }, 'ORDER_REFUNDED', ['EMAIL']],
    ['payment.failed', { reason: 'card_declined' }, 'PAYMENT_ACTION_NEEDED', ['EMAIL']],
    ['payment.failed', { reason: 'expired' }, null, []],
    ['payment.awaited', { method: 'BANK_TRANSFER', until: new Date().toISOString(), amountMinor: 1, currency: 'EUR' }, 'PAYMENT_ACTION_NEEDED', ['EMAIL']], // prettier-ignore
    ['payment.awaited', { method: 'STRIPE', until: new Date().toISOString(), amountMinor: 1, currency: 'EUR' }, null, []], // prettier-ignore
  ])('of %s %j is %s', async (type, data, kind, channels) => {
    const ada = await world.person();
    await world.happens(world.event(type, ada, data));
    expect((await listed(ada)).map((told: { kind: string }) => told.kind)).toEqual(kind === null ? [] : [kind]);
    expect((await world.deliveriesOf(ada)).map(({ channel }) => channel)).toEqual(channels);
  });

  it('mails no old news, and tells nobody whose account is gone', async () => {
    const ada = await world.person();
    await world.happens(world.event('order.paid', ada, paid, new Date(Date.now() - 25 * 3_600_000)));
    expect(await listed(ada)).toHaveLength(1);
    expect(await world.deliveriesOf(ada)).toEqual([]);
    const nobody = { id: newId() };
    expect(await world.happens(world.event('order.paid', nobody, paid))).toBe(true);
    expect(await world.deliveriesOf(nobody)).toEqual([]);
    const erased = await world.person();
    await world.platform.sql("update user_account set status = 'ERASED' where mobile = ?", [erased.mobile]);
    expect(await world.happens(world.event('order.paid', erased, paid))).toBe(true);
    expect(await world.platform.sql('select id from notification where user_id = ?', [idToBytes(erased.id)])).toEqual([]); // prettier-ignore
    expect(await world.deliveriesOf(erased)).toEqual([]);
  });

  it('of a product that runs out goes to staff and its seller', async () => {
    const [staff, seller, buyer] = [await world.person(), await world.person(), await world.person()];
    await world.platform.sql("update user_account set highest_role = 'OPERATOR' where mobile = ?", [staff.mobile]);
    const event = world.event('product.low_stock', buyer, { productId: newId(), name: 'Mug', available: 2, sellerId: seller.id }); // prettier-ignore
    await world.happens(event);
    expect([await listed(staff), await listed(seller)]).toMatchObject([[{ kind: 'LOW_STOCK' }], []]);
    // Only a merchant who can act hears of it.
    const setAccount = (status: string) => world.platform.sql("update user_account set roles = 'CUSTOMER,MERCHANT', highest_role = 'MERCHANT', status = ? where mobile = ?", [status, seller.mobile]); // prettier-ignore
    await setAccount('SUSPENDED');
    await world.happens({ ...event, id: newId() });
    await setAccount('ACTIVE');
    expect(await listed(seller)).toEqual([]);
    await world.happens({ ...event, id: newId() });
    expect(await listed(seller)).toMatchObject([{ kind: 'LOW_STOCK', title: 'Mug is running out', body: '2 left.' }]);
    expect(await listed(staff)).toHaveLength(3);
    expect(await listed(buyer)).toEqual([]);
  });

  it('an event that it can’t read fails, and tells nothing', async () => {
    const ada = await world.person();
    await expect(world.happens(world.event('order.closed', ada, { state: 7 }))).rejects.toThrow('expected string');
    expect(await listed(ada)).toEqual([]);
  });
});

describe('sending', () => {
  it('[LL-10] two workers at once send each message once', async () => {
    const people = await Promise.all(Array.from({ length: 12 }, () => world.person()));
    for (const person of people) await world.happens(world.event('order.paid', person, { ...paid, redeemable: true }));
    await world.deliver(4);
    for (const { email, mobile } of people) expect([mailsTo(email).length, smsTo(mobile).length]).toEqual([1, 1]);
    await world.later();
    await world.deliver(2);
    for (const { email, mobile } of people) expect([mailsTo(email).length, smsTo(mobile).length]).toEqual([1, 1]);
    for (const { id } of people)
      expect(await world.deliveriesOf({ id })).toMatchObject([{ state: 'SENT' }, { state: 'SENT' }]);
  }, 30_000);

  it('begins while another worker notes how its message went', async () => {
    const [ada, bob] = [await world.person(), await world.person()];
    for (const person of [ada, bob]) await world.happens(world.event('order.paid', person, paid));
    const row = "from notification_delivery where notification_id = (select id from notification where user_id = ?) and channel = 'EMAIL'"; // prettier-ignore
    await world.platform.sql(`update notification_delivery set next_try_at = utc_timestamp(3) + interval 90 second where notification_id = (select id from notification where user_id = ?)`, [idToBytes(bob.id)]); // prettier-ignore
    await world.withDependencies(({ db }) =>
      db.transaction(async (tx) => {
        await select(tx, `select 1 ${row} for update`, [idToBytes(bob.id)]);
        const lane = { channel: 'EMAIL', isCode: false, name: 'EMAIL' } as const;
        const claimed = await claimDue(db.em(), lane, { claim: newId(), limit: 8, seconds: 0 });
        expect(claimed).toHaveLength(1);
      }),
    );
    await world.later();
    await world.deliver();
  }, 15_000);

  it('[PM-2] is tried again after a refusal that may pass, and given up after eight', async () => {
    const ada = await world.person();
    await world.happens(world.event('order.paid', ada, paid));
    world.mailServer.next({ at: 'recipient', code: 451 }, { at: 'message', code: 452 });
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'FAILED', attempts: 1 }]);
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'FAILED', attempts: 1 }]);
    await world.later();
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'FAILED', attempts: 2 }]);
    await world.later();
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'SENT', attempts: 3, last_error: null }]);
    expect(mailsTo(ada.email)).toHaveLength(1);

    const eve = await world.person();
    await world.happens(world.event('order.paid', eve, paid));
    world.mailServer.next(...Array.from({ length: maxTries }, () => ({ at: 'recipient', code: 451 }) as const));
    for (let tries = 1; tries <= maxTries; tries += 1) {
      await world.later();
      await world.deliver();
    }
    const [dead] = await world.deliveriesOf(eve);
    expect(dead).toMatchObject({ state: 'DEAD', attempts: 8, last_error: expect.stringContaining('no such mailbox') });
    // Servers say whom they refuse; neither the table nor the log is to know.
    expect(dead?.last_error).not.toContain(eve.email);
    await world.later();
    await world.deliver();
    expect(mailsTo(eve.email)).toEqual([]);
  }, 30_000);

  it.each([
    ['a mailbox that there is not', { at: 'recipient', code: 550 }, 'no such mailbox', 0],
    ['a server that hangs up when it has it all', { at: 'hang-up' }, 'may have been sent', 1],
  ] as const)('is given up at once for %s', async (_, mishap, error, given) => {
    const ada = await world.person();
    await world.happens(world.event('order.paid', ada, paid));
    const before = world.mailServer.given();
    world.mailServer.next(mishap);
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'DEAD', attempts: 1, last_error: expect.stringContaining(error) }]); // prettier-ignore
    await world.later();
    await world.deliver();
    expect(world.mailServer.given() - before).toBe(given);
  });

  it('[PM-2] an SMS is signed, has the same id at each try, and is not repeated where the gateway may have taken it', async () => {
    const [ada, eve] = [await world.person({ locale: 'DE' }), await world.person()];
    for (const person of [ada, eve]) {
      await world.happens(world.event('order.paid', person, { ...paid, redeemable: true }));
      await world.platform.sql("delete from notification_delivery where channel = 'EMAIL' and state = 'PENDING'");
    }
    await world.platform.sql("update notification_delivery d join notification n on n.id = d.notification_id set d.next_try_at = null where n.user_id = unhex(?)", [eve.id.replaceAll('-', '')]); // prettier-ignore
    world.gateway.next(503, 429);
    for (let tries = 0; tries < 3; tries += 1) {
      await world.deliver();
      await world.later();
    }
    const requests = smsTo(ada.mobile);
    expect(requests).toHaveLength(3);
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    for (const { body, headers } of requests)
      expect(new Webhook(smsSecret).verify(body, headers as Record<string, string>)).toMatchObject({
        data: { to: `+${ada.mobile}`, text: expect.stringContaining('Ihr Code: 7KQ2M9XA'), language: 'de' },
      });
    await world.platform.sql("update notification_delivery d join notification n on n.id = d.notification_id set d.next_try_at = utc_timestamp(3) where n.user_id = unhex(?)", [eve.id.replaceAll('-', '')]); // prettier-ignore
    world.gateway.next('hang-up');
    await world.deliver();
    await world.later();
    await world.deliver();
    expect(smsTo(eve.mobile)).toHaveLength(1);
    expect(await world.deliveriesOf(eve)).toMatchObject([{ state: 'DEAD', last_error: expect.stringContaining('may have been sent') }]); // prettier-ignore
  });

  it('waits for an order service that is away, which counts as no try; and says nothing of a code that is void', async () => {
    const ada = await world.person();
    await world.happens(world.event('order.paid', ada, { ...paid, redeemable: true }));
    world.orders = 'away';
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'FAILED', attempts: 0 }, { state: 'FAILED', attempts: 0 }]); // prettier-ignore
    world.orders = 'without code';
    await world.later();
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'DEAD', last_error: expect.stringContaining('no valid check-in code') }, { state: 'DEAD' }]); // prettier-ignore
    expect([...mailsTo(ada.email), ...smsTo(ada.mobile)]).toEqual([]);
  });
});

describe('news that has passed', () => {
  it('of a payment is not sent once the order needs none', async () => {
    const [paying, done] = [await world.person(), await world.person()];
    await world.happens(world.event('payment.failed', paying, { reason: 'card_declined' }));
    await world.deliver();
    expect(mailsTo(paying.email)).toHaveLength(1);
    await world.happens(world.event('payment.failed', done, { reason: 'card_declined' }));
    world.orders = 'paid';
    await world.deliver();
    expect(await world.deliveriesOf(done)).toMatchObject([{ state: 'DEAD', attempts: 0, last_error: 'The order needs no payment any more.' }]); // prettier-ignore
    expect(mailsTo(done.email)).toEqual([]);
  });

  it('is not mailed a day after it happened, though the order service was away; staff may send it all the same', async () => {
    const ada = await world.person();
    await world.happens(world.event('order.paid', ada, paid, new Date(Date.now() - 23 * 3_600_000)));
    world.orders = 'away';
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'FAILED', attempts: 0 }]);
    await world.platform.sql('update notification_delivery set expires_at = expires_at - interval 2 hour where expires_at is not null'); // prettier-ignore
    world.orders = 'there';
    await world.later();
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'DEAD', last_error: 'It is too old to be sent.' }]);
    expect(mailsTo(ada.email)).toEqual([]);
    const [told] = await listed(ada);
    const retry = 'mutation ($id: ID!) { retryNotification(id: $id) { userErrors { __typename } } }';
    const { data } = await world.platform.run(retry, { id: told.id }, { viewer: viewerWith('OPERATOR') });
    expect(data.retryNotification.userErrors).toEqual([]);
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'SENT' }]);
    expect(mailsTo(ada.email)).toHaveLength(1);
  });
});

const code = '7KQ2-M9XA-0000';
const enqueueCode = (person: Person & { email: string }, channel: 'EMAIL' | 'SMS', expiresAt: Date) =>
  world.withDependencies((deps) =>
    deps.db.transaction((tx) =>
      deps.codes.enqueue(tx, {
        userId: person.id,
        kind: 'PASSWORD_RESET',
        to: { channel, address: channel === 'EMAIL' ? person.email : person.mobile },
        code,
        expiresAt,
      }),
    ),
  );

describe('one-time codes', () => {
  const soon = () => new Date(Date.now() + 600_000);

  it('go to one address, are sealed until then, and are in no list and no table afterwards', async () => {
    const ada = await world.person({ locale: 'DE' });
    await enqueueCode(ada, 'EMAIL', soon());
    const [waiting] = await world.deliveriesOf(ada);
    expect(waiting?.secret?.length).toBeGreaterThan(code.length);
    expect(waiting?.secret?.includes(code)).toBe(false);
    await world.deliver();
    const [mail] = mailsTo(ada.email);
    expect(mail?.subject).toBe('Ihr Code für ein neues Passwort');
    expect(mail?.text).toContain(code);
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'SENT', secret: null }]);
    const list = await listed(ada);
    expect(list).toMatchObject([{ kind: 'PASSWORD_RESET' }]);
    expect(JSON.stringify(list)).not.toContain('7KQ2');
    await enqueueCode(ada, 'SMS', soon());
    await world.deliver();
    expect(smsTo(ada.mobile)[0]?.body).toContain(code);
  });

  it('that have ended are not sent, and are erased', async () => {
    const ada = await world.person();
    await enqueueCode(ada, 'EMAIL', new Date(Date.now() - 1_000));
    await world.deliver();
    expect(await world.deliveriesOf(ada)).toMatchObject([{ state: 'DEAD', secret: null, last_error: expect.stringContaining('ended') }]); // prettier-ignore
    expect(mailsTo(ada.email)).toEqual([]);
    const [told] = await listed(ada);
    const retry = 'mutation ($id: ID!) { retryNotification(id: $id) { userErrors { __typename } } }';
    const { data } = await world.platform.run(retry, { id: told.id }, { viewer: viewerWith('OPERATOR') });
    expect(data.retryNotification.userErrors).toEqual([{ __typename: 'ConflictError' }]);
  });
});

it('[LL-10] a mail server that stalls holds up no SMS, and no code by mail', async () => {
  const [ada, eve] = [await world.person(), await world.person()];
  const stalled = Promise.withResolvers<void>();
  world.mailServer.next(...Array.from({ length: 8 }, () => ({ at: 'stall', over: stalled.promise }) as const));
  for (let told = 0; told < 9; told += 1) await world.happens(world.event('order.paid', ada, paid));
  const given = world.mailServer.given();
  await world.whileDelivering(async () => {
    await until(() => world.mailServer.given() === given + 8, { what: 'eight mails on their way' });
    await world.happens(world.event('order.paid', eve, { ...paid, redeemable: true }));
    await enqueueCode(eve, 'EMAIL', new Date(Date.now() + 600_000));
    await until(() => smsTo(eve.mobile).length === 1, { what: 'an SMS' });
    await until(() => mailsTo(eve.email).length === 1, { what: 'a mail with a code' });
    expect(mailsTo(eve.email)[0]?.text).toContain(code);
    expect(mailsTo(ada.email)).toEqual([]);
    stalled.resolve();
    await until(() => mailsTo(ada.email).length === 9 && mailsTo(eve.email).length === 2, { what: 'the rest' });
  });
}, 30_000);

describe('reading', () => {
  it('tells why a message failed to staff alone', async () => {
    const ada = await world.person();
    await world.happens(world.event('order.paid', ada, paid));
    world.mailServer.next({ at: 'recipient', code: 550 });
    await world.deliver();
    const deliveries = 'deliveries { channel state lastError }';
    const own = await world.platform.run(`{ me { notifications { edges { node { ${deliveries} } } } } }`, {}, { viewer: ada.viewer }); // prettier-ignore
    expect(own.data.me.notifications.edges[0].node.deliveries).toEqual([
      { channel: 'IN_APP', state: 'SENT', lastError: null },
      { channel: 'EMAIL', state: 'DEAD', lastError: null },
    ]);
    const dead = await world.platform.run(`{ deadNotifications(first: 1) { edges { node { ${deliveries} } } } }`, {}, { viewer: viewerWith('OPERATOR') }); // prettier-ignore
    expect(dead.data.deadNotifications.edges[0].node.deliveries[1].lastError).toContain('no such mailbox');
  });

  it('is for the person alone; staff see what is dead', async () => {
    const [ada, eve] = [await world.person(), await world.person()];
    await world.happens(world.event('order.paid', ada, paid));
    const [told] = await listed(ada);
    const document = 'query ($id: ID!) { user(id: $id) { notifications { totalCount } } }';
    for (const viewer of [eve.viewer, viewerWith('ADMIN')]) {
      const { errors } = await world.platform.run(document, { id: ada.id }, { viewer });
      expect(errors[0]?.code).toBe(viewer === eve.viewer ? 'NOT_FOUND' : 'FORBIDDEN');
    }
    const mark = 'mutation ($ids: [ID!]!) { markNotificationsRead(ids: $ids) }';
    await world.platform.run(mark, { ids: [told.id] }, { viewer: eve.viewer });
    const unread = '{ me { notifications(unreadOnly: true) { totalCount } } }';
    const countFor = async ({ viewer }: Person) => (await world.platform.run(unread, {}, { viewer })).data.me.notifications.totalCount; // prettier-ignore
    expect(await countFor(ada)).toBe(1);
    await world.platform.run(mark, { ids: [told.id, newId(), 'nonsense'] }, { viewer: ada.viewer });
    expect(await countFor(ada)).toBe(0);
    const tooMany = await world.platform.run(mark, { ids: Array.from({ length: 101 }, newId) }, { viewer: ada.viewer });
    expect(tooMany.errors[0]?.code).toBe('BAD_USER_INPUT');
    for (const [viewer, code] of [[undefined, 'UNAUTHENTICATED'], [ada.viewer, 'FORBIDDEN']] as const) {
      const caller = viewer ? { viewer } : {};
      expect((await world.platform.run('{ deadNotifications { totalCount } }', {}, caller)).errors[0]?.code).toBe(code);
      expect((await world.platform.run('mutation { retryNotification(id: "x") { userErrors { __typename } } }', {}, caller)).errors[0]?.code).toBe(code); // prettier-ignore
    }
    const unknown = await world.platform.run('mutation { retryNotification(id: "x") { userErrors { __typename } } }', {}, { viewer: viewerWith('OPERATOR') }); // prettier-ignore
    expect(unknown.data.retryNotification.userErrors).toEqual([{ __typename: 'NotFoundError' }]);
  }); // prettier-ignore

  it('[PM-2] goes page by page, and follows the language of the account', async () => {
    const ada = await world.person({ locale: 'DE' });
    for (let told = 0; told < 5; told += 1) await world.happens(world.event('order.paid', ada, paid));
    const page = 'query ($after: String) { me { locale notifications(first: 2, after: $after) { pageInfo { endCursor hasNextPage } edges { node { seq title } } } } }'; // prettier-ignore
    const seen: number[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { data } = await world.platform.run(page, { after }, { viewer: ada.viewer });
      const { edges, pageInfo } = data.me.notifications;
      seen.push(...edges.map(({ node }: { node: { seq: number } }) => node.seq));
      expect(edges[0].node.title).toMatch(/^Bestellung .* ist bezahlt$/);
      [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
    const change = 'mutation { updateProfile(input: { locale: EN }) { user { locale } userErrors { __typename } } }';
    expect((await world.platform.run(change, {}, { viewer: ada.viewer })).data.updateProfile).toEqual({ user: { locale: 'EN' }, userErrors: [] }); // prettier-ignore
    expect((await listed(ada))[0].title).toMatch(/^Order .* is paid$/);
  });
});
