import { describe, expect, test } from '@jest/globals';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { type Rank, createPasswordQueue } from '../../../subgraphs/user/password-queue.ts';

/** A queue whose works end when the test says so; their names in the order in which they began. */
function openQueue(options: { maxQueued?: number; nowMs?: () => number } = {}) {
  const run = createPasswordQueue({ maxQueued: 400, ...options });
  const began: string[] = [];
  const refused: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const add = (rank: Rank, name: string, client = name[0] as string) =>
    run({ rank, client }, () => {
      began.push(name);
      return new Promise<string>((resolve, reject) =>
        ends.set(name, (error) => (error ? reject(error) : resolve(name))),
      );
    }).catch((error: { extensions?: { code: string } }) => {
      refused.push(`${name} ${error.extensions?.code ?? 'FAILED'}`);
    });
  const end = async (name: string, error?: Error) => {
    ends.get(name)?.(error);
    ends.delete(name);
    await turnOfLoop();
  };
  /** Ends whatever runs until nothing does. */
  const drain = async () => {
    while (ends.size > 0) await end([...ends.keys()][0] as string);
  };
  return { began, refused, add, end, drain };
}

describe('the queue of passwords', () => {
  test('runs two sign-ins at once, and lets clients take turns', async () => {
    const { add, began, drain } = openQueue();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1']) void add('SIGN_IN', name);
    expect(began).toEqual(['a1', 'a2']);
    await drain();
    expect(began).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4']);
  });

  test('a sign-in begins at once though a hundred register', () => {
    const { add, began } = openQueue();
    for (let index = 0; index < 100; index += 1) void add('REGISTER', `r${index}`);
    expect(began).toEqual(['r0']);
    void add('SIGN_IN', 'b1');
    expect(began).toEqual(['r0', 'b1']);
  });

  test('who is known comes before strangers, and these before registrations', async () => {
    const { add, began, end } = openQueue();
    for (const name of ['x1', 'x2']) void add('SIGN_IN', name);
    void add('REGISTER', 'r1');
    void add('SIGN_IN', 's1');
    void add('KNOWN', 'k1');
    await end('x1');
    await end('x2');
    await end('k1');
    expect(began).toEqual(['x1', 'x2', 'k1', 's1', 'r1']);
  });

  test('keeps nobody out: each rank has its turn after four others', async () => {
    const { add, began, drain } = openQueue();
    for (let index = 0; index < 40; index += 1) void add('KNOWN', `k${index}`);
    for (let index = 0; index < 4; index += 1) void add('SIGN_IN', `s${index}`);
    for (let index = 0; index < 4; index += 1) void add('REGISTER', `r${index}`);
    await drain();
    const last = (rank: string) => began.findLastIndex((name) => name.startsWith(rank));
    expect(began).toHaveLength(48);
    expect(last('s')).toBeLessThan(32);
    expect(last('r')).toBeLessThan(32);
  });

  test('when it is full the newest of the client with the most is refused, registrations first', async () => {
    const { add, began, refused } = openQueue({ maxQueued: 4 });
    const refusedAfter = async (rank: Rank, name: string) => {
      void add(rank, name);
      await turnOfLoop();
      return refused.splice(0);
    };
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1']) void add('SIGN_IN', name);
    expect(await refusedAfter('REGISTER', 'r1')).toEqual([]);
    expect(await refusedAfter('REGISTER', 'r2')).toEqual(['r2 TOO_MANY_REQUESTS']);
    expect(await refusedAfter('SIGN_IN', 'c1')).toEqual(['r1 TOO_MANY_REQUESTS']);
    expect(await refusedAfter('SIGN_IN', 'd1')).toEqual(['a4 TOO_MANY_REQUESTS']);
    expect(began).toEqual(['a1', 'a2']);
  });

  test.each([
    ['KNOWN', 'SIGN_IN'],
    ['KNOWN', 'REGISTER'],
    ['SIGN_IN', 'REGISTER'],
  ] as const)('a client of rank %s that fills it keeps no other of rank %s out', async (rank, other) => {
    const { add, began, refused, drain } = openQueue({ maxQueued: 40 });
    for (let index = 0; index < 100; index += 1) void add(rank, `a${index}`);
    for (const name of ['s1', 't1', 'u1']) void add(other, name);
    await turnOfLoop();
    expect(refused.filter((name) => !name.startsWith('a'))).toEqual([]);
    await drain();
    expect(began).toEqual(expect.arrayContaining(['s1', 't1', 'u1']));
  });

  test('many who register, each once, keep out nobody who signs in a few times', async () => {
    const { add, refused } = openQueue({ maxQueued: 20 });
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) void add('SIGN_IN', name);
    for (let index = 0; index < 50; index += 1) void add('REGISTER', `r${index}`, `client ${index}`);
    await turnOfLoop();
    expect(refused.filter((name) => !name.startsWith('r'))).toEqual([]);
  });

  test('what nobody waits for any more is not begun', async () => {
    let nowMs = 0;
    const { add, began, refused, end } = openQueue({ nowMs: () => nowMs });
    for (const name of ['a1', 'b1', 'c1']) void add('SIGN_IN', name);
    nowMs = 10_001;
    void add('SIGN_IN', 'd1');
    await end('a1');
    expect(began).toEqual(['a1', 'b1', 'd1']);
    expect(refused).toEqual(['c1 TOO_MANY_REQUESTS']);
  });

  test('a work that fails gives its place on', async () => {
    const { add, began, refused, end } = openQueue();
    for (const name of ['a1', 'b1', 'c1']) void add('SIGN_IN', name);
    await end('a1', new Error('no memory'));
    expect(began).toEqual(['a1', 'b1', 'c1']);
    expect(refused).toEqual(['a1 FAILED']);
  });
});
