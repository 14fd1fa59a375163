export type DemoAccount = { readonly name: string; readonly mobile: string; readonly password: string };

/** The demo accounts that ops/seed.ts makes outside production, the customers first (a test compares). */
export const seededAccounts: readonly DemoAccount[] = [
  { name: 'Mara Lindqvist', mobile: '10000000001', password: 'demo-customer' },
  { name: 'Tomás Ferreira', mobile: '10000000002', password: 'demo-customer' },
  { name: 'Aiko Sato', mobile: '10000000003', password: 'demo-customer' },
  { name: 'Jonas Weber', mobile: '10000000009', password: 'demo-operator' },
  { name: 'Inès Moreau', mobile: '10000000005', password: 'demo-merchant' },
];
