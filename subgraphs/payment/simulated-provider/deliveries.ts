import { randomBytes } from 'node:crypto';
import { type Dispatcher, request } from 'undici';
import type { Database } from '../../shared/database/database.ts';
import { openDependency } from '../../shared/process/dependency.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import { signatureHeader } from '../domain/signature.ts';
import { type DueWebhook, findDueWebhooks, leaseWebhook, storeDelivered, storeUndelivered } from './webhook-store.ts';
import type { Control } from './webhooks.ts';

const batchSize = 100;
const concurrency = 16;
const timeoutMs = 5_000;
/** While a delivery runs, nobody else takes it up; longer than its timeout. */
const leaseSeconds = 10;
const firstRetryMs = 500;
const maxRetryMs = 60_000;

export type Target = { readonly url: string; readonly secret: string };

async function send(
  target: Target,
  body: string,
  options: { secret?: string; seconds?: number; dispatcher?: Dispatcher } = {},
): Promise<number> {
  const seconds = options.seconds ?? Math.floor(Date.now() / 1000);
  const response = await request(target.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'simulated-signature': signatureHeader(options.secret ?? target.secret, seconds, body),
    },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  });
  await response.body.dump();
  return response.statusCode;
}

/** Sends what the provider never said; answers with the merchant's status. */
export async function forge(
  target: Target,
  kind: NonNullable<Control['forge']>,
  intent: { id: string; amount: number },
): Promise<{ status: number; event: string }> {
  const object = {
    ...intent,
    status: 'succeeded',
    last_payment_error: null,
    ...(kind === 'amount' ? { amount: intent.amount - 1 } : {}),
  };
  const id = `evt_${randomBytes(16).toString('hex')}`;
  const seconds = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    id,
    object: 'event',
    type: 'payment_intent.succeeded',
    created: seconds,
    data: { object },
  });
  const status = await send(target, body, {
    ...(kind === 'signature' ? { secret: 'whsec_of_somebody_else' } : {}),
    ...(kind === 'timestamp' ? { seconds: seconds - 3_600 } : {}),
  });
  return { status, event: id };
}

/** A time-out's code is a number, which would pass for a status. */
const nameOf = ({ code, name }: Error & { code?: unknown }): string => (typeof code === 'string' ? code : name);

/** It was read, and the merchant does not want it. */
const isRefusal = (answer: number | string | undefined): boolean =>
  typeof answer === 'number' && answer >= 400 && answer < 500;

/** A turn of sending what is due, signed anew each time, again with back-off until the merchant answers 2xx. Survives a restart: what is owed is in the database. */
export function openDeliveries(options: { db: Database; target: Target; log: Logger }): () => Promise<void> {
  const { db, target, log } = options;
  const merchant = openDependency({ name: 'merchant', setting: 'SIMULATED_WEBHOOK_URL', log }).part();

  async function deliver(webhook: DueWebhook): Promise<void> {
    const { id, type, body } = webhook;
    if (!(await leaseWebhook(db.em(), id, leaseSeconds))) return;
    const answers = await Promise.all(Array.from({ length: webhook.copies }, () => send(target, body).catch(nameOf)));
    const delivered = answers.some((answer) => typeof answer === 'number' && answer >= 200 && answer < 300);
    if (delivered || answers.some(isRefusal)) merchant.back();
    else merchant.away(new Error(`it answers a webhook with ${answers[0]}`));
    if (delivered) {
      await storeDelivered(db.em(), id, String(answers[0]));
      return;
    }
    const delayMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(webhook.attempts, 10));
    const line = { webhook: id, type, answer: answers[0], delayMs };
    if (isRefusal(answers[0])) log.warn(line, 'the merchant refused a webhook; it is sent again');
    else log.debug(line, 'the merchant did not take a webhook; it is sent again');
    await storeUndelivered(db.em(), id, { delayMs, status: String(answers[0]).slice(0, 40) });
  }

  async function deliverBatch(): Promise<number> {
    const due = await findDueWebhooks(db.em(), batchSize);
    const found = due.length;
    const worker = async (): Promise<void> => {
      for (let webhook = due.shift(); webhook !== undefined; webhook = due.shift()) await deliver(webhook);
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, found) }, worker));
    return found;
  }
  return async () => {
    while ((await deliverBatch()) === batchSize);
  };
}
