import { type InferEntity, defineEntity, p } from '@mikro-orm/core';
import { at, id, minor } from '../../shared/database/columns.ts';
import type { AccountKind } from '../domain/ledger.ts';

export const LedgerAccountRecord = defineEntity({
  name: 'LedgerAccountRecord',
  tableName: 'ledger_account',
  properties: {
    id: id().primary(),
    kind: p.string().length(16).$type<AccountKind>(),
    ownerId: id(),
    currency: p.string().columnType('char(3)'),
    /** Sum of its entries. */
    balanceMinor: minor(),
    /** Number of its entries. */
    seq: minor(),
    createdAt: at(),
  },
  indexes: [{ name: 'ledger_account_owner', properties: ['ownerId', 'kind', 'createdAt'] }],
  checks: [
    { name: 'ledger_account_covered', expression: "`kind` not in ('AVAILABLE', 'HELD') or `balance_minor` >= 0" },
  ],
});

export const LedgerTransferRecord = defineEntity({
  name: 'LedgerTransferRecord',
  tableName: 'ledger_transfer',
  properties: {
    id: id().primary(),
    reference: p.string().length(80).unique('ledger_transfer_reference'),
    reason: p.string().length(255),
    paymentId: id().nullable().index('ledger_transfer_payment'),
    orderId: id().nullable().index('ledger_transfer_order'),
    at: at(),
  },
});

export const LedgerEntryRecord = defineEntity({
  name: 'LedgerEntryRecord',
  tableName: 'ledger_entry',
  properties: {
    accountId: id().primary(),
    seq: p.bigint().unsigned(false).primary().$type<bigint>(),
    transferId: id().index('ledger_entry_transfer'),
    amountMinor: minor(),
    balanceAfterMinor: minor(),
    at: at(),
  },
  checks: [{ name: 'ledger_entry_amount', expression: '`amount_minor` <> 0' }],
});

/** An entry with what its transfer says. */
export type LedgerEntryRow = InferEntity<typeof LedgerEntryRecord> & {
  readonly reference: string;
  readonly reason: string;
};

export const ledgerEntities = [LedgerAccountRecord, LedgerTransferRecord, LedgerEntryRecord];
