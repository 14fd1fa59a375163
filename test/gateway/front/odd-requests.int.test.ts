import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { openBareSocket } from './bare-socket.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ shape: 'over HTTP' });
});
afterAll(() => graph.close());

type Answer = { readonly status: number; readonly head: string; readonly body: string };

/** Sends these bytes as they are: `fetch` would mend them. */
async function sendRaw(...parts: (string | Buffer)[]): Promise<Answer> {
  const socket = connect(graph.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    // An event stream asks to keep the connection.
    if (chunk.includes('event: complete')) socket.end();
  });
  socket.setTimeout(5_000, () => socket.destroy());
  socket.write(Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))));
  await once(socket, 'close');
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body };
}
const get = (target: string, headers = '', method = 'GET') =>
  sendRaw(`${method} ${target} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n${headers}\r\n`);
const post = (path: string, body: Buffer, headers = 'content-type: application/json\r\n') =>
  sendRaw(`POST ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n${headers}content-length: ${body.length}\r\n\r\n`, body); // prettier-ignore
const code = ({ body }: Answer): unknown =>
  (JSON.parse(body) as { errors?: { extensions: { code: string } }[] }).errors?.[0]?.extensions.code;
const query = 'query=%7B__typename%7D';

describe('an odd address', () => {
  test.each([
    ['/graphql/', 200],
    ['/graphql//', 404],
    ['/graphql///', 404],
    ['/graphql/x', 404],
    ['/graphql/%2f', 404],
    ['//graphql', 404],
    ['/%67raphql', 404],
    ['/./graphql', 404],
    ['/graphql/../graphql', 404],
    ['http://elsewhere/graphql', 200],
    ['/graphql/stream//', 404],
    ['/graphql/stream/x', 404],
    ['/products/%00', 404],
    ['http://elsewhere/nowhere', 404],
    ['http://elsewhere', 404],
    ['http://user:%@elsewhere/graphql', 200],
    ['http://[bad/graphql', 400],
    ['graphql:graphql', 400],
    ['http://[::1]:x/graphql', 400],
    ['https://a%b/nowhere', 400],
  ])('%s is answered with %i', async (path, status) => {
    expect((await get(`${path}?${query}`)).status).toBe(status);
  });

  test('says what it is answered with in JSON, also where it is whole', async () => {
    for (const path of ['http://elsewhere/nowhere', '/nowhere', 'http://user:%@elsewhere//x'])
      expect(code(await get(path))).toBe('NOT_FOUND');
  });

  const paths = ['/', '/graphql', '/graphql/', '/graphql//', '//', '/graphql/stream', '/graphql/stream//', '/webhooks/x', '/webhooks//', '/jobs', '/jobs//', '/health/live', '/nowhere', '/%', '/graphql?%', '/graphql?query=%', '/graphql?variables=[', '/graphql?query=a&query=b', '/?', '?', '*', '/\\', '/;a', '/graphql;a', '/graphql?#', '/graphql/stream?variables=[']; // prettier-ignore
  test.each(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'])(
    '%s anywhere is never our fault',
    async (method) => {
      for (const path of paths)
        for (const headers of ['', 'accept: text/event-stream\r\n', 'accept: text/html\r\n', 'content-type: text/plain\r\n']) {
          const { status } = await get(path, headers, method);
          expect([method, path, headers, status < 500 && status >= 200]).toEqual([method, path, headers, true]);
        } // prettier-ignore
    },
  );

  test('HEAD and OPTIONS of the API say which methods it has', async () => {
    const head = await get('/graphql', '', 'HEAD');
    expect([head.status, head.body, head.head]).toEqual([405, '', expect.stringMatching(/allow: GET, POST/i)]);
    const options = await get('/graphql', 'origin: http://localhost\r\naccess-control-request-method: POST\r\n', 'OPTIONS'); // prettier-ignore
    expect(options.status).toBeLessThan(500);
  });
});

