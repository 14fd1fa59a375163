import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Actor, JsonObject, OrderEvent, OrderState } from './order-model.ts';
import { stateAfter } from './order.ts';
import { firstOf } from '../../shared/values/text.ts';

/** Texts by their names in `data`, or `reason`. The salt keeps what was erased from being guessed by its hash. */
export type JournalTexts = {
  readonly salt: string;
  readonly reason?: string;
  readonly data?: Readonly<Record<string, string>>;
};

/** One row of the journal as it is hashed, stored and shown. */
export type JournalEntry = {
  readonly id: string;
  readonly orderId: string;
  readonly seq: number;
  readonly type: OrderEvent['type'];
  readonly fromState: OrderState | null;
  readonly toState: OrderState | null;
  readonly actor: Actor;
  readonly reason: string | null;
  readonly data: JsonObject | null;
  /** What people wrote, beside what is hashed: null where nothing was written, and where it was erased. */
  readonly texts: JournalTexts | null;
  /** SHA-256 of the texts, which stays when they are erased; null where nothing was written. */
  readonly textsHash: Buffer | null;
  readonly at: Date;
  readonly traceId: string;
  readonly hash: Buffer;
};

/** Characters of a reason that its column keeps. */
export const maxReasonLength = 1_024;

/** The hash before the first entry: 32 zero bytes. */
export const genesisHash = Buffer.alloc(32);

/**
 * SHA-256 over the previous hash and the canonical JSON (RFC 8785) of all other fields, so that no entry can be changed,
 * removed or slipped in without breaking every later one. Of what people wrote it has the hash: a person's texts can be erased.
 */
export function entryHash(previous: Buffer, entry: Omit<JournalEntry, 'hash'>): Buffer {
  const { id, orderId, seq, type, fromState, toState, actor, reason, data, textsHash, traceId } = entry;
  const row = {
    id,
    orderId,
    seq,
    type,
    fromState,
    toState,
    actorType: actor.type,
    actorId: actor.id,
    reason,
    data,
    at: entry.at.toISOString(),
    traceId,
    // Entries without texts, and those of versions that hashed the texts themselves, have no such member.
    ...(textsHash !== null && { textsHash: textsHash.toString('hex') }),
  };
  return createHash('sha256')
    .update(previous)
    .update(canonicalize(row) ?? '')
    .digest();
}

/** The journal entry of an event. */
export function toEntry(
  event: OrderEvent,
  context: {
    id: string;
    orderId: string;
    seq: number;
    previousHash: Buffer;
    fromState: OrderState | null;
    actor: Actor;
    at: Date;
    traceId: string;
    /** Random, for the texts: 128 bits in hex. */
    salt: string;
  },
): JournalEntry {
  const { reason: whole, data } = describe(event);
  // As the row keeps it, or the hash could not be recomputed from the row.
  const reason = whole === null || whole === undefined ? null : firstOf(whole, maxReasonLength).toWellFormed();
  const { previousHash, salt, id, orderId, seq, fromState, actor, at, traceId } = context;
  const entry = {
    id,
    orderId,
    seq,
    fromState,
    actor,
    at,
    traceId,
    type: event.type,
    toState: stateAfter(event),
    ...withoutTexts({ type: event.type, reason, data }, salt),
  };
  return { ...entry, hash: entryHash(previousHash, entry) };
}

/** Members of `data` in which people write, or which lead to one. */
const textNames = ['note', 'remark', 'reason', 'error', 'trackingNumber', 'trackingUrl'] as const;
/** Of these events `reason` is what people wrote, of others a code. */
const writtenReasons: ReadonlySet<OrderEvent['type']> = new Set(['RefundRequested', 'AttentionNeeded']);
/** Of these, `data.reason` is a code. */
const codedData: ReadonlySet<OrderEvent['type']> = new Set(['DisputeRecorded', 'OrderPlaced', 'PlacingFailed']);

