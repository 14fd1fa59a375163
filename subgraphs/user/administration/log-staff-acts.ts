import { z } from 'zod';
import type { EventHandler } from '../../shared/events/handle-events.ts';
import { staffActed } from '../../shared/tables/staff-acts.ts';
import type { EventPart } from '../events.ts';
import { insertAuditEntry } from './audit-store.ts';

const acted = z.object({
  actorId: z.uuid(),
  action: z.string().min(1).max(64),
  subject: z.string().min(1).max(128),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

/** Writes down what another service tells that somebody did for the shop: once, in the transaction of its inbox row. */
const logStaffAct: EventHandler = (tx, { id, at, traceId, data }) => {
  const { before = null, after = null, ...act } = acted.parse(data);
  return insertAuditEntry(tx, { id, at: new Date(at), traceId, before, after, ...act });
};

export const staffActs: EventPart = { handlers: { [staffActed]: logStaffAct } };
