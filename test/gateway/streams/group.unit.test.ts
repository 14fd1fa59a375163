import { describe, expect, test } from '@jest/globals';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { type GroupOptions, type Member, maxQueued, openGroup } from '../../../gateway/streams/group.ts';
import type { StreamKind } from '../../../gateway/streams/kinds.ts';
import type { Upstream, UpstreamStep } from '../../../gateway/streams/upstream.ts';

/** A journal that grows by `write`; what it holds can be opened after any entry, as at the order subgraph. */
function openSource(kind: StreamKind | null) {
  const entries: UpstreamStep[] = [];
  const wakes = new Set<() => void>();
  const counted: Record<string, number> = {};
  const opened: (number | null)[] = [];
  let open = 0;
  let ended = 0;
  const upstream = (afterSeq: number | null): Upstream => {
    opened.push(afterSeq);
    open += 1;
    let at = afterSeq ?? entries.length;
    let closed = false;
    let position = afterSeq;
    return {
      async next() {
        while (!closed && at >= entries.length) await new Promise<void>((resolve) => wakes.add(resolve));
        if (closed) return { end: null };
        const step = entries[at] as UpstreamStep;
        at += 1;
        if ('mark' in step && typeof step.mark === 'number') position = step.mark;
        return step;
      },
      position: () => position,
      close() {
        if (!closed) open -= 1;
        closed = true;
        for (const wake of wakes) wake();
      },
    };
  };
  const options: GroupOptions = {
    kind,
    startAfter: null,
    open: upstream,
    execute: async (event) => ({ data: { told: event.data } }),
    count: (outcome) => (counted[outcome] = (counted[outcome] ?? 0) + 1),
    onEnd: () => (ended += 1),
  };
  const push = (step: UpstreamStep) => {
    entries.push(step);
    for (const wake of wakes) wake();
    wakes.clear();
  };
  return {
    options,
    counted,
    opened,
    state: () => ({ open, ended }),
    write: (mark: number | string | null = entries.length + 1, value: unknown = mark) => push({ event: { data: { value } }, mark }), // prettier-ignore
    finish: (errors: readonly GraphQLError[] | null) => push({ end: errors }),
  };
}

