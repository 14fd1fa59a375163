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
export const leaseSeconds = 10;
/** So many are sent as soon as they are owed; further ones wait for the next turn. */
const maxAtOnce = 64;
/** What was taken within so long is noted together. A process that dies before sends it again. */
const noteAfterMs = 20;
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

export type Deliveries = {
  /** Sends what is due, signed anew each time, again with back-off until the merchant answers 2xx. Survives a restart: what is owed is in the database. */
  turn(): Promise<void>;
  /** Whether what is owed now may be sent at once. */
  hasRoom(): boolean;
  /** Sends an event that was stored as leased to this process. Returns at once. */
  deliver(webhook: DueWebhook): void;
  close(): Promise<void>;
};

/** `onFailed`: what was sent at once was not taken, and the next turn has to be found anew. */
export function openDeliveries(options: {
  db: Database;
  target: Target;
  log: Logger;
  onFailed: () => void;
}): Deliveries {
  const { db, target, log, onFailed } = options;
  const merchant = openDependency({ name: 'merchant', setting: 'SIMULATED_WEBHOOK_URL', log }).part();
  const taken = openNotes(db, log);
  const underWay = new Set<Promise<void>>();

  /** Whether the merchant has taken it. */
  async function attempt(webhook: DueWebhook): Promise<boolean> {
    const { id, type, body } = webhook;
    const answers = await Promise.all(Array.from({ length: webhook.copies }, () => send(target, body).catch(nameOf)));
    const delivered = answers.some((answer) => typeof answer === 'number' && answer >= 200 && answer < 300);
    if (delivered || answers.some(isRefusal)) merchant.back();
    else merchant.away(new Error(`it answers a webhook with ${answers[0]}`));
    if (delivered) {
      taken.note(id, String(answers[0]));
      return true;
    }
    const delayMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(webhook.attempts, 10));
    const line = { webhook: id, type, answer: answers[0], delayMs };
    if (isRefusal(answers[0])) log.warn(line, 'the merchant refused a webhook; it is sent again');
    else log.debug(line, 'the merchant did not take a webhook; it is sent again');
    await storeUndelivered(db.em(), id, { delayMs, status: String(answers[0]).slice(0, 40) });
    return false;
  }

  async function deliverBatch(): Promise<number> {
    const due = await findDueWebhooks(db.em(), batchSize);
    const found = due.length;
    const worker = async (): Promise<void> => {
      for (let webhook = due.shift(); webhook !== undefined; webhook = due.shift())
        if (await leaseWebhook(db.em(), webhook.id, leaseSeconds)) await attempt(webhook);
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, found) }, worker));
    return found;
  }
  return {
    async turn() {
      while ((await deliverBatch()) === batchSize);
    },
    hasRoom: () => underWay.size < maxAtOnce,
    deliver(webhook) {
      const sending: Promise<void> = attempt(webhook)
        .then((isTaken) => (isTaken ? undefined : onFailed()))
        .catch((error: Error) => log.debug({ err: error.message }, 'a webhook is sent again once its lease has ended'))
        .finally(() => underWay.delete(sending));
      underWay.add(sending);
    },
    async close() {
      await Promise.all(underWay);
      await taken.close();
    },
  };
}

/** Notes what the merchant has taken, in one statement for all that comes soon after the first. */
function openNotes(db: Database, log: Logger): { note(id: string, status: string): void; close(): Promise<void> } {
  let noted = new Map<string, string[]>();
  let timer: NodeJS.Timeout | undefined;
  let storing: Promise<void> = Promise.resolve();
  async function store(): Promise<void> {
    const now = noted;
    noted = new Map();
    timer = undefined;
    try {
      for (const [status, ids] of now) await storeDelivered(db.em(), ids, status);
    } catch (error) {
      log.debug({ err: (error as Error).message }, 'deliveries were not noted; they are sent again');
    }
  }
  const flush = (): Promise<void> => (storing = storing.then(store));
  return {
    note(id, status) {
      noted.set(status, [...(noted.get(status) ?? []), id]);
      timer ??= setTimeout(() => void flush(), noteAfterMs);
    },
    async close() {
      clearTimeout(timer);
      await flush();
    },
  };
}
