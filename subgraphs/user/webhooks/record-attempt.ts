import type { Sql } from '../../shared/database/database.ts';
import { newTraceId } from '../../shared/process/telemetry.ts';
import { writeDown } from '../administration/audit.ts';
import type { UserDeps } from '../dependencies.ts';
import { readStaffIds } from '../notifications/recipient-store.ts';
import { tell } from '../notifications/tell.ts';
import { type Delivery, type Outcome, endAttempt } from './delivery-store.ts';
import { type Endpoint, findEndpoint, noteFailed, resumeEndpoint, updateEndpoint } from './endpoint-store.ts';
import { type DeliveryPolicy, giveUpTime, nextTryAt, pauseUntil } from './policy.ts';
import type { Answer } from './send-webhook.ts';

/** An attempt that has ended; the endpoint as it was when the attempt began. */
export type Ended = { readonly endpoint: Endpoint; readonly delivery: Delivery; readonly answer: Answer };

/** What became of it. */
export type Recorded = {
  readonly delivery: Delivery;
  readonly state: Outcome['state'];
  /** Why its endpoint was disabled, and who is told; null when it was not. */
  readonly disabled: { readonly reason: string; readonly toldIds: readonly string[] } | null;
};

type Deps = Pick<UserDeps, 'now' | 'newId' | 'outward'> & {
  readonly policy: DeliveryPolicy;
  readonly random: () => number;
};

/** By it an endpoint says that it wants to hear nothing more. */
const gone = 410;
/** Answers of 4xx that are about the moment or the receiver; the others refuse the one message. */
const notAboutTheMessage: ReadonlySet<number> = new Set([408, gone, 425, 429]);
const refusesMessage = ({ statusCode }: Answer): boolean =>
  statusCode !== null && statusCode >= 400 && statusCode < 500 && !notAboutTheMessage.has(statusCode);

/** As many administrators are told of an endpoint of the platform. */
const maxTold = 100;

/** Records what an answer means for its delivery and its endpoint. */
export async function recordAttempt(tx: Sql, deps: Deps, ended: Ended, at: Date): Promise<Recorded> {
  const { policy, random } = deps;
  const { endpoint, delivery, answer } = ended;
  const { statusCode, responseMs, error: lastError } = answer;
  const seen = { statusCode, responseMs, lastError, nextTryAt: null };
  const next = { at, giveUpAt: giveUpTime(at, policy) };
  if (lastError === null) {
    await endAttempt(tx, delivery, { ...seen, state: 'SENT' }, next);
    if (endpoint.failingSince !== null) await resumeEndpoint(tx, endpoint);
    return { delivery, state: 'SENT', disabled: null };
  }
  const isGone = statusCode === gone && (await findEndpoint(tx, endpoint.id))?.url === endpoint.url;
  const isLast = isGone || at >= delivery.giveUpAt;
  const again = nextTryAt(policy, { giveUpAt: delivery.giveUpAt, at, random });
  const outcome: Outcome = isLast ? { ...seen, state: 'DEAD' } : { ...seen, state: 'FAILED', nextTryAt: again };
  await endAttempt(tx, delivery, outcome, next);
  // An endpoint that refuses a message may well take others meanwhile.
  const untilOf = refusesMessage(answer) ? null : (failures: number) => pauseUntil(policy, { failures, at, random });
  const failed = await noteFailed(tx, endpoint, at, untilOf);
  const reason = failed?.active ? reasonToDisable(policy, failed, answer, at) : null;
  const disabled = failed && reason !== null ? { reason, toldIds: await disable(tx, deps, failed, { reason, isGone }) } : null; // prettier-ignore
  return { delivery, state: outcome.state, disabled };
}

function reasonToDisable(
  { disableAfterMs }: DeliveryPolicy,
  { failingSince }: Endpoint,
  { statusCode, error }: Answer,
  at: Date,
): string | null {
  if (statusCode === gone) return 'It answered 410: it wants to hear nothing more.';
  if (failingSince === null || at.getTime() - failingSince.getTime() < disableAfterMs) return null;
  return `Nothing was delivered since ${failingSince.toISOString()}. ${error ?? ''}`.trim();
}

/** Nothing goes out to it until its owner switches it on again. Ids of those who are told; the audit log has it, too. */
async function disable(
  tx: Sql,
  deps: Deps,
  endpoint: Endpoint,
  { reason, isGone }: { reason: string; isGone: boolean },
): Promise<string[]> {
  await updateEndpoint(tx, { ...endpoint, active: false, disabledReason: reason });
  const { id, url, ownerId } = endpoint;
  const { origin } = new URL(url);
  const deed = { actorId: null, traceId: newTraceId(), action: 'webhook_endpoint.disabled' } as const;
  await writeDown(tx, deps, {
    ...deed,
    subject: `webhook_endpoint:${id}`,
    after: { origin, reason },
  });
  const owners = ownerId === null ? await readStaffIds(tx, ['ADMIN'], maxTold) : [ownerId];
  const facts = { endpoint: origin, isGone };
  const news = { kind: 'WEBHOOK_DISABLED', eventId: deps.newId(), at: deps.now(), orderId: null, facts } as const;
  const toldIds: string[] = [];
  for (const userId of owners) if (await tell(tx, deps, { ...news, userId })) toldIds.push(userId);
  return toldIds;
}
