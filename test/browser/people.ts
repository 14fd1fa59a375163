import type { Page } from 'playwright-core';
import { demoAccounts } from '../../ops/demo-shop.ts';

export const buyer = demoAccounts[0] as (typeof demoAccounts)[number];
export const operator = demoAccounts.find(({ roles }) => roles.includes('OPERATOR')) as (typeof demoAccounts)[number];

export const secondBuyer = demoAccounts[1] as (typeof demoAccounts)[number];

/** Fills the sign-in form that is on the page. */
export async function signIn(page: Page, { mobile, password }: { mobile: string; password: string }): Promise<void> {
  await page.getByLabel('Mobile number').fill(mobile);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).last().click();
}
