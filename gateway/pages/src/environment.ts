import { type DemoAccount, seededAccounts } from './demo-accounts.ts';

/** The server marks the page when it runs for development; only then are the demo accounts there. */
const isDevelopment = document.documentElement.dataset['environment'] === 'development';

export const demoAccounts: readonly DemoAccount[] = isDevelopment ? seededAccounts : [];

/** The language of accounts and readers that have none of their own: `DEFAULT_LOCALE` of the server. */
export const defaultLanguage = document.documentElement.dataset['defaultLanguage'];

/** What the shop is called: `SHOP_NAME` of the server. */
export const shopName = document.documentElement.dataset['shopName'] ?? '';
