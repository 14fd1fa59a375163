import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { formatDay, weekdays } from '../../../gateway/pages/src/booking/dates.ts';
import { durationText, formatMoney } from '../../../gateway/pages/src/format.ts';
import { locale, showLanguage, t } from '../../../gateway/pages/src/language/catalogue.ts';
import { de } from '../../../gateway/pages/src/language/de.ts';
import { en } from '../../../gateway/pages/src/language/en.ts';
import { firstRefusal, refusalText } from '../../../gateway/pages/src/language/refusals.ts';
import { backText } from '../../../gateway/pages/src/orders/money-words.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
afterEach(() => showLanguage('en'));

describe('the catalogues', () => {
  type Leaf = readonly [name: string, value: unknown];
  const leaves = (node: object, above = ''): Leaf[] =>
    Object.entries(node).flatMap(([name, value]: [string, unknown]): Leaf[] =>
      typeof value === 'object' && value !== null ? leaves(value, `${above}${name}.`) : [[`${above}${name}`, value]],
    );
  const texts = (of: object) => new Map(leaves(of).filter(([, value]) => typeof value === 'string'));

  test('have the same words in both languages, and none that was left as it is', () => {
    const [english, german] = [texts(en), texts(de)];
    const missing = [...english.keys()].filter((name) => !german.has(name));
    expect(missing).toEqual([]);
    const alike = [...english].filter(([name, text]) => text !== '' && german.get(name) === text).map(([name]) => name);
    // Names, and words that both languages have.
    expect(alike).toEqual([
      'account.code',
      'account.name',
      'frame.live',
      'frame.shop',
      'footer.jobs',
      'orders.methods.ALIPAY',
      'orders.methods.WECHAT_PAY',
      'pay.bic',
      'pay.alipay',
      'pay.wechat',
      'shop.byName',
      'shop.download',
      'signIn.name',
      'signIn.code',
      'address.region',
    ].toSorted((a, b) => [...english.keys()].indexOf(a) - [...english.keys()].indexOf(b))); // prettier-ignore
  });

  test('give functions the same arguments to say', () => {
    const german = new Map(leaves(de));
    for (const [name, value] of leaves(en)) {
      if (typeof value !== 'function') continue;
      const marks = Array.from({ length: value.length }, (_, index) => `<${index}>`);
      // What is counted must be a number: these are tried below.
      const said = (speak: unknown) => (speak as (...given: string[]) => string)(...marks);
      const used = (text: string) => marks.filter((mark) => text.includes(mark) && !text.includes('NaN'));
      expect([name, used(said(german.get(name)))]).toEqual([name, used(said(value))]);
    }
  });
});

test('counts have the form of their language', () => {
  const counts = () => [t().cart.pieces(1), t().booking.nights(1), t().booking.nights(2), t().booking.guestCount(1_200), t().cart.fromDays(1), t().pay.days(2)]; // prettier-ignore
  expect(counts()).toEqual(['1 piece', '1 night', '2 nights', '1,200 guests', 'from 1 day', '2 days']);
  showLanguage('de');
  expect(counts()).toEqual(['1 Stück', '1 Nacht', '2 Nächte', '1.200 Gäste', 'ab 1 Tag', '2 Tage']);
});

test('amounts, days and waits are written as the reader’s own form of the language does', () => {
  showLanguage('de', ['fr', 'de-AT', 'en']);
  expect(locale()).toBe('de-AT');
  expect(formatMoney({ amount: 123_456, currency: 'EUR' })).toBe('€\u00a01.234,56');
  showLanguage('de', ['en-US']);
  expect([locale(), formatMoney({ amount: 123_456, currency: 'EUR' })]).toEqual(['de', '1.234,56\u00a0€']);
  expect(formatDay('2026-12-24')).toBe('Do., 24. Dez. 2026');
  expect(weekdays()[0]).toBe('Mo');
  expect([durationText(2), durationText(895)]).toEqual(['2 Sekunden', '15 Minuten']);
  const payment = { method: 'WALLET', refunded: { amount: 500, currency: 'EUR' } } as const;
  expect(backText({ payments: [payment as never, { ...payment, method: 'SIMULATED_CARD' } as never] })).toBe('5,00\u00a0€ auf Ihr Guthaben und 5,00\u00a0€ auf Ihre Karte'); // prettier-ignore
});

describe('refusals', () => {
  const codes = (heading: string): string[] => {
    const [, section = ''] = readFileSync(join(root, 'docs/errors.md'), 'utf8').split(`## \`${heading}\``);
    return [...(section.split(/^## /m)[0] ?? '').matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code = '']) => code);
  };

  test('have German words for every code that the API may refuse with', () => {
    showLanguage('de');
    const known = codes('userErrors[].code');
    expect(known.length).toBeGreaterThan(25);
    const untold = known.filter((code) => refusalText({ code, message: 'English', path: ['input', 'couponCodes', '0'] }) === 'English'); // prettier-ignore
    expect(untold).toEqual([]);
    for (const code of ['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'TOO_MANY_REQUESTS', 'SERVICE_UNAVAILABLE', 'OVERLOADED', 'DEADLINE_EXCEEDED', 'INTERNAL_SERVER_ERROR']) {
      expect(codes('errors[].extensions.code')).toContain(code);
      expect(refusalText({ code, message: 'English' })).not.toBe('English');
    } // prettier-ignore
  });

  test('are told by their place where that says more, and in the API’s words where there are none', () => {
    const refusal = { code: 'VALIDATION', message: 'It has 8 to 128 characters.', path: ['input', 'password'] };
    expect(refusalText(refusal)).toBe(refusal.message);
    showLanguage('de');
    expect(refusalText(refusal)).toMatch(/^Dieses Passwort ist zu kurz/);
    expect(refusalText({ ...refusal, path: ['input', 'lines', '0', 'quantity'] })).toMatch(/^Eine Angabe passt nicht/);
    expect(refusalText({ code: 'OF_ANOTHER_SUBGRAPH', message: 'As it says.' })).toBe('As it says.');
    expect([firstRefusal([]), firstRefusal([refusal])]).toEqual([null, refusalText(refusal)]);
  });
});

test('no page of the shop has words beside the catalogue', () => {
  const pages = join(root, 'gateway/pages/src');
  const files = readdirSync(pages, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.tsx') && !/^(staff|graphiql)\//.test(path),
  );
  expect(files.length).toBeGreaterThan(40);
  const attribute = /\b(?:aria-label|title|label|legend|what|text|reason|hint|placeholder|press|all)="[^"]*[A-Za-z]{2}[^"]*"/g; // prettier-ignore
  const between = /(?<!=)>\s*[A-Z][A-Za-z’',.!? ]*[a-z][A-Za-z’',.!? ]*</g;
  const line = /^\s+[A-Z][a-z’]+( [A-Za-z’]+)*[.,:…]?$/gm;
  const found = files.flatMap((path) => {
    const source = readFileSync(join(pages, path), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    return [attribute, between, line].flatMap((words) => (source.match(words) ?? []).map((text) => `${path}: ${text.trim()}`)); // prettier-ignore
  });
  // Names.
  expect(found.filter((text) => !/GraphiQL/.test(text))).toEqual([]);
});
