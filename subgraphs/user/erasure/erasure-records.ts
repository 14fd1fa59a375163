import { defineEntity, p } from '@mikro-orm/core';
import { at, id } from '../../shared/database/columns.ts';

/** A user who was erased here, and where else that is done. */
export const ErasureRecord = defineEntity({
  name: 'ErasureRecord',
  tableName: 'erasure',
  indexes: [{ name: 'erasure_due', properties: ['doneAt', 'dueAt'] }],
  properties: {
    userId: id().primary(),
    traceId: p.string().columnType('char(32)'),
    /** Services that have nothing of the person any more. */
    doneIn: p.json<readonly string[]>(),
    attempts: p.integer().default(0),
    requestedAt: at(),
    dueAt: at(),
    doneAt: at().nullable(),
  },
});
