import type { Env } from '../subgraphs/shared/process/env.ts';
import { runProcess } from '../subgraphs/shared/process/run-process.ts';
import { auditEvents, auditIdempotency } from './audit/events.ts';
import { type AuditContext, openAudit } from './audit/context.ts';
import { auditDeliveries } from './audit/deliveries.ts';
import { auditDisputes } from './audit/disputes.ts';
import {
  auditBarriers,
  auditFeed,
  auditJournal,
  auditOpenOrders,
  auditPaidOrders,
  auditSagas,
} from './audit/orders.ts';
import { auditErasures } from './audit/erasures.ts';
import { auditGivenBack } from './audit/given-back.ts';
import { auditLedger } from './audit/ledger.ts';
import { auditNotifications } from './audit/notifications.ts';
import { auditCharges, auditMoney } from './audit/payments.ts';
import { auditPromotions } from './audit/promotions.ts';
import { auditSales } from './audit/sales.ts';
import { auditNights, auditReservations, auditStock } from './audit/stock.ts';
import { serversFor } from './servers-for.ts';

export type Finding = { readonly invariant: string; readonly broken: string[] };

/** The invariants as sentences, and how each is checked. */
const checks: Readonly<Record<string, (context: AuditContext) => Promise<string[]>>> = {
  'I1 stock: counters within bounds, equal to what is held and to the replayed movements': auditStock,
  'I1 nights: no room twice, counters equal to what is held and sold and to the replayed movements': auditNights,
  'I1 stock: reservations agree with their orders': auditReservations,
  "I2 at most one captured charge per order, as in the provider's own journal": auditCharges,
  'I2 disputes: the provider, payments, refunds and journals agree': auditDisputes,
  'I3 no order both paid and closed, unless its money went back': auditPaidOrders,
  'I4 every saga is terminal, no order stuck': auditSagas,
  'I5 every event published and handled once': auditEvents,
  'I6 money: payments, their refunds and their orders agree': auditMoney,
  'I6 wallets: every transfer sums to zero, every balance to its entries, what is held to what is in flight':
    auditLedger,
  'I6 after the sale: no piece is delivered that was taken off, none goes back twice, and payment owes what orders wait for':
    auditGivenBack,
  'I7 the journal is gapless and its hash chain holds': auditJournal,
  'I8 one effect per idempotency key': auditIdempotency,
  'I9 subscriptions: the feed of all journals has no gap': auditFeed,
  'I11 never an action together with its null compensation': auditBarriers,
  'I13 promotions: uses are counted once for each order that has one, and never above their limit': auditPromotions,
  'I18 open unpaid orders: the counters of customers and addresses agree with the orders': auditOpenOrders,
  'I20 deliveries: what counts as delivered of each line agrees with its deliveries': auditDeliveries,
  'I23 erasures: every person who was to be erased is, within an hour': auditErasures,
  'I22 notifications: every event that tells a customer something has its record, and what is over keeps no code':
    auditNotifications,
  'I21 sales: the sums of reports are those of the orders, and have every paid one': auditSales,
};

const defaultGraceSeconds = 60;

/**
 * Checks the invariants in the databases of a platform, which may be running: each is asked at one point in time.
 *
 * @param options.env names the platform: MYSQL_URL as root, REDIS_URL, DATABASE_PREFIX
 * @param options.graceSeconds what is younger may still be on its way; 60 when not given
 */
export async function audit(options: { env: Env; graceSeconds?: number }): Promise<Finding[]> {
  const context = await openAudit(options.env, options.graceSeconds ?? defaultGraceSeconds);
  try {
    const findings: Finding[] = [];
    for (const [invariant, check] of Object.entries(checks)) findings.push({ invariant, broken: await check(context) });
    return findings;
  } finally {
    await context.close();
  }
}

if (import.meta.main) {
  await runProcess(async () => {
    const { env, servers } = await serversFor(process.env, () => undefined);
    try {
      const findings = await audit({ env });
      for (const { invariant, broken } of findings) {
        console.log(`${broken.length === 0 ? 'ok    ' : 'BROKEN'} ${invariant}`);
        for (const line of broken) console.log(`         ${line}`);
      }
      if (findings.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
    } finally {
      await servers.stop();
    }
    return { stop: async () => {} };
  });
}
