import { randomBytes } from 'node:crypto';
import { type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { type Database, type Row, type Sql, insertRows, run, select, write } from '../../shared/database/database.ts';
import { openDependency } from '../../shared/process/dependency.ts';
import type { Logger } from '../../shared/process/telemetry.ts';
import { signatureHeader } from '../domain/signature.ts';

const batchSize = 100;
const concurrency = 16;
const timeoutMs = 5_000;
/** While a delivery runs, nobody else takes it up; longer than its timeout. */
const leaseSeconds = 10;
const firstRetryMs = 500;
const maxRetryMs = 60_000;
/** How long an event waits for a later one to overtake it, when reordering was asked for. */
const reorderMs = 300;

/** Test control: how the webhooks of one intent, or of all, misbehave. Only what is given is changed. */
export const controlBody = z.strictObject({
  intent: z.string().max(40).optional(),
  /** Sent so many times more, all at once. */
  duplicate: z.number().int().min(0).max(20).optional(),
  delayMs: z.number().int().min(0).max(3_600_000).optional(),
  /** An event is held back until the next one of its intent has gone, or for a moment. */
  reorder: z.boolean().optional(),
  /** Not sent at all, until `resend`. */
  drop: z.boolean().optional(),
  /** Sends all events of the intent again, dropped ones too. */
  resend: z.boolean().optional(),
  /** Sends at once what waits for its time or its next try. */
  hurry: z.literal(true).optional(),
  /** What becomes of refunds from now on: done, refused, or left pending until `settle`. */
  refunds: z.enum(['succeed', 'refuse', 'pend']).optional(),
  /** A good card's money is only on its way (`processing`), until `finish`. */
  slow: z.boolean().optional(),
  /** Ends an intent that is processing. */
  finish: z.strictObject({ intent: z.string().max(40), as: z.enum(['succeeded', 'failed']) }).optional(),
  /** Ends a refund: a pending one either way; one that has succeeded can still fail, as a customer's bank may send it back. */
  settle: z.strictObject({ refund: z.string().max(40), as: z.enum(['succeeded', 'failed']) }).optional(),
  /** Sends at once what the provider never said: a payment with a bad signature, an old one, or one with another amount. */
  forge: z.enum(['signature', 'timestamp', 'amount']).optional(),
});
export type Control = z.infer<typeof controlBody>;

type Behaviour = {
  duplicates: number;
  delayMs: number;
  reorder: boolean;
  dropped: boolean;
  refunds: NonNullable<Control['refunds']>;
  slow: boolean;
};
const everyIntent = '*';

/** How the provider behaves about an intent: as it was told for that one, else for all. */
export async function behaviourOf(sql: Sql, intentId: string): Promise<Behaviour> {
  const rows = await select(sql, 'select * from behaviour where intent_id in (?, ?)', [intentId, everyIntent]);
  const row = rows.find((candidate) => candidate['intent_id'] === intentId) ?? rows[0];
  return {
    duplicates: Number(row?.['duplicates'] ?? 0),
    delayMs: Number(row?.['delay_ms'] ?? 0),
    reorder: Number(row?.['reorder'] ?? 0) === 1,
    dropped: Number(row?.['dropped'] ?? 0) === 1,
    refunds: (row?.['refunds'] ?? 'succeed') as Behaviour['refunds'],
    slow: Number(row?.['slow'] ?? 0) === 1,
  };
}

/** Stores an event for the merchant, in the transaction of what it tells. */
export async function oweWebhook(sql: Sql, event: { intentId: string; type: string; object: unknown }): Promise<void> {
  const { duplicates, delayMs, reorder, dropped } = await behaviourOf(sql, event.intentId);
  const id = `evt_${randomBytes(16).toString('hex')}`;
  const now = new Date();
  const dueAt = new Date(now.getTime() + delayMs + (reorder ? reorderMs : 0));
  if (reorder) {
    const after = new Date(dueAt.getTime() + reorderMs);
    await run(
      sql,
      'update webhook set due_at = ? where intent_id = ? and delivered_at is null and due_at is not null',
      [after, event.intentId],
    );
  }
  const body = {
    id,
    object: 'event',
    type: event.type,
    created: Math.floor(now.getTime() / 1000),
    data: { object: event.object },
  };
  await insertRows(sql, 'webhook', [
    {
      id,
      intent_id: event.intentId,
      type: event.type,
      body: JSON.stringify(body),
      copies: 1 + duplicates,
      created_at: now,
      due_at: dropped ? null : dueAt,
      attempts: 0,
    },
  ]);
}

/** Remembers how webhooks are to misbehave. */
export async function storeControl(db: Database, control: Control): Promise<void> {
  await db.transaction(async (sql) => {
    const intentId = control.intent ?? everyIntent;
    const before = await behaviourOf(sql, intentId);
    await run(
      sql,
      `insert into behaviour (intent_id, duplicates, delay_ms, reorder, dropped, refunds, slow) values (?, ?, ?, ?, ?, ?, ?)
       on duplicate key update duplicates = values(duplicates), delay_ms = values(delay_ms), reorder = values(reorder), dropped = values(dropped), refunds = values(refunds), slow = values(slow)`,
      [
        intentId,
        control.duplicate ?? before.duplicates,
        control.delayMs ?? before.delayMs,
        control.reorder ?? before.reorder,
        control.drop ?? before.dropped,
        control.refunds ?? before.refunds,
        control.slow ?? before.slow,
      ],
    );
    if (control.hurry) {
      await run(sql, 'update webhook set due_at = utc_timestamp(3) where due_at is not null', []);
    }
    if (control.resend) {
      const [where, values] = control.intent === undefined ? ['', []] : ['where intent_id = ?', [control.intent]];
      await run(
        sql,
        `update webhook set due_at = utc_timestamp(3), delivered_at = null, attempts = 0 ${where}`,
        values,
      );
    }
  });
}

/** How many events wait to be delivered, dropped ones not counted. */
export async function owedWebhooks(db: Database): Promise<{ owed: number }> {
  const [row] = await select(db.em(), 'select count(*) owed from webhook where due_at is not null', []);
  return { owed: Number(row?.['owed']) };
}

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

  async function deliver(row: Row): Promise<void> {
    const id = String(row['id']);
    const claimed = await write(
      db.em(),
      `update webhook set due_at = utc_timestamp(3) + interval ${leaseSeconds} second, attempts = attempts + 1 where id = ? and due_at <= utc_timestamp(3)`,
      [id],
    );
    if (claimed !== 1) return;
    const answers = await Promise.all(
      Array.from({ length: Number(row['copies']) }, () => send(target, String(row['body'])).catch(nameOf)),
    );
    const delivered = answers.some((answer) => typeof answer === 'number' && answer >= 200 && answer < 300);
    if (delivered || answers.some(isRefusal)) merchant.back();
    else merchant.away(new Error(`it answers a webhook with ${answers[0]}`));
    if (delivered) {
      await run(
        db.em(),
        'update webhook set delivered_at = utc_timestamp(3), due_at = null, last_status = ? where id = ?',
        [String(answers[0]), id],
      );
      return;
    }
    const delayMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(Number(row['attempts']), 10));
    const line = { webhook: id, type: row['type'], answer: answers[0], delayMs };
    if (isRefusal(answers[0])) log.warn(line, 'the merchant refused a webhook; it is sent again');
    else log.debug(line, 'the merchant did not take a webhook; it is sent again');
    await run(
      db.em(),
      'update webhook set due_at = utc_timestamp(3) + interval ? microsecond, last_status = ? where id = ?',
      [delayMs * 1_000, String(answers[0]).slice(0, 40), id],
    );
  }

  async function deliverBatch(): Promise<number> {
    const rows = await select(
      db.em(),
      `select id, type, body, copies, attempts from webhook where due_at <= utc_timestamp(3) order by due_at limit ${batchSize}`,
    );
    const found = rows.length;
    const worker = async (): Promise<void> => {
      for (let row = rows.shift(); row !== undefined; row = rows.shift()) await deliver(row);
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, found) }, worker));
    return found;
  }
  return async () => {
    while ((await deliverBatch()) === batchSize);
  };
}
