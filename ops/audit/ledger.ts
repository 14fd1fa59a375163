import { type AuditContext, broken } from './context.ts';

/** I6: the wallets' ledger makes and loses no money, and says what the payments say. */
export async function auditLedger(context: AuditContext): Promise<string[]> {
  return [
    ...(await auditTransfers(context)),
    ...(await auditBalances(context)),
    ...(await auditHolds(context)),
    ...(await auditWalletPayments(context)),
    ...(await auditTopUps(context)),
  ];
}

/** Each transfer has two sides or more, of one currency, that sum to zero. */
function auditTransfers(context: AuditContext): Promise<string[]> {
  const payment = context.schema('payment');
  return broken(
    context,
    `select t.reference, coalesce(s.entries, 0) entries, coalesce(s.total, 0) total from ${payment}.ledger_transfer t
     left join (select e.transfer_id, count(*) entries, sum(e.amount_minor) total, count(distinct a.currency) currencies
       from ${payment}.ledger_entry e join ${payment}.ledger_account a on a.id = e.account_id group by e.transfer_id) s on s.transfer_id = t.id
     where s.transfer_id is null or s.entries < 2 or s.total <> 0 or s.currencies <> 1`,
    (row) => `transfer ${row['reference']} has ${row['entries']} entries that sum to ${row['total']}`,
  );
}

/** Each balance is the sum of its entries, which are numbered without a gap and each tell the balance after them. */
async function auditBalances(context: AuditContext): Promise<string[]> {
  const payment = context.schema('payment');
  const sums = await broken(
    context,
    `select hex(a.id) id, a.kind, a.balance_minor, a.seq, coalesce(e.total, 0) total, coalesce(e.entries, 0) entries from ${payment}.ledger_account a
     left join (select account_id, sum(amount_minor) total, count(*) entries, max(seq) last_ from ${payment}.ledger_entry group by account_id) e on e.account_id = a.id
     where a.balance_minor <> coalesce(e.total, 0) or a.seq <> coalesce(e.entries, 0) or a.seq <> coalesce(e.last_, 0)
       or (a.kind in ('AVAILABLE', 'HELD') and a.balance_minor < 0)`,
    (row) =>
      `${row['kind']} account ${row['id']} has ${row['balance_minor']} after ${row['seq']} entries, its ${row['entries']} entries sum to ${row['total']}`,
  );
  const running = await broken(
    context,
    `select hex(e.account_id) id, e.seq, e.balance_after_minor, coalesce(b.balance_after_minor, 0) + e.amount_minor expected from ${payment}.ledger_entry e
     left join ${payment}.ledger_entry b on b.account_id = e.account_id and b.seq = e.seq - 1
     where e.balance_after_minor <> coalesce(b.balance_after_minor, 0) + e.amount_minor`,
    (row) =>
      `entry ${row['seq']} of account ${row['id']} says ${row['balance_after_minor']} after it, which is ${row['expected']}`,
  );
  const strangers = await broken(
    context,
    `select hex(e.account_id) id, e.seq from ${payment}.ledger_entry e left join ${payment}.ledger_account a on a.id = e.account_id
     left join ${payment}.ledger_transfer t on t.id = e.transfer_id where a.id is null or t.id is null`,
    (row) => `entry ${row['seq']} of account ${row['id']} has no account or no transfer`,
  );
  return [...sums, ...running, ...strangers];
}

/** What a wallet holds is what its payments in flight have set aside. */
function auditHolds(context: AuditContext): Promise<string[]> {
  const payment = context.schema('payment');
  return broken(
    context,
    `select hex(w.owner) owner_, w.currency, w.held, w.live from (
       select owner, currency, sum(held) held, sum(live) live from (
         select owner_id owner, currency, balance_minor held, 0 live from ${payment}.ledger_account where kind = 'HELD'
         union all select customer_id, currency, 0, amount_minor from ${payment}.payment where method = 'WALLET' and state = 'AUTHORIZED'
       ) parts group by owner, currency
     ) w where w.held <> w.live`,
    (row) =>
      `the wallet of ${row['owner_']} holds ${row['held']} ${row['currency']}, its payments in flight ${row['live']}`,
  );
}

/** What a wallet paid and got back is what its payment says. */
function auditWalletPayments(context: AuditContext): Promise<string[]> {
  const payment = context.schema('payment');
  return broken(
    context,
    `select p.number, p.captured_minor, p.refunded_minor, coalesce(s.total, 0) total from ${payment}.payment p
     left join (select t.payment_id, sum(e.amount_minor) total from ${payment}.ledger_transfer t
       join ${payment}.ledger_entry e on e.transfer_id = t.id join ${payment}.ledger_account a on a.id = e.account_id and a.kind = 'SALES'
       group by t.payment_id) s on s.payment_id = p.id
     where p.method = 'WALLET' and p.captured_minor - p.refunded_minor <> coalesce(s.total, 0)`,
    (row) =>
      `wallet payment ${row['number']}: ${row['captured_minor']} captured and ${row['refunded_minor']} refunded, the ledger has ${row['total']}`,
  );
}

/** What a completed top-up order credited is what came in for it and is not going back. */
function auditTopUps(context: AuditContext): Promise<string[]> {
  const [payment, order] = [context.schema('payment'), context.schema('order')];
  return broken(
    context,
    `select o.number, coalesce(p.kept, 0) kept, coalesce(l.credited, 0) credited from ${order}.orders o
     left join (select order_id, sum(captured_minor - refunding_minor) kept from ${payment}.payment group by order_id) p on p.order_id = o.id
     left join (select t.order_id, -sum(e.amount_minor) credited from ${payment}.ledger_transfer t join ${payment}.ledger_entry e on e.transfer_id = t.id
       join ${payment}.ledger_account a on a.id = e.account_id and a.kind = 'TOP_UPS' group by t.order_id) l on l.order_id = o.id
     where o.type = 'TOPUP' and ((o.state = 'COMPLETED' and coalesce(p.kept, 0) <> coalesce(l.credited, 0))
       or (o.state not in ('PAID', 'PROCESSING', 'NEEDS_ATTENTION', 'COMPLETED') and coalesce(l.credited, 0) <> 0))`,
    (row) => `top-up ${row['number']}: ${row['kept']} paid and kept, ${row['credited']} credited`,
  );
}