const journal: StreamKind = { kind: 'journal' };
const stock: StreamKind = { kind: 'states', identity: 'id', begins: 'with changes' };
const payments: StreamKind = { kind: 'states', identity: 'id', begins: 'with states' };
const told = (result: ExecutionResult | undefined) => (result?.data as { told: { value: unknown } } | undefined)?.told.value; // prettier-ignore
async function take(member: Member, count: number): Promise<unknown[]> {
  const values: unknown[] = [];
  while (values.length < count) values.push(told(await member.next()));
  return values;
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('clients that share a stream', () => {
  test('each get every event, executed once', async () => {
    const source = openSource(journal);
    const group = openGroup({ ...source.options, startAfter: 0 });
    const members = [group.join(0), group.join(0), group.join(0)];
    const taken = Promise.all(members.map((member) => take(member, 5)));
    for (const _ of range(1, 5)) source.write();
    expect(await taken).toEqual([range(1, 5), range(1, 5), range(1, 5)]);
    expect(source.counted).toEqual({ executed: 5, delivered: 15 });
    expect(source.opened).toEqual([0]);
  });

  test('close it when the last has left, and a waiting one is let go', async () => {
    const source = openSource(journal);
    const group = openGroup(source.options);
    const [one, other] = [group.join(null), group.join(null)];
    const waiting = one.next();
    one.leave();
    expect(await waiting).toBeUndefined();
    expect(source.state()).toEqual({ open: 1, ended: 0 });
    other.leave();
    other.leave();
    expect(source.state()).toEqual({ open: 0, ended: 1 });
    expect(group.isOpenTo(null)).toBe(false);
  });

  test('all learn of its end: a refusal, an error after events, the end', async () => {
    const cases: [number, readonly GraphQLError[] | null, unknown][] = [
      [0, [new GraphQLError('no')], { errors: [{ message: 'no' }] }],
      [1, [new GraphQLError('broke')], new GraphQLError('broke')],
      [1, null, undefined],
    ];
    for (const [events, errors, expected] of cases) {
      const source = openSource(journal);
      const group = openGroup(source.options);
      const members = [group.join(null), group.join(null)];
      const taken = Promise.all(members.map((member) => take(member, events)));
      if (events > 0) await soon();
      for (const _ of range(1, events)) source.write();
      await taken;
      const last = members.map((member) => member.next().catch((error: Error) => error));
      await soon();
      source.finish(errors);
      for (const value of await Promise.all(last)) {
        if (expected instanceof Error) expect(value).toEqual(expected);
        else if (expected) expect(value).toMatchObject(expected);
        else expect(value).toBeUndefined();
      }
      expect(source.state()).toEqual({ open: 0, ended: 1 });
    }
  });

  test('are those for whom it makes no difference', async () => {
    const source = openSource(journal);
    const fromFour = openGroup({ ...source.options, startAfter: 0 });
    expect([fromFour.isOpenTo(0), fromFour.isOpenTo(null), fromFour.isOpenTo(2)]).toEqual([true, false, false]);
    const first = fromFour.join(0);
    source.write();
    expect(await take(first, 1)).toEqual([1]);
    // It is at 1 now: who has 1 may join and gets 2, who has nothing may not.
    expect([fromFour.isOpenTo(0), fromFour.isOpenTo(1)]).toEqual([false, true]);
    const second = fromFour.join(1);
    const both = Promise.all([take(first, 1), take(second, 1)]);
    source.write();
    expect(await both).toEqual([[2], [2]]);
    expect(openGroup(openSource(null).options).isOpenTo(null)).toBe(false);
  });
});

describe('a client that is slower than the events of a journal', () => {
  test('misses none and holds up nobody for long: it goes on alone, read anew after its last entry', async () => {
    const source = openSource(journal);
    const group = openGroup({ ...source.options, startAfter: 0 });
    const [fast, slow] = [group.join(0), group.join(0)];
    const events = maxQueued * 3;
    const taken = take(fast, events);
    for (const _ of range(1, events)) source.write();
    expect(await taken).toEqual(range(1, events));
    expect(source.counted['detached']).toBe(1);
    expect(source.opened).toEqual([0, maxQueued]);
    expect(await take(slow, events)).toEqual(range(1, events));
    slow.leave();
    fast.leave();
    expect(source.state().open).toBe(0);
  });

  test('alone has no more than its queue and one batch read for it', async () => {
    const source = openSource(journal);
    const member = openGroup({ ...source.options, startAfter: 0 }).join(0);
    for (const _ of range(1, 1_000)) source.write();
    expect(await take(member, 1)).toEqual([1]);
    await soon();
    expect(source.counted['executed']).toBeLessThanOrEqual(maxQueued);
    expect(await take(member, 999)).toEqual(range(2, 1_000));
  });
});

describe('a client that is slower than states change', () => {
  test('gets the latest of each, and the others are never held up', async () => {
    const source = openSource(stock);
    const group = openGroup(source.options);
    const [fast, slow] = [group.join(null), group.join(null)];
    const taken = take(fast, 200);
    await soon();
    for (const index of range(1, 200)) source.write(index % 2 === 0 ? 'even' : 'odd', index);
    expect(await taken).toEqual(range(1, 200));
    expect(await take(slow, 2)).toEqual([199, 200]);
    expect(source.counted).toMatchObject({ executed: 200, coalesced: 198 });
  });

  test('and who comes later to a stream that begins with states is told them as they are', async () => {
    const source = openSource(payments);
    const group = openGroup({ ...source.options, startAfter: 0 });
    const first = group.join(null);
    source.write('wallet', 'held');
    source.write('card', 'open');
    source.write('card', 'settled');
    await take(first, 3);
    const late = group.join(null);
    expect(await take(late, 2)).toEqual(['held', 'settled']);
    const both = Promise.all([take(first, 1), take(late, 1)]);
    source.write('wallet', 'captured');
    expect(await both).toEqual([['captured'], ['captured']]);
  });

  test('an execution that fails ends the stream for all with its error', async () => {
    const source = openSource(stock);
    const group = openGroup({ ...source.options, execute: () => Promise.reject(new Error('broken')) });
    const waiting = [group.join(null), group.join(null)].map((member) => member.next());
    await soon();
    source.write('a');
    for (const one of waiting) await expect(one).rejects.toThrow('broken');
    expect(source.state()).toEqual({ open: 0, ended: 1 });
  });
});
