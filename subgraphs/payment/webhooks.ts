import { isUnavailable } from '../shared/errors/errors.ts';
import { failPoint } from '../shared/process/fail-point.ts';
import { type Route, jsonResponse } from '../shared/engine/subgraph.ts';
import { receiveWebhook, storeError, storeRejected } from './commands/receive-webhook.ts';
import type { PaymentDeps } from './deps.ts';

const maxBodyBytes = 64 * 1024;
/** Deliveries kept per minute and process of what anybody could send; further ones are answered alike, and only counted. */
const keptPerMinute = { forged: 60, repeated: 600 } as const;
type Kept = keyof typeof keptPerMinute;

/**
 * `POST /webhooks/:provider`, open to the world: the signature is the proof. 200 once it is stored and applied; 400 for
 * what is not signed or can't be read; 503 when it can't be stored now, so that the provider tries again.
 */
export function webhookRoute(deps: PaymentDeps): Route {
  const mayKeep = keepingAllowance(deps);
  const counted = (provider: string, outcome: string) => deps.metrics.webhooks.inc({ provider, outcome });
  return async ({ headers, body }, params) => {
    const provider = [...deps.providers.values()].find((candidate) => candidate.name === params['provider']);
    if (!provider || provider.offline) return jsonResponse(404, { code: 'UNKNOWN_PROVIDER' });
    const { name } = provider;
    const answer = (status: number, code: string) => provider.webhookAnswer?.(status) ?? jsonResponse(status, { code });
    if (body.length > maxBodyBytes) return answer(413, 'BODY_TOO_LARGE');
    const signature = String(headers[`${name}-signature`] ?? '').slice(0, 512);
    try {
      const refused = provider.checkSignature(headers, body, deps.now());
      if (refused !== null) {
        counted(name, 'REJECTED_SIGNATURE');
        if (mayKeep('forged', name)) {
          deps.log.warn({ provider: name, code: refused }, 'webhook with a bad signature');
          await storeRejected(deps, name, { body, signature, outcome: 'REJECTED_SIGNATURE', error: refused });
        }
        return answer(400, refused);
      }
      const delivery = { headers, body, signature, mayKeepRepetition: () => mayKeep('repeated', name) };
      const { status, code, toldAt } = await receiveWebhook(deps, provider, delivery);
      counted(name, code === 'BODY_UNREADABLE' ? 'ERROR' : code);
      if (toldAt && (code === 'APPLIED' || code === 'LATE_AUTO_REFUNDED'))
        deps.metrics.webhookLag.observe(
          { provider: name },
          Math.max(0, deps.now().getTime() - toldAt.getTime()) / 1000,
        );
      failPoint('payment.webhook_applied');
      return answer(status, code);
    } catch (error) {
      counted(name, isUnavailable(error) ? 'UNAVAILABLE' : 'ERROR');
      if (isUnavailable(error)) {
        deps.log.debug({ err: (error as Error).message, provider: name }, 'a webhook can not be stored now');
        return answer(503, 'SERVICE_UNAVAILABLE');
      }
      deps.log.error({ err: error, provider: name }, 'a webhook can not be applied');
      await storeError(deps, provider, { body, signature }, error as Error).catch((second: Error) =>
        deps.log.error({ err: second }, 'nor stored'),
      );
      return answer(500, 'INTERNAL_SERVER_ERROR');
    }
  };
}

/** Counts what is kept of each kind; says afterwards how many of a minute were not. */
function keepingAllowance(
  deps: Pick<PaymentDeps, 'now' | 'log' | 'metrics'>,
): (kind: Kept, provider: string) => boolean {
  let minute = 0;
  let came: Record<Kept, number> = { forged: 0, repeated: 0 };
  return (kind, provider) => {
    const now = Math.floor(deps.now().getTime() / 60_000);
    if (now !== minute) {
      if (came.forged > keptPerMinute.forged || came.repeated > keptPerMinute.repeated)
        deps.log.warn(came, 'more forged or repeated webhooks within a minute than are kept');
      minute = now;
      came = { forged: 0, repeated: 0 };
    }
    came[kind] += 1;
    if (came[kind] <= keptPerMinute[kind]) return true;
    deps.metrics.webhooksNotKept.inc({ provider, kind });
    return false;
  };
}
