import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { audit } from '../../ops/audit.ts';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person, createProduct, creditWallet, logInAsAdmin, newKey, orderIn, pay, payMixed, placeOrder, register,
} from '../support/shop.ts'; // prettier-ignore

/** As audit.e2e.test.ts, for the ledger: each of these is wrong by one row, and put right again. */
describe('the audit of wallets finds', () => {
  let platform: Platform;
  let root: Connection;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    const staff = await logInAsAdmin(platform);
    await useWallet(staff);
    await expectCleanAudit(platform);
    root = await createConnection({ uri: platform.mysqlUrl });
  }, 150_000);
  afterAll(async () => {
    await root?.end();
    await platform?.stop();
  }, 60_000);

  /** A customer whose wallet was credited, topped up, has paid an order and holds a part of another. */
  async function useWallet(staff: Person): Promise<void> {
    const product = await createProduct(platform, staff);
    const customer = await register(platform);
    await creditWallet(platform, staff, customer, 5_000);
    const lines = [{ productId: product.id, quantity: 1 }];
    await placeOrder(platform, customer, lines, { type: 'PREPAY' });
    const money = await createProduct(platform, staff, { kind: 'DIGITAL', sku: `TOPUP-${newKey().slice(0, 8)}` });
    const topUp = await placeOrder(platform, customer, [{ productId: money.id, quantity: 1 }], { type: 'TOPUP' });
    await pay(platform, customer, topUp.id);
    await orderIn(platform, customer, topUp.id, ['COMPLETED'], 20_000);
    const { id } = await placeOrder(platform, customer, lines);
    await payMixed(platform, customer, id, { walletMinor: 500 });
  }

  const ofCredits =
    "ledger_entry e join ledger_account a on a.id = e.account_id and a.kind = 'CREDITS' set e.amount_minor = e.amount_minor";
  test.each<[string, string, string]>([
    [
      'a balance that its entries do not sum to',
      "ledger_account set balance_minor = balance_minor + 1 where kind = 'AVAILABLE'",
      "ledger_account set balance_minor = balance_minor - 1 where kind = 'AVAILABLE'",
    ],
    ['a transfer that makes money', `${ofCredits} + 1`, `${ofCredits} - 1`],
    [
      'an entry that tells another balance than it led to',
      'ledger_entry set balance_after_minor = balance_after_minor + 1 where seq = 1 and amount_minor = 5000',
      'ledger_entry set balance_after_minor = balance_after_minor - 1 where seq = 1 and amount_minor = 5000',
    ],
    [
      'money that is held for nothing',
      "payment set state = 'CANCELLED' where method = 'WALLET' and state = 'AUTHORIZED'",
      "payment set state = 'AUTHORIZED' where method = 'WALLET' and state = 'CANCELLED'",
    ],
    [
      'a payment by wallet that moved nothing',
      "ledger_transfer set payment_id = null where reference like 'charge:%'",
      "ledger_transfer set payment_id = unhex(replace(substring(reference, 8), '-', '')) where reference like 'charge:%'",
    ],
    [
      'a top-up that credited nobody',
      "ledger_transfer set order_id = null where reference like 'topup:%'",
      "ledger_transfer set order_id = unhex(replace(substring(reference, 7), '-', '')) where reference like 'topup:%'",
    ],
  ])('%s', async (_, wrong, right) => {
    const change = async (statement: string): Promise<void> => {
      await root.query(`use ${platform.prefix}_payment`);
      const [result] = await root.query(`update ${statement}`);
      expect((result as { affectedRows: number }).affectedRows).toBeGreaterThan(0);
    };
    await change(wrong);
    const findings = await audit({ env: platform.env, graceSeconds: 0 });
    await change(right);
    const broken = findings.filter((finding) => finding.broken.length > 0).map(({ invariant }) => invariant);
    expect(broken).toContainEqual(expect.stringMatching(/^I6 wallets/));
    await expectCleanAudit(platform);
  });
});
