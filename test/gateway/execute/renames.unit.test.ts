import { expect, test } from '@jest/globals';
import { canned } from './support/canned.ts';

const subgraphs = {
  a: `
    type Query { items: [Item!]! }
    interface Item { id: ID! }
    type Chair implements Item @key(fields: "id") { id: ID! part: Part! @shareable }
    type Lamp implements Item @key(fields: "id") { id: ID! part: Part }
    type Part @shareable { name: String }
  `,
  b: `
    type Chair @key(fields: "id") { id: ID! size: Size! @shareable }
    type Lamp @key(fields: "id") { id: ID! size: Size }
    type Size @shareable { width: Int }
  `,
  c: `
    type Chair @key(fields: "id") { id: ID! size: Size @shareable part: Part @shareable }
    type Size @shareable { width: Int }
    type Part @shareable { name: String }
  `,
};
const items = [
  { __typename: 'Chair', id: '1', part: { name: 'leg' } },
  { __typename: 'Lamp', id: '2', part__alias_0: { name: null } },
  { __typename: 'Lamp', id: '3', part__alias_0: null },
];

test("names that the plan gives to what subgraphs promise differently are the client's again, in errors too", async () => {
  const { executors, asked } = canned(subgraphs, ({ query }) =>
    query.includes('_entities')
      ? {
          data: { _entities: [{ size__alias_0: { width: null } }, { size: { width: 1 } }, { size: null }] },
          errors: [{ message: 'no width', path: ['_entities', 0, 'size__alias_0', 'width'] }],
        }
      : { data: { items }, errors: [{ message: 'no name', path: ['items', 1, 'part__alias_0', 'name'] }] },
  );
  const query = '{ items { ... on Chair { part { name } size { width } } ... on Lamp { part { name } size { width } } } }'; // prettier-ignore
  for (const [, executor] of executors) {
    const { data, errors } = await executor.execute({ query, context: null });
    expect(data).toEqual({
      items: [
        { part: { name: 'leg' }, size: { width: null } },
        { part: { name: null }, size: { width: 1 } },
        { part: null, size: null },
      ],
    });
    expect(errors?.map(({ message, path }) => [message, path])).toEqual([
      ['no width', ['items', 0, 'size', 'width']],
      ['no name', ['items', 1, 'part', 'name']],
    ]);
  }
  expect(asked.map((one) => one.query).join()).toMatch(/part__alias_0:part.*size__alias_0:size/s);
});
