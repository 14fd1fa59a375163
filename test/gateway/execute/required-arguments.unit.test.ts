import { describe, expect, test } from '@jest/globals';
import { canned } from './support/canned.ts';
import { runOurs } from './support/compare.ts';
import { type Federation, federate } from './support/federation.ts';

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@requires", "@external"])\n';

/** Things that are measured, of which one subgraph makes a report; `required` is what the report is made of. */
function measured(required: string): Federation {
  // What is external has to be required.
  const part = required.includes('part') ? 'part(number: Int): Part! @external' : '';
  const count = /^\W*count/.test(required) ? 'count(of: Int): Int @external' : '';
  const reports = `
    type Thing @key(fields: "id") { id: ID! ${count} ${part} report: Int! @requires(fields: "${required}") }
    ${part && 'type Part @external { count(of: Int): Int }'}`;
  const meter = `
    interface Measured { id: ID! count(of: Int): Int }
    type Thing implements Measured @key(fields: "id") { id: ID! count(of: Int): Int part(number: Int): Part! }
    type Part { count(of: Int): Int }`;
  const list = 'type Query { things: [Thing!]! } type Thing @key(fields: "id") { id: ID! }';
  const subgraphs = Object.entries({ list, meter, reports }).map(([name, sdl]) => ({ name, sdl: link + sdl }));
  return federate(required, subgraphs, { poolSize: 4, minLength: 3, maxLength: 3 });
}

describe('a required field that the client selects with other arguments', () => {
  test.each([
    ['count', '{ things { count(of: 1) report } }'],
    ['{ count }', '{ things { count(of: 1) report } }'],
    ['count', '{ things { count(of: null) report } }'],
    ['count', '{ things { report count: count(of: 1) } }'],
    ['count', 'query ($of: Int) { things { count(of: $of) report } }'],
    ['count', '{ things { report ... on Measured { count(of: 1) } } }'],
    ['count', '{ things { ...Counted report } } fragment Counted on Measured { count(of: 1) }'],
    ['count(of: 2)', '{ things { count report } }'],
    ['count(of: 2)', '{ things { count(of: 1) report } }'],
    ['part { count }', '{ things { part { count(of: 1) } report } }'],
    ['part { count }', '{ things { part(number: 1) { count } report } }'],
    ['part(number: 1) { count(of: 2) }', '{ things { part { count(of: 2) } report } }'],
    ['part(number: 1) { count(of: 2) }', '{ things { part(number: 1) { count } report } }'],
    ['count part { count(of: 1) }', '{ things { count(of: 1) part { count } report } }'],
  ])('is not taken for the required: @requires(fields: "%s") in %s', async (required, query) => {
    const federation = measured(required);
    const request = { query, variables: { of: 1 } };
    const expected = await federation.unfederated(request);
    expect(JSON.stringify(await runOurs(federation, request))).toBe(JSON.stringify(expected));
    expect(expected.errors).toBeUndefined();
  });

  test.each([
    ['count', 'count report', 'count'],
    ['count(of: 2)', 'count(of: 2) report', 'count(of:2)'],
    ['part(number: 1) { count }', 'part(number: 1) { count } report', 'part(number:1){count}'],
  ])('is asked for once if its arguments are the same: %s in %s', async (required, selected, asked) => {
    const federation = measured(required);
    await federation.executors.closures.execute({ query: `{ things { ${selected} } }`, variables: {}, context: 0 });
    const [meter] = federation.requests().filter(({ serviceName }) => serviceName === 'meter');
    expect(meter?.query.replaceAll(/\s+/g, '')).toContain(`...onThing{${asked}}`);
  });
});

test('the name that it gets is none that a field of the schema has', async () => {
  const thing = 'type Thing @key(fields: "id") { id: ID!';
  const { executors, asked } = canned(
    {
      list: 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! }',
      meter: `${thing} count(of: Int): Int count__as0: Int }`,
      reports: `${thing} count(of: Int): Int @external count__as0: Int @external report: Int @requires(fields: "count__as0 count") }`,
    },
    async ({ serviceName, query }) => {
      if (serviceName === 'list') return { data: { thing: { __typename: 'Thing', id: '1' } } };
      if (serviceName === 'reports') return { data: { _entities: [{ report: 1 }] } };
      const names = [...query.matchAll(/(\w+)\s*:\s*count\(of/g)].map(([, name]) => [name ?? '', 100]);
      return { data: { _entities: [{ count: 1, count__as0: 2, ...Object.fromEntries(names) }] } };
    },
  );
  for (const [, executor] of executors) {
    const result = await executor.execute({ query: '{ thing { count(of: 1) report } }', context: null });
    expect(result).toEqual({ data: { thing: { count: 100, report: 1 } } });
    const told = asked.splice(0).find(({ serviceName }) => serviceName === 'reports')?.variables['representations'];
    expect(told).toEqual([{ __typename: 'Thing', id: '1', count: 1, count__as0: 2 }]);
  }
});
