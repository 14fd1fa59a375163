import { createHash } from 'node:crypto';

/** Chance that falls the same way for the same seed. */
export type Chance = {
  /** From 0 to below 1. */
  number(): number;
  /** From `min` to `max`, both included. */
  integer(min: number, max: number): number;
  pick<T>(from: readonly T[]): T;
  is(share: number): boolean;
  bytes(count: number): Buffer;
  /** A UUIDv7 of a moment. */
  idAt(at: Date): string;
};

/** Mulberry32, by Tommy Ettinger: 32 bits of state, which is plenty for data to measure on. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const number = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  // 32 bits of state repeat too soon for a million of ids: these come from a count.
  let count = 0;
  const bytes = (length: number): Buffer =>
    createHash('sha256')
      .update(`${seed} ${(count += 1)}`)
      .digest()
      .subarray(0, length);
  const integer = (min: number, max: number): number => min + Math.floor(number() * (max - min + 1));
  return {
    number,
    integer,
    bytes,
    pick: (from) => from[integer(0, from.length - 1)] as (typeof from)[number],
    is: (share) => number() < share,
    idAt(at) {
      const time = at.getTime().toString(16).padStart(12, '0');
      const rest = bytes(10).toString('hex');
      const variant = ((Number.parseInt(rest.charAt(3), 16) & 3) | 8).toString(16);
      return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-${variant}${rest.slice(4, 7)}-${rest.slice(7, 19)}`;
    },
  };
}

/** A place below `count`, the first ones far more often than the last: what sells and who buys is spread so. */
export const skewed = (chance: Chance, count: number): number => Math.floor(chance.number() ** 3 * count);
