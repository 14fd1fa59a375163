import { Agent, request } from 'undici';
import type { NotificationConfig } from './config.ts';
import type { Message } from './message.ts';
import type { Outcome, Outgoing, Sender } from './sender.ts';

const connectTimeoutMs = 10_000;
const answerTimeoutMs = 20_000;

/** Nothing reached the gateway. */
const notReached: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** Of answers from 400 to 499, those after which another try may do: a wrong secret is mended, a limit passes. */
const passing: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

/** A message as a short text. */
const shortText = ({ subject, code }: Message, shop: string): string =>
  `${shop}: ${subject}${code === null ? '' : `. ${code.label}: ${code.value}`}`;

/**
 * SMS by a gateway of the operator's choice: a POST of `{ type: "sms.send", timestamp, data: { to, text, kind, language } }`,
 * signed as Standard Webhooks, whose `webhook-id` is the same for each try. No redirect is followed.
 *
 * @see https://www.standardwebhooks.com/
 */
export async function openSmsSender(
  { url, secret }: NonNullable<NotificationConfig['sms']>,
  { now, shop }: { now: () => Date; shop: string },
): Promise<Sender> {
  const { Webhook } = await import('standardwebhooks');
  const webhook = new Webhook(secret);
  const dispatcher = new Agent({ connect: { timeout: connectTimeoutMs }, headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs }); // prettier-ignore

  async function send({ id, to, message }: Outgoing): Promise<Outcome> {
    const at = now();
    const data = { to, text: shortText(message, shop), kind: message.kind, language: message.language };
    const body = JSON.stringify({ type: 'sms.send', timestamp: at.toISOString(), data });
    const webhookId = `msg_${id}`;
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher,
        headers: {
          'content-type': 'application/json',
          'webhook-id': webhookId,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': webhook.sign(webhookId, at, body),
        },
        body,
      });
      await answer.body.dump();
      return outcomeOf(answer.statusCode);
    } catch (cause) {
      const { message: error, code } = cause as Error & { code?: string };
      return notReached.has(code) ? { outcome: 'REFUSED', error, isForGood: false } : { outcome: 'UNKNOWN', error };
    }
  }
  return { send, close: () => dispatcher.close() };
}

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return { outcome: 'SENT' };
  const isForGood = status < 500 && !passing.has(status);
  return { outcome: 'REFUSED', error: `The SMS gateway answered ${status}`, isForGood };
}