/** An entry's content as it is stored: what people wrote beside the rest. */
export function withoutTexts(
  { type, reason, data }: Pick<JournalEntry, 'type' | 'reason' | 'data'>,
  salt: string,
): Pick<JournalEntry, 'reason' | 'data' | 'texts' | 'textsHash'> {
  const written = codedData.has(type) ? [] : textNames.filter((name) => typeof data?.[name] === 'string');
  const ownReason = writtenReasons.has(type) && reason !== null;
  if (written.length === 0 && !ownReason) return { reason, data, texts: null, textsHash: null };
  const rest = Object.entries(data ?? {}).filter(([name]) => !written.some((each) => each === name));
  const texts: JournalTexts = {
    salt,
    ...(ownReason && { reason }),
    ...(written.length > 0 && { data: Object.fromEntries(written.map((name) => [name, String(data?.[name])])) }),
  };
  return {
    reason: ownReason ? null : reason,
    data: rest.length === 0 ? null : Object.fromEntries(rest),
    texts,
    textsHash: textsHashOf(texts),
  };
}

/** What `JournalEntry.textsHash` has to be. */
const textsHashOf = (texts: JournalTexts): Buffer =>
  createHash('sha256')
    .update(canonicalize(texts) ?? '')
    .digest();

/**
 * Whether an entry is what was hashed after the entry before it. One without its texts is; `withoutErasing` says whether they may
 * be missing.
 */
export const isIntact = (previous: Buffer, entry: JournalEntry): boolean =>
  entryHash(previous, entry).equals(entry.hash) &&
  (entry.texts === null || entry.textsHash?.equals(textsHashOf(entry.texts)) === true);

/**
 * Seqs of entries whose texts are gone and no erasing says so, up to this entry; `before`: those up to the entry before it. Texts
 * go with a `PersonalDataErased` that comes after them.
 */
export const withoutErasing = (
  before: readonly number[],
  { seq, type, texts, textsHash }: Pick<JournalEntry, 'seq' | 'type' | 'texts' | 'textsHash'>,
): readonly number[] => {
  if (type === 'PersonalDataErased') return [];
  return textsHash !== null && texts === null ? [...before, seq] : before;
};

/** An entry as people read it: with the texts in their places, as far as they were not erased. */
export const withTexts = (entry: JournalEntry): JournalEntry =>
  entry.texts === null
    ? entry
    : {
        ...entry,
        reason: entry.texts.reason ?? entry.reason,
        data: entry.texts.data ? { ...entry.data, ...entry.texts.data } : entry.data,
      };

/** JSON with amounts as numbers, times as ISO text and no halves of characters, which canonical JSON doesn't know. */
const json = (value: unknown): Record<string, unknown> =>
  JSON.parse(
    JSON.stringify(value, (_, member: unknown) =>
      typeof member === 'bigint' ? Number(member) : typeof member === 'string' ? member.toWellFormed() : member,
    ),
  ) as Record<string, unknown>;

/** As `json`; null where nothing is left. */
function orNull(value: object): JsonObject | null {
  const data = json(value);
  return Object.keys(data).length === 0 ? null : data;
}

/** What the journal keeps of an event beside the states. */
function describe(event: OrderEvent): Pick<JournalEntry, 'reason' | 'data'> {
  switch (event.type) {
    case 'OrderPlaced':
      return { reason: null, data: json(event.data) };
    case 'PlacingFailed':
      return { reason: event.reason, data: event.detail === null ? null : json({ detail: event.detail }) };
    case 'OrderCancelled':
      return { reason: event.reason, data: orNull({ note: event.note ?? undefined, refundMinor: event.refundMinor }) };
    case 'OrderRefunded':
      return { reason: null, data: orNull({ ...event, type: undefined }) };
    case 'LinesCancelled':
      return { reason: event.reason, data: json({ note: event.note ?? undefined, lines: event.lines }) };
    case 'RefundRequested': {
      const { type: _, reason, ...data } = event;
      return { reason, data: json(data) };
    }
    case 'OrderExpired':
      return { reason: 'PAYMENT_TIMEOUT', data: event.parts ? json({ parts: event.parts }) : null };
    case 'PaymentRefused':
    case 'OrderPaid':
    case 'PartPaymentReceived':
      return {
        reason: event.reason ?? null,
        data: json({
          paymentId: event.paymentId,
          amountMinor: event.amountMinor,
          method: event.method,
          paidAt: event.paidAt,
          countedMinor: event.countedMinor,
        }),
      };
    case 'AttentionNeeded':
      return { reason: event.error, data: null };
    case 'StockReserved':
    case 'ProcessingStarted':
    case 'OrderCompleted':
    case 'OrderRedeemed':
    case 'OrderLapsed':
    case 'OrderArchived':
    case 'OrderUnarchived':
      return { reason: null, data: null };
    default: {
      const { type: _, ...data } = event;
      return { reason: null, data: json(data) };
    }
  }
}
