import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type JournalEntry,
  entryHash,
  genesisHash,
  isIntact,
  maxReasonLength,
  toEntry,
  withTexts,
  withoutErasing,
} from '../../../subgraphs/order/domain/journal.ts';
import type { OrderEvent } from '../../../subgraphs/order/domain/order-model.ts';
import { holds, rechained, stripped } from '../../../subgraphs/order/erasure/erase-customer.ts';
import { forReader, historyPage, toHistory } from '../../../subgraphs/order/queries.ts';
import { commands, inTime } from './fixtures.ts';

const orderId = newId();
const chain = (events: readonly OrderEvent[]): JournalEntry[] => {
  let previousHash: Buffer = genesisHash;
  return events.map((event, index) => {
    const entry = toEntry(event, {
      id: newId(), orderId, seq: index + 1, previousHash, fromState: null, actor: { type: 'SYSTEM', id: null }, at: inTime, traceId: 'a'.repeat(32), salt: 'b'.repeat(32),
    }); // prettier-ignore
    previousHash = entry.hash;
    return entry;
  });
};
/** Seq of the first entry whose hash is not that of its content and the entry before; null for a whole chain. */
const firstBroken = (entries: readonly JournalEntry[]): number | null => {
  let previous: Buffer = genesisHash;
  for (const entry of entries) {
    if (!isIntact(previous, entry)) return entry.seq;
    previous = entry.hash;
  }
  return null;
};

const { type: _, ...payment } = commands.MarkPaid;
const life: readonly OrderEvent[] = [
  { type: 'OrderPlaced', data: { type: 'STANDARD', totalMinor: 5_000n } },
  { type: 'StockReserved' },
  { type: 'OrderPaid', ...payment },
  { type: 'OrderPaid', paymentId: null, amountMinor: 0n, method: 'NONE', paidAt: payment.paidAt, advances: true },
  { type: 'ProcessingStarted' },
  { type: 'OrderCompleted' },
];

describe('the hash chain', () => {
  test('holds as it was written', () => {
    expect(firstBroken(chain(life))).toBeNull();
  });

  test('[ZO-6] begins at 32 zero bytes and is SHA-256 all along', () => {
    expect(genesisHash).toEqual(Buffer.alloc(32));
    for (const entry of chain(life)) expect(entry.hash).toHaveLength(32);
  });

  const forgeries: { readonly [Field in Exclude<keyof JournalEntry, 'hash'>]: JournalEntry[Field] } = {
    id: newId(),
    orderId: newId(),
    seq: 7,
    type: 'OrderExpired',
    fromState: 'PAID',
    toState: 'CANCELLED',
    actor: { type: 'STAFF', id: 'somebody' },
    reason: 'a better one',
    data: { amountMinor: 1 },
    texts: { salt: 'c'.repeat(32), reason: 'a better one' },
    textsHash: Buffer.alloc(32, 1),
    at: new Date(inTime.getTime() + 1),
    traceId: 'b'.repeat(32),
  };
  for (const [field, value] of Object.entries(forgeries))
    test(`breaks at an entry whose ${field} was changed`, () => {
      const entries = chain(life);
      entries[2] = { ...(entries[2] as JournalEntry), [field]: value };
      expect(firstBroken(entries)).toBe(field === 'seq' ? 7 : 3);
    });

  test("breaks when an actor's id alone was changed", () => {
    const entries = chain(life);
    entries[0] = { ...(entries[0] as JournalEntry), actor: { type: 'SYSTEM', id: 'x' } };
    expect(firstBroken(entries)).toBe(1);
  });

  test('[ZO-6] breaks when an entry was removed, doubled or moved', () => {
    const [one, two, three, four, five] = chain(life) as [JournalEntry, JournalEntry, JournalEntry, JournalEntry, JournalEntry]; // prettier-ignore
    expect(firstBroken([one, three, four, five])).toBe(3);
    expect(firstBroken([one, two, two, three, four, five])).toBe(2);
    expect(firstBroken([one, three, two, four, five])).toBe(3);
  });

  test('does not depend on the sequence of members in the data', () => {
    const [entry] = chain([{ type: 'OrderPlaced', data: { a: 1, b: 2 } }]) as [JournalEntry];
    expect(entryHash(genesisHash, { ...entry, data: { b: 2, a: 1 } })).toEqual(entry.hash);
  });
});

describe('what an entry keeps', () => {
  test('survives JSON, whatever the event: amounts are numbers, times are text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 9_007_199_254_740_991n }), (amountMinor) => {
        const [entry] = chain([{ type: 'OrderPaid', ...payment, amountMinor }]) as [JournalEntry];
        expect(JSON.parse(JSON.stringify(entry.data))).toEqual(entry.data);
        expect(entry.data).toMatchObject({ amountMinor: Number(amountMinor), paidAt: inTime.toISOString() });
      }),
    );
  });

  test('of a reason is what fits into its column, so that the hash can be recomputed from the row', () => {
    const long = `${'x'.repeat(maxReasonLength - 1)}😀 and more`;
    const [entry] = chain([{ type: 'AttentionNeeded', error: long }]) as [JournalEntry];
    // The column counts code points.
    const { reason } = withTexts(entry);
    expect(Array.from(reason ?? '')).toHaveLength(maxReasonLength);
    expect(reason?.isWellFormed()).toBe(true);
  });

  test('of text that is no valid Unicode is valid Unicode', () => {
    const [entry] = chain([{ type: 'AdvancePostponed', error: 'half a \ud83d', nextAt: inTime }]) as [JournalEntry];
    expect(String(withTexts(entry).data?.['error']).isWellFormed()).toBe(true);
  });
});

