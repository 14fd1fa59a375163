import { expect, jest, test } from '@jest/globals';
import { addDays, dateIn } from '../../subgraphs/shared/values/local-date.ts';
import { describeInBrowser } from './browser.ts';
import { picture } from './look.ts';
import { buyer, signIn } from './people.ts';

jest.setTimeout(240_000);

describeInBrowser('the calendar of stays in a browser elsewhere', ({ platform, openAs }) => {
  // Kiritimati is 14 hours ahead of UTC, Pago Pago 11 behind it: they never have the same date. A shop is in UTC by default.
  test.each([
    ['UTC', 'Pacific/Kiritimati'],
    ['UTC', 'America/Los_Angeles'],
    ['Pacific/Pago_Pago', 'Pacific/Kiritimati'],
    ['Pacific/Kiritimati', 'America/Los_Angeles'],
  ])('a shop in %s offers tonight, and not last night, to a reader in %s', async (shopZone, readerZone) => {
    if (shopZone !== 'UTC') {
      await platform().terminate();
      await platform().restart({ SHOP_TIME_ZONE: shopZone });
    }
    const { page, context, faults } = await openAs({ timezoneId: readerZone }, '/?kind=stays');
    await page.getByRole('link', { name: 'Choose dates: Attic room' }).click();
    const day = (date: string) => page.locator(`.days button[data-day="${date}"]`);
    const today = dateIn(shopZone, new Date());
    const [lastNight, tomorrow] = [addDays(today, -1), addDays(today, 1)];
    // The calendar opens with the shop's month, in which tonight can be booked.
    await page.locator(`.days button[data-day="${today}"][aria-disabled="false"]`).waitFor();
    expect(await page.getByRole('button', { name: 'Month before' }).isDisabled()).toBe(true);
    if (lastNight.slice(0, 7) === today.slice(0, 7))
      expect(await day(lastNight).getAttribute('aria-disabled')).toBe('true');
    await picture(page, `stay-in-${shopZone}-seen-from-${readerZone}`.replaceAll('/', '-'), 'desktop');

    await day(today).click();
    if (tomorrow.slice(0, 7) !== today.slice(0, 7)) await page.getByRole('button', { name: 'Month after' }).click();
    await day(tomorrow).click();
    await page.getByRole('button', { name: 'Book', exact: true }).click();
    await signIn(page, buyer);
    await page.getByText('Time left to pay').waitFor();
    await page.getByText('1 night, 1 guest').waitFor();
    await page.getByRole('button', { name: 'Cancel this order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await page.getByRole('heading', { name: 'Cancelled' }).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test('the words for a day are the day itself, wherever they are read', async () => {
    const { page, context, faults } = await openAs(
      { timezoneId: 'America/Los_Angeles', locale: 'en-US' },
      '/?kind=stays',
    );
    await page.getByRole('link', { name: 'Choose dates: Attic room' }).click();
    const first = page.locator('.days button[aria-disabled="false"]').first();
    await first.waitFor();
    const date = (await first.getAttribute('data-day')) ?? '';
    expect(await first.innerText()).toContain(new Date(`${date}T00:00:00Z`).toLocaleDateString('en-US', { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })); // prettier-ignore
    expect(faults).toEqual([]);
    await context.close();
  });
});
