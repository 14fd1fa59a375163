import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBareSocket } from './bare-socket.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

/** Parameters mean the same on all ways in: the quick front, Apollo Server, Server-Sent Events and WebSocket. */
let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterAll(() => graph.close());

const paths = ['/graphql', '/graphql/', '/graphql/stream'];
const accept = (path: string) => (path === '/graphql/stream' ? 'text/event-stream' : 'application/json');
/** The code of the first error, null when there is none. */
const codeIn = (text: string): string | null => /"code":"(\w+)"/.exec(text)?.[1] ?? null;

const getFrom = (search: string) => async (path: string) => {
  const response = await fetch(`${graph.url}${path}?${search}`, { headers: { accept: accept(path) } });
  return codeIn(await response.text());
};
const postTo = (body: object) => async (path: string) => {
  const headers = { accept: accept(path), 'content-type': 'application/json' };
  const response = await fetch(graph.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return codeIn(await response.text());
};

async function bySocket(payload: object): Promise<string | null> {
  const { socket, received, send } = await openBareSocket(graph.port);
  send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
  await once(socket, 'message');
  socket.close();
  return codeIn(JSON.stringify(received.at(-1)));
}

const named = 'query A($n: Int) { users(first: $n) { id } }';
const text = `query=${encodeURIComponent(named)}`;

describe('in an address', () => {
  test.each([
    ['a query', text, null],
    ['variables and a name', `${text}&variables=${encodeURIComponent('{"n":1}')}&operationName=A`, null],
    ['empty variables', `${text}&variables=`, null],
    ['empty extensions', `${text}&extensions=`, null],
    ['variables that are null', `${text}&variables=null`, null],
    ['an unknown parameter twice', `${text}&x=1&x=2`, null],
    ['nothing', '', 'BAD_REQUEST'],
    ['two queries', `${text}&${text}`, 'BAD_REQUEST'],
    ['two names', `${text}&operationName=A&operationName=A`, 'BAD_REQUEST'],
    ['variables twice', `${text}&variables={}&variables={}`, 'BAD_REQUEST'],
    ['a list of variables', `${text}&variables=[]`, 'BAD_REQUEST'],
    ['variables that are no JSON', `${text}&variables={`, 'BAD_REQUEST'],
    ['extensions that are a number', `${text}&extensions=1`, 'BAD_REQUEST'],
    ['an empty query', 'query=', 'GRAPHQL_PARSE_FAILED'],
    ['an empty name', `${text}&operationName=`, 'OPERATION_RESOLUTION_FAILURE'],
    ['another name', `${text}&operationName=B`, 'OPERATION_RESOLUTION_FAILURE'],
    ['a mutation', `query=${encodeURIComponent('mutation { slowly(ms: 1) }')}`, 'BAD_REQUEST'],
    ['an unknown id', 'documentId=x', 'PERSISTED_QUERY_NOT_FOUND'],
    ['an empty hash', `extensions=${encodeURIComponent('{"persistedQuery":null}')}`, 'BAD_REQUEST'],
  ])('%s', async (_, search, code) => {
    expect(await Promise.all(paths.map(getFrom(search)))).toEqual(paths.map(() => code));
  });

  test.each(paths)('a mutation is refused by %s with 405 and the method that may be used', async (path) => {
    const search = `?query=${encodeURIComponent('mutation { slowly(ms: 1) }')}`;
    const response = await fetch(graph.url + path + search, { headers: { accept: accept(path) } });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await response.text()).toContain('Mutations run by POST.');
  });
});

describe('in a body', () => {
  test.each([
    ['a query', { query: named }, null],
    ['variables and a name', { query: named, variables: { n: 1 }, operationName: 'A' }, null],
    ['nulls', { query: named, variables: null, operationName: null, extensions: null, documentId: null }, null],
    ['an unknown parameter', { query: named, other: [1] }, null],
    ['an empty query', { query: '' }, 'GRAPHQL_PARSE_FAILED'],
    ['an empty name', { query: named, operationName: '' }, 'OPERATION_RESOLUTION_FAILURE'],
    ['another name', { query: named, operationName: 'B' }, 'OPERATION_RESOLUTION_FAILURE'],
    ['an unknown id', { documentId: 'x' }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['an id of another type', { documentId: 1 }, 'BAD_REQUEST'],
    ['a query and an id', { query: named, documentId: 'x' }, 'BAD_REQUEST'],
  ])('%s', async (_, body, code) => {
    const ways = [...paths.map(postTo(body)), bySocket(body)];
    expect(await Promise.all(ways)).toEqual(ways.map(() => code));
  });

  // Over a WebSocket graphql-ws closes the socket for these.
  test.each([
    ['nothing', {}],
    ['a list', []],
    ['a query that is null', { query: null }],
    ['a query that is a number', { query: 1 }],
    ['variables as text', { query: named, variables: '{}' }],
    ['a list of variables', { query: named, variables: [] }],
    ['a name that is a number', { query: named, operationName: 1 }],
    ['extensions that are a list', { query: named, extensions: [] }],
  ])('%s is a bad request', async (_, body) => {
    expect(await Promise.all(paths.map(postTo(body)))).toEqual(paths.map(() => 'BAD_REQUEST'));
  });
});
