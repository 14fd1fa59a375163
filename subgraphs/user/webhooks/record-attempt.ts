import type { Sql } from '../../shared/database/database.ts';
import { newTraceId } from '../../shared/process/telemetry.ts';
import { writeDown } from '../administration/audit.ts';
import type { UserDeps } from '../dependencies.ts';
import { type Delivery, type Outcome, endAttempt } from './delivery-store.ts';
import { type Endpoint, pauseEndpoint, resumeEndpoint, updateEndpoint } from './endpoint-store.ts';
import { type DeliveryPolicy, nextTryAt, pauseUntil } from './policy.ts';
import type { Answer } from './send-webhook.ts';

/** An attempt that has ended; the endpoint as it was when the attempt began. */
export type Ended = { readonly endpoint: Endpoint; readonly delivery: Delivery; readonly answer: Answer };

/** What became of it. */
export type Recorded = {
  readonly delivery: Delivery;
  readonly state: Outcome['state'];
  /** Why its endpoint was disabled; null when it was not. */
  readonly disabledReason: string | null;
};

type Deps = Pick<UserDeps, 'now' | 'newId'> & { readonly policy: DeliveryPolicy; readonly random: () => number };

/** By it an endpoint says that it wants to hear nothing more. */
const gone = 410;

/** Records what an answer means for its delivery and its endpoint. */
export async function recordAttempt(tx: Sql, deps: Deps, ended: Ended, at: Date): Promise<Recorded> {
  const { policy, random } = deps;
  const { endpoint, delivery, answer } = ended;
  const { statusCode, responseMs, error: lastError } = answer;
  const seen = { statusCode, responseMs, lastError, nextTryAt: null };
  if (lastError === null) {
    await endAttempt(tx, delivery, { ...seen, state: 'SENT' }, at);
    if (endpoint.failures > 0) await resumeEndpoint(tx, endpoint.id);
    return { delivery, state: 'SENT', disabledReason: null };
  }
  const isLast = statusCode === gone || at >= delivery.giveUpAt;
  const again = nextTryAt(policy, { giveUpAt: delivery.giveUpAt, at, random });
  const outcome: Outcome = isLast ? { ...seen, state: 'DEAD' } : { ...seen, state: 'FAILED', nextTryAt: again };
  await endAttempt(tx, delivery, outcome, at);
  const untilOf = (failures: number) => pauseUntil(policy, { failures, at, random });
  const paused = await pauseEndpoint(tx, endpoint.id, at, untilOf);
  const disabledReason = paused?.active ? reasonToDisable(policy, paused, answer, at) : null;
  if (paused && disabledReason !== null) await disable(tx, deps, paused, disabledReason);
  return { delivery, state: outcome.state, disabledReason };
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

/** Nothing goes out to it until its owner switches it on again. The audit log has the notice. */
async function disable(tx: Sql, deps: Deps, endpoint: Endpoint, disabledReason: string): Promise<void> {
  await updateEndpoint(tx, { ...endpoint, active: false, disabledReason });
  const { id, url } = endpoint;
  const deed = { actorId: null, traceId: newTraceId(), action: 'webhook_endpoint.disabled' } as const;
  await writeDown(tx, deps, {
    ...deed,
    subject: `webhook_endpoint:${id}`,
    after: { origin: new URL(url).origin, reason: disabledReason },
  });
}
