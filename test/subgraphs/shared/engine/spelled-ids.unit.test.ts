import { expect, test } from '@jest/globals';
import { buildSchema, executeSync, parse } from 'graphql';
import { spellIds } from '../../../../subgraphs/shared/engine/spelled-ids.ts';

const id = '01890000-abcd-7000-8000-00000000000f';
const upper = id.toUpperCase();

function run(query: string, variables: Record<string, unknown> = {}): unknown {
  const schema = buildSchema(`
    input Line { productId: ID! quantity: Int more: [Line!] }
    input Other { text: String }
    type Query { one(id: ID, sku: String): String many(ids: [[ID]]): String deep(line: Line, other: Other): String }
  `);
  const tell = (_: unknown, args: unknown) => JSON.stringify(args);
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) field.resolve = tell;
  spellIds(schema);
  const { data, errors } = executeSync({ schema, document: parse(query), variableValues: variables });
  expect(errors).toBeUndefined();
  return JSON.parse(String(Object.values(data ?? {})[0]));
}

test('ids of arguments reach resolvers in lower case, however they came', () => {
  expect(run(`{ one(id: "${upper}") }`)).toEqual({ id });
  expect(run('query ($id: ID) { one(id: $id) }', { id: upper })).toEqual({ id });
  expect(run('query ($ids: [[ID]]) { many(ids: $ids) }', { ids: [[upper, null], null] })).toEqual({
    ids: [[id, null], null],
  });
  const line = { productId: upper, quantity: 1, more: [{ productId: upper, more: [] }] };
  expect(run('query ($line: Line) { deep(line: $line) }', { line })).toEqual({
    line: { productId: id, quantity: 1, more: [{ productId: id, more: [] }] },
  });
});

test('what is no id stays as it is', () => {
  expect(run(`{ one(id: "ABC", sku: "${upper}") }`)).toEqual({ id: 'ABC', sku: upper });
  expect(run('{ one(id: null) }')).toEqual({ id: null });
  expect(run(`{ deep(other: { text: "${upper}" }) }`)).toEqual({ other: { text: upper } });
});
