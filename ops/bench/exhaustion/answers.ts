import type { BenchPlatform } from '../bench-platform.ts';
import { signInStaff } from '../staff.ts';
import { type ExhaustionCase, codeOf, openAttacker, untilAborted } from './case.ts';

const lines = 8;
const rooms = 100;
const nights = '(from: "2027-01-01", to: "2027-04-03")';
const availability = `availability${nights} { date capacity held sold available }`;
const aliases = Array.from({ length: 15 }, (_, index) => `a${index}: ${availability}`).join(' ');

/** As F43 has it: refused before anything is asked. */
const overTheLimit = [
  `{ myOrders(first: 25) { edges { node { lines { product { ${aliases} } } } } } }`,
  `{ products(first: 50) { edges { node { seller { products(first: 50) { edges { node { ${aliases} } } } } } } } }`,
];
/** The most that a document may ask for here: some 50,000 values. */
const atTheLimit = `{ products(first: 100) { edges { node { id sku kind name subtitle description status version createdAt ${availability} } } } }`;

/** Rooms with three months of nights each, and long descriptions. */
async function makeRooms(platform: BenchPlatform): Promise<Record<string, never>> {
  const staff = await signInStaff(platform);
  for (let index = 0; index < rooms; index += 1)
    await staff.createProduct({
      sku: `ROOM-${index}`, kind: 'BOOKABLE', name: `Room ${index}`, description: 'x'.repeat(2_000), priceMinor: 9_900, capacity: 3, maxGuests: 2,
    }); // prettier-ignore
  return {};
}

const ask =
  (queries: readonly string[]): ExhaustionCase['attack'] =>
  async ({ url }, signal, count) => {
    const attacker = openAttacker(url, lines);
    let next = 0;
    await untilAborted(lines, signal, count, async () => {
      const body = JSON.stringify({ query: queries[next++ % queries.length] });
      const headers = { 'content-type': 'application/json' };
      const answer = await attacker.send({ method: 'POST', path: '/graphql', headers, body });
      return codeOf(answer.body);
    });
    await attacker.close();
  };

export const refusedAnswers: ExhaustionCase = {
  name: 'costly-documents',
  what: `F43: ${lines} lines ask for the nights of everything, fifteen times`,
  prepare: makeRooms,
  attack: ask(overTheLimit),
};

export const largeAnswers: ExhaustionCase = {
  name: 'large-answers',
  what: `F43: ${lines} lines ask for the most that one document may`,
  prepare: makeRooms,
  attack: ask([atTheLimit]),
};

export const splitAnswers: ExhaustionCase = {
  ...largeAnswers,
  name: 'large-answers-split',
  what: `F44: the same, each service a process of its own; no circuit may open`,
  args: ['--split'],
};
