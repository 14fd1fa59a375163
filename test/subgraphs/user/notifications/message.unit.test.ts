import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConfigError } from '../../../../subgraphs/shared/process/env.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { readNotificationConfig } from '../../../../subgraphs/user/notifications/config.ts';
import { formatOf } from '../../../../subgraphs/user/notifications/format.ts';
import { Html, html } from '../../../../subgraphs/user/notifications/html.ts';
import { kinds } from '../../../../subgraphs/user/notifications/kinds.ts';
import { locales } from '../../../../subgraphs/user/domain/locale.ts';
import { mailOf } from '../../../../subgraphs/user/notifications/mail.ts';
import { messageOf, textOf } from '../../../../subgraphs/user/notifications/message.ts';
import { openSealer } from '../../../../subgraphs/user/notifications/secrets.ts';
import { outwardChannels, shopName } from '../../../../subgraphs/user/notifications/senders.ts';
import { order } from './order-facts.ts';

describe('HTML of a template', () => {
  test('escapes every value, in texts and attributes', () => {
    const evil = `<img src=x onerror="alert('x')">&`;
    expect(html`<a title="${evil}">${evil}</a>`.text).toBe(
      '<a title="&lt;img src=x onerror=&quot;alert(&#39;x&#39;)&quot;&gt;&amp;">&lt;img src=x onerror=&quot;alert(&#39;x&#39;)&quot;&gt;&amp;</a>',
    );
  });

  test('leaves its own HTML, joins lists and leaves out null', () => {
    const lines = ['a', '<b>'].map((line) => html`<i>${line}</i>`);
    expect(html`<b>${lines}${null}${3}</b>`.text).toBe('<b><i>a</i><i>&lt;b&gt;</i>3</b>');
  });

  test('no text whatsoever becomes markup', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', ';', 'a', '/') }), (text) => {
        const { text: made } = html`<p title="${text}">${text}</p>`;
        expect(made.match(/[<>"']/g)?.join('')).toBe('<"">'.concat('<>'));
        expect(made).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('texts', () => {
  const facts = {
    number: 'ST-1', amountMinor: 123_456, currency: 'EUR', carrier: 'DHL', trackingNumber: '0034',
    returnNumber: 'RE-1', approved: true, until: '2026-12-24T18:00:00.000Z', product: 'Mug', available: 1_500,
  }; // prettier-ignore

  test.each(locales.flatMap((locale) => kinds.map((kind) => ({ locale, kind }))))(
    '[PM-2] of $kind in $locale say something, with facts and without',
    ({ locale, kind }) => {
      for (const given of [facts, {}]) {
        const { title, body } = textOf({ kind, facts: given }, locale);
        expect(`${title} ${body}`).not.toMatch(/undefined|null|NaN| {2}/);
        expect(title.length).toBeGreaterThan(5);
        expect(body.length).toBeGreaterThan(5);
      }
    },
  );

  test('amounts and dates are as people of the language write them, with the digits of ISO 4217', () => {
    const [english, german] = [formatOf('EN'), formatOf('DE')];
    expect(english.money(123_456, 'EUR')).toBe('€1,234.56');
    expect(german.money(123_456, 'EUR')).toBe('1.234,56\u00a0€');
    expect(english.money(500, 'JPY')).toBe('¥500');
    expect(english.money(-1_050, 'HUF')).toBe('-HUF\u00a010.50');
    expect(german.money(9_007_199_254_740_991, 'EUR')).toBe('90.071.992.547.409,91\u00a0€');
    expect(english.day('2026-12-24')).toBe('December 24, 2026');
    expect(german.moment('2026-12-24T18:00:00.000Z')).toBe('24. Dezember 2026 um 18:00 UTC');
    expect(textOf({ kind: 'PAYMENT_ACTION_NEEDED', facts }, 'DE').body).toContain(
      '1.234,56\u00a0€ bis 24. Dezember 2026',
    );
  });

  test('a mail has its parts in plain text and in HTML, and what an order is called in its subject', () => {
    const notification = { id: newId(), userId: newId(), seq: 1, kind: 'ORDER_PAID', orderId: newId(), facts: {}, createdAt: new Date(), readAt: null } as const; // prettier-ignore
    const shop = 'Tide & Pine';
    const given = { notification, name: 'Ada', locale: 'EN', order, code: null, shop, publicUrl: 'https://shop.example' } as const; // prettier-ignore
    const mail = mailOf(messageOf(given), shop);
    expect(mail.subject).toBe(`Order ${order.number} is paid`);
    expect(mail.text).toContain('Discount: -€2.00');
    expect(mail.text).toContain('Tax included: €2.08');
    expect(mail.text).toContain('Ships to:\nAda Lovelace\n1 Analytical Way');
    expect(mail.html).toContain('Tide &amp; Pine');
    for (const { title } of order.lines) expect(mail.html).toContain(html`${title}`.text);
    expect(new Html('<b>').text).toBe('<b>');
  });

  test.each(locales)('a mail that may go to a stranger has no text of the account, in %s', (locale) => {
    const name = 'WIN A PRIZE at evil.example';
    for (const kind of ['EMAIL_VERIFICATION', 'INVITATION', 'PASSWORD_RESET'] as const) {
      const notification = { id: newId(), userId: newId(), seq: 1, kind, orderId: null, facts: {}, createdAt: new Date(), readAt: null }; // prettier-ignore
      const given = { notification, name, locale, order: null, code: 'ABCD', shop: 'Shop', publicUrl: 'https://shop.example' }; // prettier-ignore
      const mail = mailOf(messageOf(given), 'Shop');
      expect(`${mail.subject}${mail.text}${mail.html}`.includes(name)).toBe(kind === 'PASSWORD_RESET');
      expect(mail.text).not.toContain('null');
    }
  });
});

describe('codes that wait', () => {
  test('are opened with the key that sealed them, and with no other', () => {
    const sealed = openSealer('one secret').seal('7KQ2-M9XA-0000');
    expect(sealed.includes('7KQ2')).toBe(false);
    expect(openSealer('one secret').open(sealed)).toBe('7KQ2-M9XA-0000');
    expect(() => openSealer('another').open(sealed)).toThrow('unable to authenticate');
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    expect(() => openSealer('one secret').open(sealed)).toThrow('unable to authenticate');
  });
});

describe('settings', () => {
  const smtp = { SMTP_URL: 'smtps://user:secret@mail.example:465', MAIL_FROM: 'Tide & Pine <orders@shop.example>' };
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

  test.each([
    ['a mail server without a sender', { SMTP_URL: smtp.SMTP_URL }, 'MAIL_FROM'],
    ['a sender that is none', { ...smtp, MAIL_FROM: 'Tide & Pine' }, 'MAIL_FROM'],
    ['a header in the sender', { ...smtp, MAIL_FROM: 'a\r\nBcc: b <orders@shop.example>' }, 'MAIL_FROM'],
    ['another scheme', { ...smtp, SMTP_URL: 'https://mail.example' }, 'SMTP_URL'],
    ['a gateway without a secret', { SMS_WEBHOOK_URL: 'https://sms.example' }, 'SMS_WEBHOOK_SECRET'],
    ['a secret that is too short', { SMS_WEBHOOK_URL: 'https://sms.example', SMS_WEBHOOK_SECRET: 'whsec_c2hvcnQ=' }, 'SMS_WEBHOOK_SECRET'], // prettier-ignore
    ['plain HTTP in production', { NODE_ENV: 'production', SMS_WEBHOOK_URL: 'http://sms.example', SMS_WEBHOOK_SECRET: secret }, 'SMS_WEBHOOK_URL'], // prettier-ignore
    ['a language that there is not', { DEFAULT_LOCALE: 'FR' }, 'DEFAULT_LOCALE'],
  ])('refuse %s', (_, env, variable) => {
    expect(() => readNotificationConfig(env)).toThrow(ConfigError);
    expect(() => readNotificationConfig(env)).toThrow(variable);
  });

  test('decide what is sent: all in development, in production what has a sender', () => {
    expect([...outwardChannels(readNotificationConfig({}))]).toEqual(['EMAIL', 'SMS']);
    expect([...outwardChannels(readNotificationConfig({ NODE_ENV: 'production' }))]).toEqual([]);
    expect([...outwardChannels(readNotificationConfig({ NODE_ENV: 'production', ...smtp }))]).toEqual(['EMAIL']);
    expect(shopName(readNotificationConfig(smtp), 'https://shop.example')).toBe('Tide & Pine');
    expect(shopName(readNotificationConfig({}), 'http://localhost:4000')).toBe('localhost:4000');
  });
});
