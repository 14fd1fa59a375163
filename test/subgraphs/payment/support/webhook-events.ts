import { signatureHeader } from '../../../../subgraphs/payment/domain/signature.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';

export const webhookSecret = 'whsec_simulated_development';

/** An event as the simulated provider would write it: the intent of 12.34 EUR has been paid, but for what is given. */
export const event = (
  intent: string,
  attemptId: string,
  change: Record<string, unknown> = {},
  type = 'payment_intent.succeeded',
  id = `evt_${newId()}`,
) => ({
  id,
  type,
  created: Math.floor(Date.now() / 1000),
  data: {
    object: {
      id: intent,
      amount: 1234,
      amount_received: change['amount'] ?? 1234,
      capture_method: 'automatic',
      currency: 'EUR',
      status: 'succeeded',
      metadata: { attemptId },
      last_payment_error: null,
      ...change,
    },
  },
});

/** A refund of the simulated provider that has been done. `refundId` is ours. */
export const refundEvent = (intent: string, refundId: string, amount: number) => ({
  id: `evt_${newId()}`,
  type: 'charge.refunded',
  created: Math.floor(Date.now() / 1000),
  data: {
    object: { id: `re_${newId()}`, payment_intent: intent, amount, currency: 'EUR', status: 'succeeded', metadata: { refundId } },
  },
}); // prettier-ignore

/** Delivers an event, signed now with the provider's secret unless another or a header is given; `''` sends none. */
export async function postEvent(
  url: string,
  body: unknown,
  options: { header?: string; secret?: string } = {},
): Promise<{ status: number; code: string }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const header =
    options.header ?? signatureHeader(options.secret ?? webhookSecret, Math.floor(Date.now() / 1000), text);
  const response = await fetch(url, {
    method: 'POST',
    headers: header === '' ? {} : { 'simulated-signature': header },
    body: text,
  });
  return { status: response.status, code: ((await response.json()) as { code: string }).code };
}
