import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Placed, openBag } from '../../../../subgraphs/shared/queues/bag.ts';

type Member = Placed & { readonly id: number };
const members = (count: number): Member[] => Array.from({ length: count }, (_, id) => ({ id, place: -1 }));

describe('a bag', () => {
  test('has what a set would have after the same steps, each where it says', () => {
    const step = fc.record({ adds: fc.boolean(), id: fc.nat(7) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const everyone = members(8);
        const bag = openBag<Member>();
        const set = new Set<Member>();
        for (const { adds, id } of steps) {
          const member = everyone[id] as Member;
          if (adds) bag.add(member);
          else bag.remove(member);
          if (adds) set.add(member);
          else set.delete(member);
          expect(bag.all).toHaveLength(set.size);
          expect(new Set(bag.all)).toEqual(set);
          for (const one of everyone) expect(one.place).toBe(bag.all.indexOf(one));
        }
      }),
    );
  });

  test('is emptied by taking out each of a copy', () => {
    const bag = openBag<Member>();
    for (const member of members(100)) bag.add(member);
    for (const member of [...bag.all]) bag.remove(member);
    expect(bag.all).toEqual([]);
  });

  test('takes back what has left it', () => {
    const bag = openBag<Member>();
    const [one, other] = members(2) as [Member, Member];
    for (let turn = 0; turn < 3; turn += 1) {
      bag.add(one);
      bag.add(other);
      bag.remove(one);
      expect(bag.all).toEqual([other]);
      bag.remove(other);
      expect(bag.all).toEqual([]);
    }
  });
});
