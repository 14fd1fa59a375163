import { describe, expect, test } from '@jest/globals';
import { type ExecutionResult, parse } from 'graphql';
import { pino } from 'pino';
import { anonymous } from '../../../../subgraphs/shared/auth/viewer.ts';
import { scalars } from '../../../../subgraphs/shared/values/scalars.ts';
import { createEngine } from '../../../../subgraphs/shared/engine/subgraph.ts';
import type { CallContext } from '../../../../subgraphs/shared/engine/prepare.ts';
import { createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';

const logged: unknown[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(JSON.parse(line)) });

async function* one() {
  yield { told: 1 };
}
const engine = createEngine<CallContext>({
  name: 'product',
  typeDefs: parse(`
    scalar JSON
    scalar DateTime
    enum Direction { UP DOWN }
    input Order { by: Direction! = UP limits: [Int!]! = [1] inner: Inner at: DateTime! = "2026-01-01T00:00:00Z" any: JSON }
    input Inner { by: Direction! = UP }
    input Choice @oneOf { a: Int b: Inner }
    type Thing { id: ID name(upper: Boolean! = true): String wrongEnum: Direction wrongInt: Int none: Int! }
    type Query { list(order: Order, of: [Direction!]! = [UP], n: Int! = 1): [Thing!] thing: Thing choose(choice: Choice): Int }
    type Mutation { change(order: Order!, n: Int! = 1): Int }
    type Subscription { told(order: Order, n: Int! = 1): Int }
  `),
  resolvers: {
    ...scalars,
    Query: { list: () => [{}], thing: () => ({}), choose: () => 1 },
    Thing: { name: () => 'x', wrongEnum: () => 'SIDEWAYS', wrongInt: () => 'x', none: () => null },
    Mutation: { change: () => 1 },
    Subscription: { told: { subscribe: () => one() } },
  },
  authenticate: async () => ({ viewer: anonymous, app: 'gateway' }),
  context: (made) => made,
  log,
  metrics: createMetrics(),
});

async function codes(query: string, variables: Record<string, unknown> = {}): Promise<unknown[] | undefined> {
  const request = { query, variables, headers: {} };
  const isStream = query.startsWith('subscription');
  const result = isStream ? (await engine.subscribe(request).next()).value as ExecutionResult : await engine.execute(request); // prettier-ignore
  return result.errors?.map(({ extensions }) => extensions['code']);
}

describe('what graphql-js can not coerce is the fault of the input', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['a field of an input with a default', 'query ($x: Direction) { list(order: { by: $x }) { id } }', { x: null }],
    ['a field of an input within one', 'query ($x: Direction) { list(order: { inner: { by: $x } }) { id } }', { x: null }],
    ['a list in an input', 'query ($x: [Int!]) { list(order: { limits: $x }) { id } }', { x: null }],
    ['an argument with a default', 'query ($x: Int) { list(n: $x) { id } }', { x: null }],
    ['an argument with a default, by the default of the variable', 'query ($x: Int = null) { list(n: $x) { id } }', {}],
    ['an argument of an inner field', 'query ($x: Boolean) { list { name(upper: $x) } }', { x: null }],
    ['a scalar of ours with a default', 'query ($x: DateTime) { list(order: { at: $x }) { id } }', { x: null }],
    ['a condition at the root', 'query ($x: Boolean = true) { thing @skip(if: $x) { id } }', { x: null }],
    ['a condition below', 'query ($x: Boolean = true) { thing { id @include(if: $x) } }', { x: null }],
    ['a mutation', 'mutation ($x: Int) { change(order: {}, n: $x) }', { x: null }],
    ['a mutation with an input', 'mutation ($x: Direction) { change(order: { by: $x }) }', { x: null }],
    ['a subscription', 'subscription ($x: Int) { told(n: $x) }', { x: null }],
    ['a subscription with an input', 'subscription ($x: Direction) { told(order: { by: $x }) }', { x: null }],
    ['a variable of the wrong type', 'query ($x: Int) { list(n: $x) { id } }', { x: 'x' }],
    ['an enum that is none', 'query ($x: Direction) { list(order: { by: $x }) { id } }', { x: 'SIDEWAYS' }],
    ['an input with a field too many', 'query ($x: Order) { list(order: $x) { id } }', { x: { more: 1 } }],
    ['an input with a null', 'query ($x: Order) { list(order: $x) { id } }', { x: { by: null } }],
    ['a choice of two', 'query ($x: Choice) { choose(choice: $x) }', { x: { a: 1, b: {} } }],
    ['a number that JSON has no word for', 'query ($x: JSON) { list(order: { any: $x }) { id } }', { x: Infinity }],
    ['a time that is none', 'query ($x: DateTime!) { list(order: { at: $x }) { id } }', { x: 'soon' }],
    ['a variable that is missing', 'query ($x: Order!) { list(order: $x) { id } }', {}],
  ])('%s', async (_, query, variables) => {
    logged.length = 0;
    const found = await codes(query, variables);
    expect(found?.length).toBeGreaterThan(0);
    expect(new Set(found)).toEqual(new Set(['BAD_USER_INPUT']));
    expect(logged).toEqual([]);
  }); // prettier-ignore

  test.each(['wrongEnum', 'wrongInt', 'none'])('but not what a resolver answers: %s', async (field) => {
    logged.length = 0;
    expect(await codes(`{ thing { ${field} } }`)).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(logged).toHaveLength(1);
  });
});
