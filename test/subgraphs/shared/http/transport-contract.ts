import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { type Socket, createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import { deadlineIn } from '../../../../subgraphs/shared/time/deadline.ts';
import {
  TransportError,
  headerLines,
  maxAnswerBytes,
  openTransport,
} from '../../../../subgraphs/shared/http/transport.ts';
import { keepAliveTimeoutMs } from '../../../../subgraphs/shared/engine/serve-subgraph.ts';
import { afterTest, bodyOf, echo, failureOf, gate, listening, request, serve, serveBytes, transportTo, underTest } from './transport-world.ts'; // prettier-ignore
import { until } from '../../../support/until.ts';

const isOwn = underTest().name === 'own';

describe('connections', () => {
  test('are used again', async () => {
    const { transport, counts } = await serve(echo);
    for (let turn = 0; turn < 20; turn += 1)
      expect(await transport.send(request({ body: `${turn}` }))).toMatchObject({ status: 200, body: `${turn}` });
    expect(counts.opened).toBe(1);
  });

  test('are 64 at most; what waits for one is served in the order in which it came', async () => {
    const arrived: { id: number; response: ServerResponse }[] = [];
    const { transport, counts } = await serve(async (message, response) => {
      arrived.push({ id: Number(await bodyOf(message)), response });
    });
    const answers = Array.from({ length: 200 }, (_, id) => transport.send(request({ body: String(id) })));
    await until(() => arrived.length === 64, { what: 'the first 64' });
    for (let turn = 0; turn < 200; turn += 1) {
      await until(() => arrived.length === Math.min(200, 64 + turn), { everyMs: 1, what: 'the next' });
      arrived[turn]?.response.end(String(arrived[turn]?.id));
    }
    expect((await Promise.all(answers)).map(({ body }) => Number(body))).toEqual(Array.from({ length: 200 }, (_, id) => id)); // prettier-ignore
    expect(arrived.slice(64).map(({ id }) => id)).toEqual(Array.from({ length: 136 }, (_, at) => 64 + at));
    expect(counts).toEqual({ opened: 64, most: 64 });
  });

  test('that are all busy let those who wait go at their deadline, and the others are served in order', async () => {
    const held = gate();
    const arrived: string[] = [];
    const { transport } = await serve(async (message, response) => {
      const id = String(await bodyOf(message));
      arrived.push(id);
      await held.passed;
      response.end(id);
    });
    const first = Array.from({ length: 64 }, (_, id) => transport.send(request({ body: `first ${id}` })));
    await until(() => arrived.length === 64, { what: 'the first 64' });
    const waiting = Array.from({ length: 20 }, (_, id) =>
      transport.send(request({ body: `${id}`, ...(id % 2 === 1 && { deadline: deadlineIn(100) }) })),
    );
    for (const [id, answer] of waiting.entries())
      if (id % 2 === 1) expect((await failureOf(answer)).failure).toBe('late');
    held.open();
    const even = waiting.filter((_, id) => id % 2 === 0);
    expect((await Promise.all(even)).map(({ body }) => Number(body))).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    await Promise.all(first);
    expect(arrived.slice(64).toSorted()).toEqual(['0', '10', '12', '14', '16', '18', '2', '4', '6', '8']);
  });

  const ending: Record<string, string> = {
    '"Connection: close"': 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.0': 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
    // undici keeps these.
    ...(isOwn && { 'HTTP/1.0 and "Connection: keep-alive", which we did not ask for': 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok' }), // prettier-ignore
    '"Keep-Alive: timeout=1", which is too short': 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok', // prettier-ignore
  };
  test.each(Object.entries(ending))('end with an answer of %s', async (_, bytes) => {
    const { transport, counts, sockets } = await serveBytes((socket) => socket.write(bytes));
    for (let turn = 1; turn <= 3; turn += 1) {
      expect((await transport.send(request())).body).toBe('ok');
      await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connection' });
      expect(counts.opened).toBe(turn);
    }
  });

  test('may end where a body does', async () => {
    const { transport, counts } = await serveBytes((socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'));
    for (let turn = 1; turn <= 3; turn += 1) expect((await transport.send(request())).body).toBe('all of it');
    expect(counts.opened).toBe(3);
  });

  test('are not used any more a second before the peer ends them, as it says', async () => {
    const { transport, counts } = await serveBytes(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 2\r\n\r\nok'),
    );
    await transport.send(request());
    await sleep(1_050);
    await transport.send(request());
    expect(counts.opened).toBe(2);
    await sleep(100);
    await transport.send(request());
    expect(counts.opened).toBe(2);
  });

  test('are not used any more long before a server of ours ends them, also where it does not say when', async () => {
    const { transport, counts } = await serveBytes(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    );
    await transport.send(request());
    const now = performance.now.bind(performance);
    let laterMs = keepAliveTimeoutMs / 4;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + laterMs);
    afterTest(() => clock.mockRestore());
    await transport.send(request());
    expect(counts.opened).toBe(1);
    laterMs += keepAliveTimeoutMs - 10_000;
    await transport.send(request());
    expect(counts.opened).toBe(2);
  });

  test('on which something comes that nobody asked for are ended, and nobody takes it for an answer', async () => {
    const { transport, counts, sockets } = await serveBytes((socket, turn) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${turn}`);
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong'), 20);
    });
    for (const body of ['1', '2', '3']) {
      expect((await transport.send(request())).body).toBe(body);
      await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connection' });
    }
    expect(counts.opened).toBe(3);
  });

  test('that the peer has ended are not used', async () => {
    const { transport, counts, sockets } = await serve(echo);
    await Promise.all(Array.from({ length: 10 }, (_, id) => transport.send(request({ body: String(id) }))));
    const { opened } = counts;
    for (const socket of sockets) socket.end();
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connections' });
    await Promise.all(Array.from({ length: 10 }, (_, id) => transport.send(request({ body: String(id) }))));
    expect(counts.opened).toBeGreaterThan(opened);
  });
});

describe('what is sent', () => {
  const large = Buffer.alloc(32 * 1024 * 1024, 'x');
  test('may be answered before it was read; its connection is of no use after that', async () => {
    const { transport, counts, sockets } = await serveBytes((socket, turn) => {
      if (turn > 1) return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
      socket.pause();
      return void socket.write('HTTP/1.1 413 Too large\r\nContent-Length: 5\r\n\r\nlarge');
    });
    expect(await transport.send(request({ body: large }))).toMatchObject({ status: 413, body: 'large' });
    expect((await transport.send(request())).body).toBe('next');
    expect(counts.opened).toBe(2);
    for (const socket of sockets) socket.resume();
    await until(() => sockets.size === 1, { everyMs: 1, what: 'the end of the first connection' });
  });

  test('arrives whole, however large', async () => {
    const { transport } = await serve(async (message, response) => {
      response.end(String((await bodyOf(message)).equals(large)));
    });
    expect((await transport.send(request({ body: large }))).body).toBe('true');
  });

  const texts = { ascii: 'plain', latin1: 'caf\u00e9', beyond: 'Zoë pays 5 € 😀' };
  const bodies: Record<string, string | Buffer> = { ...texts, bytes: Buffer.from([0, 0xff, 0x80, 0x0a]), none: '' };
  test.each(
    Object.entries(bodies).flatMap(([name, body]) => [
      [name, 'ASCII', body],
      [name, 'Latin-1', body],
    ]),
  )('(a body of %s with headers of %s) arrives as the same bytes', async (_, alphabet, body) => {
    let seen: unknown;
    const { transport } = await serve(async (message, response) => {
      const { 'x-name': name, 'x-own': own, host, connection, 'content-length': length } = message.headers;
      seen = { name, own, connection, host, length, method: message.method, url: message.url, bytes: await bodyOf(message) }; // prettier-ignore
      response.end(Buffer.from(texts.beyond));
    });
    const name = alphabet === 'ASCII' ? 'Zoe' : 'Zo\u00eb \u00ff';
    const headers = headerLines([['x-name', name]]);
    const { body: answer } = await transport.send(
      request({ method: 'GET', path: '/a?b=c', headers, ownLines: 'x-own: 1\r\n', body: body as string }),
    );
    const bytes = Buffer.from(body as string);
    // undici says nothing of no body where a GET need not.
    const length = isOwn || bytes.length > 0 ? String(bytes.length) : undefined;
    expect(seen).toEqual({ name, own: '1', connection: 'keep-alive', host: expect.stringMatching(/^127\.0\.0\.1:\d+$/), length, method: 'GET', url: '/a?b=c', bytes }); // prettier-ignore
    expect(answer).toBe(texts.beyond);
  });

  test.each(['a\r\nx-b: c', 'a\nb', 'a\rb', 'a\0b', 'a\u007fb', 'a\u0001b', 'five €', '😀', '\u0100'])(
    'has no header of the value %j',
    (value) => {
      expect(() => headerLines([['x-a', value]])).toThrow(expect.objectContaining({ failure: 'refused' }));
      expect(() => headerLines([['x-a', value]])).toThrow(TransportError);
    },
  );
  test.each(['', ' ', 'x a', 'x:a', 'x-a\r\nx-b', 'x-é', 'x-a\0', '(x)', 'x\u212a'])('has no header of the name %j', (name) => {
    expect(() => headerLines([[name, 'a']])).toThrow(expect.objectContaining({ failure: 'refused' }));
  }); // prettier-ignore
  test('may have tabs, and any name that is a token', () => {
    expect(headerLines([['x-A.~^_|9', 'a\tb ']])).toEqual({ text: 'x-A.~^_|9: a\tb \r\n', isAscii: true });
    expect(headerLines([['x-a', '\u00e9']])).toEqual({ text: 'x-a: \u00e9\r\n', isAscii: false });
    expect(headerLines([])).toEqual({ text: '', isAscii: true });
  });

  test.each(['/ HTTP/1.1\r\nx-a: b\r\n\r\n', '/a b', '/a\nb', '/\u00e9', '/€', '', 'a'])(
    'has no path %j',
    async (path) => {
      const { transport, counts } = await serve(echo);
      expect((await failureOf(transport.send(request({ path })))).failure).toBe('refused');
      expect(counts.opened).toBe(0);
    },
  );
  test.each(['', 'GET /', 'GET\r\n', 'get', 'HEAD', 'CONNECT'])('has no method %j', async (method) => {
    const { transport } = await serve(echo);
    expect((await failureOf(transport.send(request({ method })))).failure).toBe('refused');
    expect((await transport.send(request({ body: 'next' }))).body).toBe('next');
  });
});

describe('what comes', () => {
  test.each([maxAnswerBytes - 1, maxAnswerBytes])('may have %d bytes', async (size) => {
    const { transport } = await serve((_, response) => void response.end(Buffer.alloc(size, 'x')));
    const { body } = await transport.send(request());
    expect(body.length).toBe(size);
    expect(/^x*$/.test(body)).toBe(true);
  });
  test.each(['declares', 'sends'])('is refused when it %s more', async (how) => {
    const { transport, sockets } = await serve((_, response) => {
      if (how === 'declares') response.setHeader('content-length', maxAnswerBytes + 1);
      response.flushHeaders();
      response.end(Buffer.alloc(maxAnswerBytes + 1, 'x'));
    });
    expect(await failureOf(transport.send(request()))).toMatchObject({ failure: 'rubbish', message: 'an answer of more than 16777216 bytes' }); // prettier-ignore
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connection' });
  });

  test.each<[string, (socket: Socket) => void]>([
    ['in the head', (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-')],
    ['in the body', (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')],
    ['in a chunk', (socket) => void socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf')],
    ['before the last chunk', (socket) => void socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')], // prettier-ignore
    ['at once', (socket) => void socket.end()],
    ['by a reset', (socket) => void socket.resetAndDestroy()],
    ['by a reset in the body', (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\nhalf', () => socket.resetAndDestroy())], // prettier-ignore
  ])('and ends %s is told as cut off', async (_, answer) => {
    const { transport, sockets } = await serveBytes(answer);
    expect(await failureOf(transport.send(request()))).toMatchObject({ failure: 'cut-off', message: 'ECONNRESET' });
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connection' });
  });

  test('and ends while a large request is still being sent is told as cut off, not at the deadline', async () => {
    const { transport } = await serveBytes((socket) => void socket.pause().end());
    const body = Buffer.alloc(32 * 1024 * 1024);
    expect((await failureOf(transport.send(request({ body, deadline: deadlineIn(20_000) })))).failure).toBe('cut-off');
  });
});

describe('where nobody is', () => {
  test('a refused connection is unreachable, for each that asked', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await new Promise((closed) => server.close(closed));
    for (const host of ['127.0.0.1', 'localhost']) {
      const transport = transportTo(`http://${host}:${port}`);
      for (const error of await Promise.all(Array.from({ length: 100 }, () => failureOf(transport.send(request())))))
        expect(error).toMatchObject({ failure: 'unreachable', message: 'ECONNREFUSED' });
    }
  });
  test('a name that is none is unreachable', async () => {
    const error = await failureOf(transportTo('http://nobody.invalid').send(request()));
    expect(error).toMatchObject({ failure: 'unreachable', message: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
  });
  test('a connection that does not come about within five seconds is unreachable', async () => {
    // It takes the connection and never says a word of TLS.
    const { port, sockets } = await listening(createTcpServer((socket) => socket.resume()));
    const error = await failureOf(transportTo(`https://127.0.0.1:${port}`).send(request()));
    expect(error).toMatchObject({ failure: 'unreachable', message: 'ETIMEDOUT' });
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connection' });
  });
  test.each(['ftp://a', 'ws://a', 'a', ''])('%j is no place to ask', (url) => {
    expect(() => openTransport(url)).toThrow(TypeError);
  });
});

describe('where somebody is', () => {
  const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
  (hasIpv6 ? test : test.skip)('is told by an address of IPv6', async () => {
    const { transport, port } = await listening(
      createHttpServer((message, response) => response.end(message.headers.host)),
      { host: '::1' },
    );
    expect((await transport.send(request())).body).toBe(`[::1]:${port}`);
  });
  test('is found by a name of which only one address answers', async () => {
    const { port, counts } = await serve(echo);
    const transport = transportTo(`http://localhost:${port}`);
    for (const body of ['1', '2']) expect((await transport.send(request({ body }))).body).toBe(body);
    expect(counts.opened).toBe(1);
  });
});

describe('the end', () => {
  test('waits for what is under way and for what waits, refuses what is new, and leaves no connection', async () => {
    const held = gate();
    let asked = 0;
    const { transport, sockets } = await serve(async (_, response) => {
      asked += 1;
      await held.passed;
      response.end('done');
    });
    const answers = Array.from({ length: 70 }, () => transport.send(request()));
    await until(() => asked === 64, { what: 'the first 64' });
    let closed = 0;
    const ends = [transport.close(), transport.close()].map((end) => end.then(() => (closed += 1)));
    expect(await failureOf(transport.send(request()))).toMatchObject({ failure: 'closed' });
    await sleep(50);
    expect(closed).toBe(0);
    held.open();
    for (const { body } of await Promise.all(answers)) expect(body).toBe('done');
    await Promise.all(ends);
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connections' });
  });

  test('waits no longer than the deadlines', async () => {
    const { transport, sockets } = await serve(() => undefined);
    const answers = Array.from({ length: 70 }, () => failureOf(transport.send(request({ deadline: deadlineIn(200) }))));
    await transport.close();
    for (const { failure } of await Promise.all(answers)) expect(failure).toBe('late');
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connections' });
  });

  test('ends connections that have nothing to do, and needs none', async () => {
    const { transport, sockets } = await serve(echo);
    await Promise.all(Array.from({ length: 10 }, () => transport.send(request())));
    await transport.close();
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connections' });
    await openTransport('http://127.0.0.1:1').close();
  });

  test.each(['closes it', 'forgets it'])('lets a process end that %s', async (how) => {
    const { port } = await serve(echo);
    const folder = join(import.meta.dirname, '../../../../subgraphs/shared/http');
    const program = `
      import { openTransport, headerLines } from ${JSON.stringify(join(folder, 'transport.ts'))};
      import { loadHttpClient } from ${JSON.stringify(join(folder, 'http-clients.ts'))};
      const transport = openTransport('http://127.0.0.1:${port}', { client: await loadHttpClient('${underTest().name}') });
      const send = (body) => transport.send({ method: 'POST', path: '/', headers: headerLines([]), body, deadline: performance.now() + 5_000 });
      const bodies = await Promise.all(['a', 'b', 'c'].map(send));
      process.stdout.write(bodies.map(({ body }) => body).join(''));
      ${how === 'closes it' ? 'await transport.close();' : ''}`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 }); // prettier-ignore
    expect(stdout).toBe('abc');
  });
});
