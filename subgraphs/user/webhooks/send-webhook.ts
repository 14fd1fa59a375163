import type { Readable } from 'node:stream';
import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import { firstOf } from '../../shared/values/text.ts';
import type { Delivery } from './delivery-store.ts';
import type { Endpoint } from './endpoint-store.ts';
import { type AddressRule, type Resolve, guardedLookup, urlProblem } from './inward-addresses.ts';
import type { Sealer } from './secrets.ts';

/** What an endpoint answered, or why there is no answer. */
export type Answer = {
  readonly statusCode: number | null;
  readonly responseMs: number;
  /** Null when it took the message: it answered 2xx. */
  readonly error: string | null;
};

/** Sends messages to endpoints. */
export type Sender = {
  send(endpoint: Endpoint, delivery: Delivery): Promise<Answer>;
  close(): Promise<void>;
};

/** So much of an answer is read. */
const maxAnswerBytes = 4_096;
/** So much of what it says is kept. */
const maxErrorLength = 300;

/**
 * Posts messages as Standard Webhooks has them (https://www.standardwebhooks.com), each signed with the endpoint's secret and,
 * for a day after that was replaced, with the one before. Follows no redirect, and connects to public addresses only.
 */
export function createSender(
  deps: { readonly sealer: Sealer; readonly now: () => Date; readonly resolve: Resolve },
  { timeoutMs, ...rule }: AddressRule & { readonly timeoutMs: number },
): Sender {
  const agent = new Agent({
    connect: { lookup: guardedLookup(rule, deps.resolve), timeout: timeoutMs },
    pipelining: 1,
    keepAliveTimeout: 4_000,
  });

  async function post({ url }: Endpoint, headers: Record<string, string>, body: string) {
    // The rule may be stricter than when it was saved, and an address in place of a name is looked at nowhere else.
    const problem = urlProblem(url, rule);
    if (problem !== null) throw new Error(`The URL ${problem}.`);
    const { statusCode, body: answer } = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { statusCode, text: await readBeginning(answer) };
  }

  return {
    async send(endpoint, delivery) {
      const beganMs = performance.now();
      const responseMs = () => Math.round(performance.now() - beganMs);
      try {
        const body = JSON.stringify(delivery.payload);
        const headers = signedHeaders(deps, endpoint, { id: delivery.id, body });
        const { statusCode, text } = await post(endpoint, headers, body);
        const isTaken = statusCode >= 200 && statusCode < 300;
        const error = isTaken ? null : firstOf(`It answered ${statusCode}${text === '' ? '' : `: ${text}`}`, maxErrorLength); // prettier-ignore
        return { statusCode, responseMs: responseMs(), error };
      } catch (error) {
        return { statusCode: null, responseMs: responseMs(), error: firstOf(reasonOf(error), maxErrorLength) };
      }
    },
    close: () => agent.destroy(),
  };
}

/** The headers of one try. */
function signedHeaders(
  { sealer, now }: { readonly sealer: Sealer; readonly now: () => Date },
  { id, secret, previousSecret, previousUntil }: Endpoint,
  message: { readonly id: string; readonly body: string },
): Record<string, string> {
  const at = now();
  const secrets = [sealer.open(secret, id)];
  if (previousSecret !== null && previousUntil !== null && previousUntil > at)
    secrets.push(sealer.open(previousSecret, id));
  const signatures = secrets.map((each) => new Webhook(each).sign(message.id, at, message.body));
  return {
    'content-type': 'application/json',
    'user-agent': 'order-platform-webhooks',
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': signatures.join(' '),
  };
}

/** The beginning of an answer's text. The rest is not waited for; one that breaks off has said enough with its status. */
async function readBeginning(answer: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      parts.push(part);
      sizeBytes += part.length;
      if (sizeBytes >= maxAnswerBytes) break;
    }
  } catch {
    // what came is what there is
  }
  return Buffer.concat(parts).toString('utf8', 0, maxAnswerBytes).replaceAll(/\s+/g, ' ').replaceAll(/\p{Cc}/gu, '').trim(); // prettier-ignore
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: unknown };
  if (name === 'TimeoutError') return 'It did not answer in time.';
  const reason = cause instanceof Error ? cause.message : '';
  return message || reason || name;
}
