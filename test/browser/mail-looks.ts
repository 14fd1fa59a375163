import { expect, test } from '@jest/globals';
import pino from 'pino';
import { newId } from '../../subgraphs/shared/values/ids.ts';
import type { Locale } from '../../subgraphs/user/domain/locale.ts';
import { readNotificationConfig } from '../../subgraphs/user/notifications/config.ts';
import { type NotificationKind, codeKinds } from '../../subgraphs/user/notifications/kinds.ts';
import { messageOf } from '../../subgraphs/user/notifications/message.ts';
import { openSenders } from '../../subgraphs/user/notifications/senders.ts';
import { order } from '../subgraphs/user/notifications/order-facts.ts';
import { startMailServer } from '../support/mail-server.ts';
import type { Visiting } from './browser.ts';
import { cutOnSmallPhone, look } from './look.ts';

/** Each mail that has a form of its own; German has the longest words. The third: by night. */
const shown: readonly (readonly [NotificationKind, Locale, boolean])[] = [
  ['ORDER_PAID', 'DE', false], ['ORDER_PAID', 'EN', true], ['CHECK_IN_CODE', 'DE', true], ['ORDER_SHIPPED', 'DE', false],
  ['ORDER_REFUNDED', 'DE', false], ['ORDER_CANCELLED', 'DE', false], ['RETURN_DECIDED', 'DE', false], ['PASSWORD_RESET', 'DE', true],
]; // prettier-ignore
const shop = 'Tide & Pine';
const publicUrl = 'https://shop.example';
const facts = {
  amountMinor: 123_456, currency: 'EUR',   returnNumber: 'RE-261130-7KQ2M9XA-3', approved: true, reason: 'As you wish.',
}; // prettier-ignore
/** A word that a phone can't show in one line beside a price. */
const longest = { title: 'Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz', subtitle: 'gebunden', quantity: 1, stayFrom: null, stayTo: null, subtotal: { amount: 123_456, currency: 'EUR' } }; // prettier-ignore

const parcel = { carrier: 'DHL', trackingNumber: '00340434161094000012', trackingUrl: 'https://track.example/00340434161094000012' }; // prettier-ignore

const messageIn = (kind: NotificationKind, locale: Locale) => {
  const about = codeKinds.some((each) => each === kind) ? null : newId();
  const notification = { id: newId(), userId: newId(), seq: 1, kind, orderId: about, facts: about === null ? {} : { ...facts, ...(kind === 'ORDER_SHIPPED' && parcel) }, createdAt: new Date(), readAt: null }; // prettier-ignore
  const bought = { ...order, lines: [...order.lines, longest] };
  return messageOf({ notification, name: 'Zoë <b>Müller</b>', locale, order: about === null ? null : bought, code: about === null ? '7KQ2-M9XA-3ABC' : null, shop, publicUrl }); // prettier-ignore
};

/** What mail programs show of what a mail server was given, as a browser shows it: by day and by night, on a desktop and on phones. */
export function mailLooks({ open }: Pick<Visiting, 'open'>): void {
  test('[PM-2] mails, as a mail server has them, are readable by day and by night, and fit the smallest phone', async () => {
    const server = await startMailServer();
    const config = readNotificationConfig({ SMTP_URL: server.url, MAIL_FROM: `${shop} <orders@shop.example>` });
    const senders = await openSenders(config, { log: pino({ level: 'silent' }), now: () => new Date(), shop });
    const { page, context } = await open('/');
    await page.goto('about:blank');
    const findings: string[] = [];
    try {
      for (const [kind, locale, isDark] of shown) {
        const to = `${kind}.${locale}@mail.example`.toLowerCase();
        const message = messageIn(kind, locale);
        expect(await senders.get('EMAIL')?.send({ id: newId(), to, message })).toEqual({ outcome: 'SENT' });
        const { html } = await server.mail(to, message.subject);
        await page.emulateMedia({ colorScheme: isDark ? 'dark' : 'light' });
        await page.setContent(String(html));
        const name = `mail-${kind}-${locale}`.toLowerCase();
        findings.push(...(await look(page, name)), ...(await cutOnSmallPhone(page, name)));
      }
      expect(findings).toEqual([]);
    } finally {
      await context.close();
      await Promise.all([...senders.values()].map((sender) => sender.close()));
      await server.close();
    }
  }, 60_000);
}
