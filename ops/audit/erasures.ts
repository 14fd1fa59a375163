import { type AuditContext, broken } from './context.ts';

/** I23: an erasure comes to its end within an hour; one that waits for somebody longer is told of. */
export function auditErasures(context: AuditContext): Promise<string[]> {
  const hanging = `select lower(hex(user_id)) id, done_in, requested_at from ${context.schema('user')}.erasure
    where done_at is null and requested_at < utc_timestamp(3) - interval 1 hour`;
  return broken(context, hanging, ({ id, done_in: doneIn, requested_at: at }) => `user ${id} was to be erased at ${at}, and is so in ${doneIn} only`); // prettier-ignore
}
