import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { type SecureContextOptions, createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'; // prettier-ignore
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { maxAnswerBytes } from '../../../../subgraphs/shared/http/transport.ts';
import { answering, echo, failureOf, listening, request, transportTo } from './transport-world.ts';
import { until } from '../../../support/until.ts';

type Pair = Pick<SecureContextOptions, 'key' | 'cert'>;

/** A certificate of its own authority, for one address and one name. */
async function certificate(options: { ip: string; name: string; endsAt?: Date }): Promise<Pair & { cert: string }> {
  const { ip, name, endsAt } = options;
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(endsAt && { notBeforeDate: new Date(endsAt.getTime() - 1_000), notAfterDate: endsAt }),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip }, { type: 2, value: name }] }, // prettier-ignore
    ],
  });
  return { key, cert };
}

const trustedBefore = getCACertificates('default');
let good: Pair;
let ofAnother: Pair;
let expired: Pair;
let unknown: Pair;
beforeAll(async () => {
  const here = { ip: '127.0.0.1', name: 'localhost' };
  const known = await Promise.all([
    certificate(here),
    certificate({ ip: '127.0.0.2', name: 'elsewhere' }),
    certificate({ ...here, endsAt: new Date('2020-01-01') }),
  ]);
  [good, ofAnother, expired] = known;
  unknown = await certificate(here);
  setDefaultCACertificates([...trustedBefore, ...known.map(({ cert }) => cert)]);
});
afterAll(() => setDefaultCACertificates(trustedBefore));

const serve = (pair: Pair, minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3', maxVersion = minVersion) =>
  listening(createServer({ ...pair, minVersion, maxVersion, keepAliveTimeout: 60_000 }, answering(echo)), {
    scheme: 'https',
  });

describe('over TLS', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('(%s) requests share a connection', async (version) => {
    const { transport, counts } = await serve(good, version);
    for (const body of ['a', 'é€😀', 'x'.repeat(100_000)])
      expect(await transport.send(request({ body }))).toMatchObject({ status: 200, body });
    expect(counts.opened).toBe(1);
  });

  test('a name is shown to the server and checked', async () => {
    const { port } = await serve(good);
    expect((await transportTo(`https://localhost:${port}`).send(request({ body: 'a' }))).body).toBe('a');
  });

  test('callers at the same time get their own answers', async () => {
    const { transport, counts } = await serve(good);
    const bodies = Array.from({ length: 200 }, (_, id) => `${id} ${'€'.repeat(id * 100)}`);
    const answers = await Promise.all(bodies.map((body) => transport.send(request({ body }))));
    expect(answers.map(({ body }) => body)).toEqual(bodies);
    expect(counts.most).toBeLessThanOrEqual(64);
  });

  test('a process that stood still while it came about finds the connection that is there', async () => {
    const { key, cert } = good;
    const server = new Worker(
      "const { parentPort, workerData } = require('node:worker_threads'); const server = require('node:https').createServer(workerData, (_, response) => response.end('here')).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));",
      { eval: true, workerData: { key, cert } },
    );
    try {
      const [port] = (await once(server, 'message')) as [number];
      const answer = transportTo(`https://127.0.0.1:${port}`).send(request());
      await new Promise((resume) => setImmediate(resume));
      const end = performance.now() + 2_300;
      while (performance.now() < end);
      expect((await answer).body).toBe('here');
    } finally {
      await server.terminate();
    }
  });

  test('an answer may be as large as the limit, and no larger', async () => {
    const { transport } = await listening(
      createServer({ ...good }, (message, response) => response.end(Buffer.alloc(Number(message.headers['x-size']), 'x'))),
      { scheme: 'https' },
    ); // prettier-ignore
    const sized = (size: number) => transport.send(request({ ownLines: `x-size: ${size}\r\n` }));
    expect((await sized(maxAnswerBytes)).body).toHaveLength(maxAnswerBytes);
    expect(await failureOf(sized(maxAnswerBytes + 1))).toMatchObject({ failure: 'rubbish' });
  });

  test('an answer may end where the connection does, and another goes on', async () => {
    const server = createTlsServer(good, (socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')),
    );
    const { transport, counts } = await listening(server, { scheme: 'https' });
    for (let turn = 1; turn <= 3; turn += 1) expect((await transport.send(request())).body).toBe('all of it');
    expect(counts.opened).toBe(3);
  });

  test('a connection that breaks is told as cut off, one that was ended is not used', async () => {
    const { transport, sockets } = await serve(good);
    await transport.send(request());
    for (const socket of sockets) socket.end();
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connection' });
    const answer = transport.send(request({ body: Buffer.alloc(8 * 1024 * 1024) }));
    await until(() => sockets.size === 1, { everyMs: 1, what: 'the next connection' });
    for (const socket of sockets) socket.resetAndDestroy();
    expect(['cut-off', 'unreachable']).toContain((await failureOf(answer)).failure);
    expect((await transport.send(request({ body: 'a' }))).body).toBe('a');
  });

  test('the end leaves no connection', async () => {
    const { transport, sockets } = await serve(good);
    await Promise.all(Array.from({ length: 5 }, () => transport.send(request())));
    await transport.close();
    await until(() => sockets.size === 0, { everyMs: 1, what: 'the end of the connections' });
  });

  const bad: [string, () => Pair, string][] = [
    ['that nobody we trust has signed', () => unknown, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['of another place', () => ofAnother, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['that has ended', () => expired, 'CERT_HAS_EXPIRED'],
  ];
  test.each(bad)('a certificate %s is unreachable: nothing is sent', async (_, pair, message) => {
    let asked = 0;
    const server = createServer(pair(), (__, response) => response.end(String((asked += 1))));
    const { transport, port } = await listening(server, { scheme: 'https' });
    for (const to of [transport, transportTo(`https://localhost:${port}`)])
      expect(await failureOf(to.send(request()))).toMatchObject({ failure: 'unreachable', message });
    expect(asked).toBe(0);
  });

  test('a server that does not speak it is unreachable', async () => {
    const { port } = await listening(createPlainServer(answering(echo)));
    expect(await failureOf(transportTo(`https://127.0.0.1:${port}`).send(request()))).toMatchObject({
      failure: 'unreachable',
      message: 'ERR_SSL_WRONG_VERSION_NUMBER',
    });
  });
});
