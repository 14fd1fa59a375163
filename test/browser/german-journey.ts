import { expect, test } from '@jest/globals';
import { giveAddress, register } from '../support/shop.ts';
import { until } from '../support/until.ts';
import type { Visiting } from './browser.ts';
import { cutOnSmallPhone, look } from './look.ts';
import { signIn } from './people.ts';

/** From the shelf to the paid order in German; nothing is cut on a small phone, and the language is kept. */
export function germanJourney({ platform, openAs }: Visiting): void {
  test('a German browser is served in German, an order is paid in it, and another language is chosen by hand and kept', async () => {
    const customer = await register(platform(), 'Änne Müller-Lüdenscheidt');
    await giveAddress(platform(), customer);
    const { page, context, faults } = await openAs({ locale: 'de-DE' }, '/');
    const findings: string[] = [];
    const see = async (name: string) => findings.push(...(await look(page, name)), ...(await cutOnSmallPhone(page, name))); // prettier-ignore
    expect(await (await page.request.get(page.url(), { headers: { 'accept-language': 'de-DE' } })).text()).toMatch(
      /^<!doctype html>\s*<html\s+lang="de"/,
    );
    await page.getByRole('heading', { name: 'Schönes für zu Hause' }).waitFor();
    await page.getByText('auf Lager').first().waitFor();
    await see('german-shop');
    await page.getByRole('link', { name: 'Olive-wood board' }).click();
    await page.getByText('42,00\u00a0€').first().waitFor();
    await see('german-product');
    await page.getByRole('button', { name: 'In den Warenkorb', exact: true }).click();
    await page.getByRole('link', { name: /^Warenkorb/ }).click();
    await page.getByText('Express', { exact: false }).first().waitFor();
    await page.getByLabel('Gutscheincode').fill('none');
    await page.getByRole('button', { name: 'Einlösen' }).click();
    await page.getByText('NONE: Diesen Gutschein gibt es nicht.').waitFor();
    await page.getByRole('button', { name: 'Entfernen NONE' }).click();
    await see('german-cart');
    await page.getByRole('button', { name: 'Zahlungspflichtig bestellen' }).click();
    await page.getByLabel('Mobilnummer').fill(customer.mobile);
    await page.getByLabel('Passwort').fill('not this one');
    await page.getByRole('button', { name: 'Anmelden', exact: true }).last().click();
    await page.getByText('Diese Angaben passen nicht zusammen').waitFor();
    await see('german-sign-in');
    await page.getByLabel('Passwort').fill(customer.password);
    await page.getByRole('button', { name: 'Anmelden', exact: true }).last().click();
    await page.getByText('Zeit zum Bezahlen').waitFor();
    await see('german-pay');
    await page.getByLabel('Kartennummer').fill('4000000000000002');
    await page.getByRole('button', { name: /bezahlen$/ }).click();
    await page.getByText('Die Zahlung hat nicht geklappt.').waitFor();
    await page.getByLabel('Kartennummer').fill('4242424242424242');
    await page.getByRole('button', { name: /bezahlen$/ }).click();
    await page.getByRole('heading', { name: /^(Bezahlt|Abgeschlossen)$/ }).waitFor();
    await see('german-paid');
    await page.getByRole('link', { name: 'Bestellung ansehen' }).click();
    await page.getByText('Zahlung eingegangen').waitFor();
    await see('german-order');

    // The bell has counted the payment, without a reload; the mail's words are those of the account.
    await page.getByRole('link', { name: /^Mitteilungen, \d ungelesen$/ }).click();
    await page.getByRole('button', { name: 'Alle als gelesen markieren' }).waitFor();
    await see('german-notifications');
    await page.getByRole('button', { name: 'Alle als gelesen markieren' }).click();
    await page.getByRole('link', { name: 'Mitteilungen', exact: true }).waitFor();

    // By hand: at once, with what was typed and the focus where they were, and after a reload too.
    await page.goto(`${platform().url}/?q=Kettle`);
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Good things for home' }).waitFor();
    expect(await page.getByLabel('Search products').inputValue()).toBe('Kettle');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('English');
    await page.reload();
    await page.getByRole('heading', { name: 'Good things for home' }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('en');
    expect(findings).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test('[PM-1] an account’s language is that of its messages and pages; its address is verified by the code that is sent', async () => {
    const customer = await register(platform(), 'Ada Lovelace');
    const { page, context, faults } = await openAs({}, '/account');
    await signIn(page, customer);
    const codes = () => platform().logs().match(/\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}\b/g) ?? []; // prettier-ignore
    const before = codes().length;
    await page.getByLabel('E-mail address').fill('ada@example.com');
    await page.getByLabel('Your password').fill('not this one');
    await page.getByRole('button', { name: 'Send a code' }).click();
    await page.getByText('The password is wrong.').waitFor();
    await page.getByLabel('Your password').fill(customer.password);
    await page.getByRole('button', { name: 'Send a code' }).click();
    await page.getByText('A code is on its way to ada@example.com.').waitFor();
    await page.getByLabel('Code').fill('AAAA-BBBB-CCCC');
    await page.getByRole('button', { name: 'Verify the address' }).click();
    await page.getByText('The code is wrong, or it has ended.').waitFor();
    await page.getByLabel('Code').fill(await until(() => codes()[before], { what: 'a code' }));
    await page.getByRole('button', { name: 'Verify the address' }).click();
    await page.getByText('By mail: to ada@example.com.').waitFor();
    await page.getByLabel('Language of messages and pages').selectOption('de');
    await page.getByRole('heading', { name: 'Was wir Ihnen sagen' }).waitFor();
    expect([...(await look(page, 'account-german')), ...(await cutOnSmallPhone(page, 'account-german'))]).toEqual([]);

    // Another browser has heard of no choice by hand: what the account has chosen counts there.
    const other = await openAs({ locale: 'fr-FR' }, '/orders');
    await other.page.getByRole('heading', { name: 'Your orders' }).waitFor();
    await signIn(other.page, customer);
    await other.page.getByRole('heading', { name: 'Ihre Bestellungen' }).waitFor();
    expect(await other.page.evaluate('document.documentElement.lang')).toBe('de');
    // What staff work with is English.
    await other.page.goto(`${platform().url}/staff`);
    await other.page.getByRole('heading', { name: 'Staff' }).waitFor();
    expect(await other.page.evaluate('document.documentElement.lang')).toBe('en');
    expect([...faults, ...other.faults]).toEqual([]);
    await Promise.all([context.close(), other.context.close()]);
  });
}
