import { isDevelopment } from './environment.ts';

export type DemoAccount = { readonly name: string; readonly mobile: string; readonly password: string };

/** The customers that ops/seed.ts makes. In production there are none. */
export const demoAccounts: readonly DemoAccount[] = isDevelopment
  ? [
      { name: 'Ada Lovelace', mobile: '10000000001', password: 'demo-password-1' },
      { name: 'Alan Turing', mobile: '10000000002', password: 'demo-password-2' },
    ]
  : [];
