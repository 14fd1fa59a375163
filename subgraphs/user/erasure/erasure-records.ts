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
    /** Services that have nothing of the person any more, as this pass has seen it. */
    doneIn: p.json<readonly string[]>(),
    /** 0 for the first pass, 1 for the last. */
    pass: p.integer().default(0),
    attempts: p.integer().default(0),
    requestedAt: at(),
    dueAt: at(),
    doneAt: at().nullable(),
  },
});
