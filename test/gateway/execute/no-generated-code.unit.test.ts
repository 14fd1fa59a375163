import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { canned } from './support/canned.ts';

const script = `
  const [executorPath, supergraphSdl] = process.argv.slice(1);
  const { createExecutor } = await import(executorPath);
  let generates = true;
  try { new Function(''); } catch { generates = false; }
  const answers = {
    a: () => ({ list: ['1', '2', '1'].map((id) => ({ __typename: 'T', id })) }),
    b: ({ representations }) => ({ _entities: representations.map(({ id }) => ({ name: 'n' + id })) }),
    c: ({ representations }) => ({ _entities: representations.map(({ id }) => ({ part: { size: Number(id) } })) }),
  };
  const fetch = async (serviceName, { variables }) => ({ data: answers[serviceName](variables) });
  const executor = createExecutor({ supergraphSdl, fetch });
  const asked = ['{ list { name } }', '{ list { id name part { size } } }', '{ __typename __type(name: "T") { name } list { id } }'];
  for (const query of asked) console.log(generates, JSON.stringify(await executor.execute({ query, context: null })));`;

test('where code must not be generated from strings, closures do the same', async () => {
  const { supergraphSdl } = canned(
    {
      a: 'type Query { list: [T!] } type T @key(fields: "id") { id: ID! }',
      b: 'type T @key(fields: "id") { id: ID! name: String }',
      c: 'type T @key(fields: "id") { id: ID! part: Part } type Part { size: Int }',
    },
    () => ({ data: {} }),
  );
  const executorPath = new URL('../../../gateway/execute/executor.ts', import.meta.url).pathname;
  const args = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script, executorPath, supergraphSdl]; // prettier-ignore
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const ids = [1, 2, 1].map(String);
  const lists = [
    { list: ids.map((id) => ({ name: `n${id}` })) },
    { list: ids.map((id) => ({ id, name: `n${id}`, part: { size: Number(id) } })) },
    { __typename: 'Query', __type: { name: 'T' }, list: ids.map((id) => ({ id })) },
  ];
  expect(stdout.trim().split('\n')).toEqual(lists.map((data) => `false ${JSON.stringify({ data })}`));
});
