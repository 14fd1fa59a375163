import { isUnavailable } from '../shared/errors.ts';
import { failPoint } from '../shared/fail-point.ts';
import { type Route, jsonResponse } from '../shared/subgraph.ts';
import { receiveWebhook, storeError, storeRejected } from './commands/receive-webhook.ts';
import type { PaymentDeps } from './context.ts';

const maxBodyBytes = 64 * 1024;
/** Forged deliveries kept per minute and process; further ones are refused all the same, and only counted in the log. */
const maxForgedPerMinute = 60;

/**
 * `POST /webhooks/:provider`, open to the world: the signature is the proof. 200 once it is stored and applied; 400 for
 * what is not signed or can't be read; 503 when it can't be stored now, so that the provider tries again.
 */
export function webhookRoute(deps: PaymentDeps): Route {
  let minute = 0;
  let forged = 0;
  const mayStoreForged = (): boolean => {
    const now = Math.floor(deps.now().getTime() / 60_000);
    if (now !== minute) {
      if (forged > maxForgedPerMinute) deps.log.warn({ forged }, 'forged webhooks within a minute');
      minute = now;
      forged = 0;
    }
    forged += 1;
    return forged <= maxForgedPerMinute;
  };

  return async ({ headers, body }, { provider: name }) => {
    const provider = [...deps.providers.values()].find((candidate) => candidate.name === name);
    if (!provider) return jsonResponse(404, { code: 'UNKNOWN_PROVIDER' });
    if (body.length > maxBodyBytes) return jsonResponse(413, { code: 'BODY_TOO_LARGE' });
    const signature = String(headers[`${name}-signature`] ?? '').slice(0, 512);
    try {
      const refused = provider.checkSignature(headers, body, deps.now());
      if (refused !== null) {
        deps.log.warn({ provider: name, code: refused }, 'webhook with a bad signature');
        if (mayStoreForged())
          await storeRejected(deps, provider.name, { body, signature, outcome: 'REJECTED_SIGNATURE', error: refused });
        return jsonResponse(400, { code: refused });
      }
      const { status, code } = await receiveWebhook(deps, provider, { headers, body, signature });
      failPoint('payment.webhook_applied');
      return jsonResponse(status, { code });
    } catch (error) {
      if (isUnavailable(error)) {
        deps.log.warn({ err: (error as Error).message, provider: name }, 'a webhook can not be stored now');
        return jsonResponse(503, { code: 'SERVICE_UNAVAILABLE' });
      }
      deps.log.error({ err: error, provider: name }, 'a webhook can not be applied');
      await storeError(deps, provider, { body, signature }, error as Error).catch((second: Error) =>
        deps.log.error({ err: second }, 'nor stored'),
      );
      return jsonResponse(500, { code: 'INTERNAL_SERVER_ERROR' });
    }
  };
}