describe('bytes that are not UTF-8', () => {
  const broken = (before: string, after: string) => Buffer.concat([Buffer.from(before), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from(after)]); // prettier-ignore
  const json = 'content-type: application/json\r\n';

  test.each([
    ['in a document', broken('{"query":"{ user(id: \\"', '\\") { id } }"}')],
    ['in a variable', broken('{"query":"query ($i: ID!) { user(id: $i) { id } }","variables":{"i":"', '"}}')],
    ['in a name of a field', broken('{"query":"{ __typename }","', '":1}')],
    ['of a character cut in two', Buffer.from('{"query":"{ __typename }","x":"é"}').subarray(0, -3)],
    ['of a surrogate', Buffer.concat([Buffer.from('{"query":"{ __typename }","x":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])],
    ['of an overlong slash', Buffer.concat([Buffer.from('{"query":"{ __typename }","x":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
  ])('%s are refused over POST and Server-Sent Events', async (_, body) => {
    const plain = await post('/graphql', body);
    expect([plain.status, code(plain)]).toEqual([400, 'BAD_REQUEST']);
    const charset = await post('/graphql', body, 'content-type: application/json; charset="utf-8"\r\n');
    expect([charset.status, code(charset)]).toEqual([400, 'BAD_REQUEST']);
    const stream = await post('/graphql/stream', body, `${json}accept: text/event-stream\r\n`);
    expect([stream.status, code(stream)]).toEqual([400, 'BAD_REQUEST']);
  }); // prettier-ignore

  test.each(['APPLICATION/JSON', 'Application/Json ; Charset=UTF-8', 'application/json;charset="utf-8"', 'application/json;x=y'])(
    'while UTF-8 of the type %s is taken on both ways in',
    async (type) => {
      const body = Buffer.from('{"query":"{ __typename }"}');
      for (const path of ['/graphql', '/graphql/stream']) {
        const answer = await post(path, body, `content-type: ${type}\r\naccept: application/json, text/event-stream\r\n`); // prettier-ignore
        expect([path, answer.status, answer.body]).toEqual([path, 200, expect.stringContaining('"__typename":"Query"')]); // prettier-ignore
      }
    },
  ); // prettier-ignore

  test('UTF-16 is another charset', async () => {
    const body = Buffer.from('{"query":"{ __typename }"}', 'utf16le');
    const answer = await post('/graphql', body, 'content-type: application/json; charset=utf-16le\r\n');
    expect([answer.status, code(answer)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  test.each(['/graphql', '/graphql/stream', '/nowhere', '/orders', '/jobs'])('are refused in the address of %s', async (path) => {
    for (const odd of ['%ff', '%c3%28', '%ed%a0%80', '%c3', '\xff', '\xc3\xa9']) {
      const answer = await get(`${path}?${query}&x=${odd}`, 'accept: text/event-stream\r\n');
      expect([odd, answer.status]).toEqual([odd, 400]);
      // Node's own parser refuses bytes that are not escaped, without a body.
      if (odd.startsWith('%')) expect(code(answer)).toBe('BAD_REQUEST');
    }
  }); // prettier-ignore

  test('are refused in a header, while UTF-8 is not', async () => {
    for (const path of ['/graphql', '/graphql/stream', '/nowhere']) {
      const answer = await get(`${path}?${query}`, 'accept: text/event-stream\r\nx-note: \xe9\r\n');
      expect([answer.status, code(answer)]).toEqual([400, 'BAD_REQUEST']);
    }
    const posted = await post('/graphql', Buffer.from('{"query":"{ __typename }"}'), `${json}x-note: \xff\r\n`);
    expect([posted.status, code(posted)]).toEqual([400, 'BAD_REQUEST']);
    expect((await get(`/graphql?${query}`, `x-note: ${Buffer.from('é').toString('latin1')}\r\n`)).status).toBe(200);
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n'; // prettier-ignore
    expect((await sendRaw(`GET /graphql HTTP/1.1\r\nhost: x\r\nx-note: \xff\r\n${upgrade}\r\n`)).status).toBe(400);
  });

  test('escaped UTF-8 in an address arrives', async () => {
    const { status, body } = await get(`/graphql?query=${encodeURIComponent('{ user(id: "é😀") { id } }')}`);
    expect([status, body]).toEqual([200, expect.stringContaining('é😀')]);
  });

  test.each([true, false])('close a WebSocket with 1007 (binary: %s)', async (binary) => {
    const { socket, closed } = await openBareSocket(graph.port);
    socket.send(broken('{"id":"1","type":"subscribe","payload":{"query":"{ __typename }","x":"', '"}}'), { binary });
    expect(await closed).toBe(1007);
  });
});

describe('half of a surrogate pair, escaped', () => {
  const document = 'query ($i: ID!) { user(id: $i) { id } }';
  const halves = ['"\\ud800"', '"a\\udc00b"', '"\\uDC00\\uD800"'];

  test.each(halves)('%s in a variable is refused on every way in', async (half) => {
    const body = Buffer.from(`{"query":"${document}","variables":{"i":${half}}}`);
    const posted = await post('/graphql', body);
    expect([posted.status, code(posted)]).toEqual([400, 'BAD_REQUEST']);
    const search = `query=${encodeURIComponent(document)}&variables=${encodeURIComponent(`{"i":${half}}`)}`;
    const read = await get(`/graphql?${search}`);
    expect([read.status, code(read)]).toEqual([400, 'BAD_REQUEST']);
    const stream = await post('/graphql/stream', body, 'content-type: application/json\r\naccept: text/event-stream\r\n'); // prettier-ignore
    expect(stream.body).toContain('"code":"BAD_REQUEST"');
    const { socket, received, send } = await openBareSocket(graph.port);
    send(`{"id":"1","type":"subscribe","payload":{"query":"${document}","variables":{"i":${half}}}}`);
    await once(socket, 'message');
    expect(received.at(-1)).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'BAD_REQUEST' } }] });
    socket.close();
  });

  test('in a document is no GraphQL; a whole pair is a character', async () => {
    const inDocument = await post('/graphql', Buffer.from('{"query":"{ user(id: \\"\\ud800\\") { id } }"}'));
    expect([inDocument.status, code(inDocument)]).toEqual([400, 'GRAPHQL_PARSE_FAILED']);
    const whole = await post('/graphql', Buffer.from(`{"query":"${document}","variables":{"i":"\\ud83d\\ude00"}}`));
    expect([whole.status, whole.body]).toEqual([200, expect.stringContaining('😀')]);
  });
});

describe('variables nested very deep', () => {
  const document = 'query ($i: ID!) { user(id: $i) { id } }';
  const nested = (depth: number, [open, close]: readonly [string, string]) =>
    `${open.repeat(depth)}1${close.repeat(depth)}`;
  const list = ['[', ']'] as const;
  const object = ['{"a":', '}'] as const;

  /** What each way in says of them. */
  async function answers(variables: string, inAddress: boolean): Promise<string[]> {
    const body = Buffer.from(`{"query":"${document}","variables":${variables}}`);
    const stream = await post('/graphql/stream', body, 'content-type: application/json\r\naccept: text/event-stream\r\n'); // prettier-ignore
    const { socket, received, send } = await openBareSocket(graph.port);
    send(`{"id":"1","type":"subscribe","payload":${body.toString()}}`);
    await once(socket, 'message');
    socket.close();
    const told = [await post('/graphql', body), stream].map((answer) => answer.body);
    const search = `query=${encodeURIComponent(document)}&variables=${encodeURIComponent(variables)}`;
    if (inAddress) told.push((await get(`/graphql?${search}`)).body);
    return [...told, JSON.stringify(received.at(-1))];
  }

  // The first is declared as a text, which graphql-js refuses before anything is written; the others are not declared at all.
  test.each([
    ['a list', `{"i":${nested(30_000, list)}}`, false],
    ['an object', `{"i":${nested(10_000, object)}}`, false],
    ['what the document does not declare', `{"i":"1","x":${nested(30_000, list)}}`, false],
    ['one level too many', `{"i":"1","x":${nested(101, list)}}`, true],
    ['one level too many, in objects', `{"i":"1","x":${nested(101, object)}}`, true],
  ])('are refused on every way in: %s', async (_, variables, inAddress) => {
    for (const told of await answers(variables, inAddress)) expect(told).toContain('"code":"TOO_DEEP"');
  });

  test('are taken up to a hundred levels', async () => {
    for (const levels of [list, object])
      for (const told of await answers(`{"i":"1","x":${nested(100, levels)}}`, true))
        expect(told).not.toContain('errors');
  });
});

describe('the Accept header of an event stream', () => {
  const body = Buffer.from('{"query":"{ __typename }"}');
  const ask = (accept: string) => post('/graphql/stream', body, `content-type: application/json\r\naccept: ${accept}\r\n`); // prettier-ignore

  test.each([
    'text/event-stream', 'text/event-stream, multipart/mixed', 'application/json, text/event-stream;q=0.9', 'TEXT/EVENT-STREAM', 'Text/Event-Stream ; Q=0.1',
    'text/event-stream;charset=utf-8', 'application/graphql-response+json, application/json, text/event-stream, multipart/mixed', '*/*;q=0.1,text/event-stream', 'text/*', ' text/event-stream ',
    'text/html\r\naccept: text/event-stream',
  ])('%j is taken', async (accept) => {
    const { status, head, body: told } = await ask(accept);
    expect([status, /content-type: (.*)\r/i.exec(head)?.[1]]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(told).toContain('"__typename":"Query"');
  }); // prettier-ignore

  test.each(['application/json', '*/*', '', 'text/event-stream;q=0', 'text/*, text/event-stream;q=0', 'text/event-streams', 'x/text/event-stream'])(
    '%j is told how to ask',
    async (accept) => {
      const answer = await ask(accept);
      expect([answer.status, code(answer)]).toEqual([406, 'BAD_REQUEST']);
    },
  ); // prettier-ignore

  test("an address in another site's page is no stream", async () => {
    const read = (headers: string) => get(`/graphql/stream?${query}`, `accept: text/*\r\n${headers}`);
    expect((await read('sec-fetch-site: cross-site\r\n')).status).toBe(403);
    expect((await read('sec-fetch-site: same-origin\r\n')).status).toBe(200);
    expect((await read('')).status).toBe(200);
  });
});

describe('a WebSocket', () => {
  test.each([
    ['the old subprotocol', ['graphql-ws']],
    ['an unknown subprotocol', ['soap']],
    ['several, none of them ours', ['soap', 'graphql-ws']],
    ['none', []],
  ])('with %s is closed with 4406', async (_, offered) => {
    const socket = new WebSocket(`ws://127.0.0.1:${graph.port}/graphql`, offered);
    const [closedWith] = (await once(socket, 'close')) as [number];
    expect(closedWith).toBe(4406);
  });

  test('with ours among others is served, also at the path with a slash', async () => {
    for (const path of ['/graphql', '/graphql/', '/graphql?a=b']) {
      const socket = new WebSocket(`ws://127.0.0.1:${graph.port}${path}`, ['graphql-ws', 'graphql-transport-ws']);
      await once(socket, 'open');
      expect(socket.protocol).toBe('graphql-transport-ws');
      socket.close();
    }
  });
});
