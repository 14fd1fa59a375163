import { type DemoAccount, seededAccounts } from './demo-accounts.ts';

/** The server marks the page when it runs for development; only then are the demo accounts there. */
const isDevelopment = document.documentElement.dataset['environment'] === 'development';

export const demoAccounts: readonly DemoAccount[] = isDevelopment ? seededAccounts : [];

/** Where Stripe's script is, for its form in this page; undefined where Stripe is not set up for it. */
export const stripeScript = document.documentElement.dataset['stripeScript'] || undefined;

/** The language of accounts and readers that have none of their own: `DEFAULT_LOCALE` of the server. */
export const defaultLanguage = document.documentElement.dataset['defaultLanguage'];

/** What the shop is called: `SHOP_NAME` of the server. */
export const shopName = document.documentElement.dataset['shopName'] ?? '';

/** Where a request's trace is shown, with `{traceId}` in the place of its id; '' for nowhere. `TRACE_URL` of the server. */
export const traceUrl = document.documentElement.dataset['traceUrl'] ?? '';
