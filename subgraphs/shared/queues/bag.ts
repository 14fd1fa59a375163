/** A member of a bag knows its place there; -1 outside of it. */
export type Placed = { place: number };

/** Objects in no order, each once. */
export type Bag<Member extends Placed> = {
  readonly all: readonly Member[];
  add(member: Member): void;
  /** Nothing happens for one that isn't there. */
  remove(member: Member): void;
};

/**
 * For what comes and goes with each request. A Set's table, once it is full of what went, is left for a new one that it
 * points to: tables that have become old keep what was in the young ones alive, an eighth of all that requests allocate.
 */
export function openBag<Member extends Placed>(): Bag<Member> {
  const all: Member[] = [];
  return {
    all,
    add(member) {
      if (member.place !== -1) return;
      member.place = all.length;
      all.push(member);
    },
    remove(member) {
      const { place } = member;
      if (place === -1) return;
      const last = all.pop() as Member;
      if (last !== member) {
        all[place] = last;
        last.place = place;
      }
      member.place = -1;
    },
  };
}