describe('what people wrote', () => {
  const written: readonly OrderEvent[] = [
    ...life,
    { type: 'RemarkChanged', remark: 'for Ada' },
    { type: 'RefundRequested', requestId: newId(), amountMinor: 1n, taxMinor: 0n, lines: [], shippingMinor: 0n, restock: [], reason: 'Ada was sad', requestedBy: null },
    { type: 'NoteAdded', note: 'Ada called', public: false },
  ]; // prettier-ignore

  test('[PM-5] can be erased, and the chain holds', () => {
    const erased = chain(written).map((entry) => ({ ...entry, texts: null }));
    expect(firstBroken(erased)).toBeNull();
    expect(JSON.stringify(erased)).not.toContain('Ada');
  });

  test('breaks the chain where it was changed instead', () => {
    const entries = chain(written);
    const [texts, seq] = [{ salt: 'b'.repeat(32), data: { remark: 'for Bob' } }, life.length + 1];
    entries[seq - 1] = { ...(entries[seq - 1] as JournalEntry), texts };
    expect(firstBroken(entries)).toBe(seq);
  });

  test('[PM-5] is missed where it is gone and no erasing comes after it', () => {
    const missed = (entries: readonly JournalEntry[]) => entries.reduce<readonly number[]>(withoutErasing, []);
    const bare = (entries: readonly JournalEntry[]) => entries.map((entry) => ({ ...entry, texts: null }));
    const erasing: OrderEvent = { type: 'PersonalDataErased' };
    expect(missed(chain(written))).toEqual([]);
    expect(missed(bare(chain(written)))).toEqual([7, 8, 9]);
    expect(missed(bare(chain([...written, erasing])))).toEqual([]);
    expect(missed(bare(chain([erasing, ...written])))).toEqual([8, 9, 10]);
    expect(missed(bare(chain([...written, erasing, { type: 'NoteAdded', note: 'later', public: true }])))).toEqual([
      11,
    ]);
  });

  test('[PM-5] of a journal that does not hold goes, and no new hash hides what is wrong', () => {
    let previous: Buffer = genesisHash;
    const old = chain(written).map((entry) => {
      const whole = { ...withTexts(entry), texts: null, textsHash: null };
      previous = entryHash(previous, whole);
      return { ...whole, hash: previous };
    });
    expect(holds(old, previous)).toBe(true);
    expect(holds(old, genesisHash)).toBe(false);
    expect(holds(old.slice(0, -1), previous)).toBe(false);
    const forged = old.map((entry) => (entry.seq === 3 ? { ...entry, data: { amountMinor: 1 } } : entry));
    expect(holds(forged, previous)).toBe(false);
    const erased = forged.map((entry) => stripped(forged).find(({ seq }) => seq === entry.seq) ?? entry);
    expect(JSON.stringify(erased)).not.toContain('Ada');
    expect(erased.map(({ hash }) => hash)).toEqual(old.map(({ hash }) => hash));
    expect(firstBroken(erased)).toBe(3);
  });

  test('[PM-5] of journals that hashed it is taken out with new hashes from there on, and the chain holds', () => {
    // As entries were before texts stood apart: all in one, and hashed so.
    let previous: Buffer = genesisHash;
    const old = chain(written).map((entry) => {
      const whole = { ...withTexts(entry), texts: null, textsHash: null };
      previous = entryHash(previous, whole);
      return { ...whole, hash: previous };
    });
    expect(firstBroken(old)).toBeNull();
    const rewritten = rechained(old);
    expect(rewritten.map(({ seq }) => seq)).toEqual([7, 8, 9]);
    const erased = [...old.slice(0, 6), ...rewritten];
    expect(firstBroken(erased)).toBeNull();
    expect(JSON.stringify(erased)).not.toContain('Ada');
    expect(rechained(erased)).toEqual([]);
    expect(rechained(chain(written))).toEqual([]);
  });
});

describe('a note', () => {
  const [hidden, open] = chain([
    { type: 'NoteAdded', note: 'a liar', public: false },
    { type: 'NoteAdded', note: 'on its way', public: true },
  ]) as [JournalEntry, JournalEntry];

  test('that is private shows its text to staff alone', () => {
    expect(forReader(hidden, true).data).toEqual({ note: 'a liar', public: false });
    expect(forReader(hidden, false)).toEqual({ ...hidden, data: null, texts: null });
  });

  test('that is public shows it to everybody', () => {
    expect(forReader(open, false).data).toEqual({ note: 'on its way', public: true });
  });
});

test('a history starts after the larger of cursor and afterSeq', () => {
  const entries = chain(life.slice(0, 3));
  const after = toHistory(entries, historyPage(orderId, {})).pageInfo.endCursor;
  const startOf = (args: Parameters<typeof historyPage>[1]) => historyPage(orderId, args).afterSeq;
  expect(startOf({})).toBe(0);
  expect(startOf({ afterSeq: 5, after })).toBe(5);
  expect(startOf({ afterSeq: 2, after })).toBe(3);
  for (const wrong of [{ afterSeq: -1 }, { after: 'x' }, { after: Buffer.from('[3]').toString('base64url') }])
    expect(() => startOf(wrong)).toThrow(/^after/);
  expect(() => historyPage(newId(), { after })).toThrow(/^after/);
});
