import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Client } from 'undici';
import { deadlineIn } from '../../../../subgraphs/shared/time/deadline.ts';
import {
  type AnswerReader,
  BadAnswer,
  type HttpAnswer,
  answerReader,
  openHeads,
} from '../../../../subgraphs/shared/http/answer.ts';
import {
  type Transport,
  TransportError,
  headerLines,
  openTransport,
} from '../../../../subgraphs/shared/http/transport.ts';
import { type GeneratedAnswer, answers, cut, cuts, maxKeepAliveMs, mutated } from './generated-answers.ts'; // prettier-ignore

const maxBytes = 64 * 1024;
const reader = (limit = maxBytes): AnswerReader =>
  answerReader({ heads: openHeads({ maxKeepAliveMs }), maxBytes: limit });

/** What the reader says of bytes that arrive in such pieces, in one place that is used again as a socket's is. */
function feed(to: AnswerReader, bytes: Buffer, counts: readonly number[] = [bytes.length]): HttpAnswer | null {
  const place = Buffer.alloc(Math.max(...counts, 1));
  let answer: HttpAnswer | null = null;
  for (const piece of cut(bytes, counts)) {
    if (answer) throw new Error('an answer that was whole before its end');
    piece.copy(place);
    answer = to.take(place.subarray(0, piece.length));
    place.fill('Z');
  }
  return answer;
}
function read(to: AnswerReader, answer: GeneratedAnswer, counts?: readonly number[]): HttpAnswer | null {
  const whole = feed(to, answer.bytes, counts);
  if (!answer.isUntilClose) return whole;
  expect(whole).toBeNull();
  return to.end();
}
const meant = ({ status, contentType, body, keepAliveMs }: GeneratedAnswer): HttpAnswer => ({
  status,
  contentType,
  body: body.toString(),
  keepAliveMs,
});
const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
};
/** Leaves in memory what something still refers to. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
const wire = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

describe('an answer', () => {
  test('is read the same however it is cut, and says what its writer meant', () => {
    fc.assert(
      fc.property(answers, cuts, (answer, counts) => {
        expect(read(reader(), answer)).toEqual(meant(answer));
        expect(read(reader(), answer, counts)).toEqual(meant(answer));
      }),
      { numRuns: 600 },
    );
  });

  test('is read after others on the same connection, whose heads are remembered', () => {
    const kept = answers.filter(({ isUntilClose }) => !isUntilClose);
    fc.assert(
      fc.property(fc.array(fc.tuple(kept, cuts), { minLength: 2, maxLength: 5 }), (several) => {
        const one = reader();
        for (const [answer, counts] of [...several, ...several])
          expect(read(one, answer, counts)).toEqual(meant(answer));
      }),
      { numRuns: 100 },
    );
  });

  test('is not changed by what the next one overwrites', () => {
    const one = reader();
    const first = feed(one, wire('HTTP/1.1 200 OK\nContent-Type: a/b\nContent-Length: 4\n\nabcd'));
    const second = feed(one, wire('HTTP/1.1 201 OK\nContent-Type: c/d\nContent-Length: 4\n\nefgh'), [9]);
    expect(first).toEqual({ status: 200, contentType: 'a/b', body: 'abcd', keepAliveMs: maxKeepAliveMs });
    expect(second).toEqual({ status: 201, contentType: 'c/d', body: 'efgh', keepAliveMs: maxKeepAliveMs });
  });

  test('may be as large as the limit', () => {
    const body = 'x'.repeat(1_000);
    for (const text of [`content-length: 1000\n\n${body}`, `\n${body}`])
      for (const counts of [[text.length * 2], [7]]) {
        const one = reader(1_000);
        expect((feed(one, wire(`HTTP/1.1 200 OK\n${text}`), counts) ?? one.end())?.body).toBe(body);
      }
    expect(feed(reader(1_000), wire(`HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n1f4\n${body.slice(500)}\n1f4\n${body.slice(500)}\n0\n\n`))?.body).toBe(body); // prettier-ignore
  });

  test('that the end of the connection cuts off is none', () => {
    fc.assert(
      fc.property(answers.filter(({ isUntilClose }) => !isUntilClose), fc.double({ min: 0, max: 0.999 }), (answer, part) => {
        const one = reader();
        const before = answer.bytes.subarray(0, Math.floor(answer.bytes.length * part));
        expect(feed(one, before, [before.length || 1])).toBeNull();
        expect(one.end()).toBeNull();
      }),
    ); // prettier-ignore
  });

  test('may come after any number of interim ones', () => {
    const bytes = wire(`${'HTTP/1.1 102 \n\n'.repeat(200_000)}HTTP/1.1 200 OK\ncontent-length: 2\n\nok`);
    expect(feed(reader(), bytes)?.body).toBe('ok');
    expect(feed(reader(), bytes, [64 * 1024])?.body).toBe('ok');
  });

  test('of very many tiny chunks takes no more memory than its bytes', () => {
    const one = reader(2_000_000);
    feed(one, wire('HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n'));
    const piece = wire('1\nx\n'.repeat(10_000));
    const usedBytes = (): number => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = usedBytes();
    for (let turn = 0; turn < 50; turn += 1) expect(one.take(piece)).toBeNull();
    // An object for each chunk would be a hundred bytes for each byte.
    expect(usedBytes() - before).toBeLessThan(10_000_000);
    expect(feed(one, wire('0\n\n'))?.body).toHaveLength(500_000);
  });
});

describe('what could be read in two ways, or is no answer, is refused:', () => {
  const ok = 'HTTP/1.1 200 OK\n';
  const chunks = `${ok}Transfer-Encoding: chunked\n\n`;
  const forms: Record<string, string | Buffer> = {
    'two lengths': `${ok}Content-Length: 2\nContent-Length: 3\n\nokk`,
    'the same length twice': `${ok}Content-Length: 2\nContent-Length: 2\n\nok`,
    'a list of lengths': `${ok}Content-Length: 2, 2\n\nok`,
    'a negative length': `${ok}Content-Length: -2\n\nok`,
    'a signed length': `${ok}Content-Length: +2\n\nok`,
    'a hexadecimal length': `${ok}Content-Length: 0x2\n\nok`,
    'a length in words': `${ok}Content-Length: two\n\nok`,
    'an empty length': `${ok}Content-Length:\n\nok`,
    'a length past any number': `${ok}Content-Length: 99999999999999999999\n\nok`,
    'a length after a no-break space': `${ok}Content-Length:\u00a02\n\nok`,
    'a length after a vertical tab': `${ok}Content-Length: \u000b2\n\nok`,
    'a length and chunks': `${ok}Content-Length: 2\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n`,
    'chunks and a length': `${ok}Transfer-Encoding: chunked\nContent-Length: 2\n\n2\nok\n0\n\n`,
    'chunks twice': `${ok}Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n`,
    'compressed chunks': `${ok}Transfer-Encoding: gzip, chunked\n\n2\nok\n0\n\n`,
    'another transfer encoding': `${ok}Transfer-Encoding: identity\n\nok`,
    'chunks after a vertical tab': `${ok}Transfer-Encoding: \u000bchunked\n\n2\nok\n0\n\n`,
    'chunks after a no-break space': `${ok}Transfer-Encoding:\u00a0chunked\n\n2\nok\n0\n\n`,
    'chunks of HTTP/1.0': 'HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n',
    'a folded line': `${ok}x-a: b\n  c\nContent-Length: 2\n\nok`,
    'a folded length': `${ok}Content-Length:\n 2\n\nok`,
    'a folded first line': `${ok} x-a: b\nContent-Length: 2\n\nok`,
    'a bare line feed': Buffer.from('HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok'),
    'a bare line feed in a value': Buffer.from('HTTP/1.1 200 OK\r\nx-a: b\nContent-Length: 2\r\n\r\nok'),
    'a bare carriage return': Buffer.from('HTTP/1.1 200 OK\r\nx-a: b\rContent-Length: 2\r\n\r\nok'),
    'two carriage returns': Buffer.from('HTTP/1.1 200 OK\r\nx-a: b\r\r\nContent-Length: 2\r\n\r\nok'),
    'a NUL in a value': `${ok}x-a: b\0c\nContent-Length: 2\n\nok`,
    'a NUL in a name': `${ok}x\0-a: b\nContent-Length: 2\n\nok`,
    'a control character in a value': `${ok}x-a: b\u0008c\nContent-Length: 2\n\nok`,
    'no colon': `${ok}Content-Length 2\n\nok`,
    'no name': `${ok}: 2\n\nok`,
    'a space before the colon': `${ok}Content-Length : 2\n\nok`,
    'a tab before the colon': `${ok}Content-Length\t: 2\n\nok`,
    'a space in a name': `${ok}Content Length: 2\n\nok`,
    'a name that is not ASCII': `${ok}Content-Length\u00e9: 2\n\nok`,
    'a name in brackets': `${ok}(Content-Length): 2\n\nok`,
    'another version of HTTP': 'HTTP/2 200 OK\nContent-Length: 2\n\nok',
    'HTTP/2.0': 'HTTP/2.0 200 OK\nContent-Length: 2\n\nok',
    'HTTP/1.2': 'HTTP/1.2 200 OK\nContent-Length: 2\n\nok',
    'HTTP in lower case': 'http/1.1 200 OK\nContent-Length: 2\n\nok',
    'an empty line first': `\n${ok}Content-Length: 2\n\nok`,
    'a space first': ` ${ok}Content-Length: 2\n\nok`,
    'two spaces before the status': 'HTTP/1.1  200 OK\nContent-Length: 2\n\nok',
    'a status of two digits': 'HTTP/1.1 20 OK\nContent-Length: 2\n\nok',
    'a status of four digits': 'HTTP/1.1 2000 OK\nContent-Length: 2\n\nok',
    'a status that begins with 0': 'HTTP/1.1 020 OK\nContent-Length: 2\n\nok',
    'a status in words': 'HTTP/1.1 OK\nContent-Length: 2\n\nok',
    'a request': 'GET / HTTP/1.1\nHost: a\n\n',
    'the settings of HTTP/2': Buffer.concat([Buffer.from([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0xff, 0xff]), wire('\n\n')]),
    'an alert of TLS': Buffer.concat([Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46]), wire('\n\n')]),
    'another protocol': 'HTTP/1.1 101 Switching Protocols\nUpgrade: h2c\nConnection: upgrade\n\n',
    'an endless head': `${ok}${'x-a: b\n'.repeat(3_000)}`,
    'an endless line': `${ok}x-a: ${'b'.repeat(20_000)}`,
    'an endless line before the end of a head': `${ok}x-a: ${'b'.repeat(20_000)}\n\n`,
    'a chunk of no size': `${chunks}\nok\n0\n\n`,
    'a chunk of a wordy size': `${chunks}two\nok\n0\n\n`,
    'a chunk of a prefixed size': `${chunks}0x2\nok\n0\n\n`,
    'a chunk of a negative size': `${chunks}-2\nok\n0\n\n`,
    'a chunk of a size after a space': `${chunks} 2\nok\n0\n\n`,
    'a chunk of a size before a space': `${chunks}2 \nok\n0\n\n`,
    'a chunk of a size that wraps round': `${chunks}100000002\nok\n0\n\n`,
    'a chunk of an endless size': `${chunks}${'0'.repeat(20_000)}2\nok\n0\n\n`,
    'a chunk that is longer than it says': `${chunks}2\nokk\n0\n\n`,
    'a chunk that is shorter than it says': `${chunks}3\nok\n0\n\n`,
    'a chunk without an end': `${chunks}2\nok0\n\n`,
    'a bare line feed after a size': Buffer.concat([wire(chunks), Buffer.from('2\nok\r\n0\r\n\r\n')]),
    'a bare line feed after a chunk': Buffer.concat([wire(chunks), Buffer.from('2\r\nok\n0\r\n\r\n')]),
    'a bare line feed in an extension': Buffer.concat([wire(chunks), Buffer.from('2;a\nb\r\nok\r\n0\r\n\r\n')]),
    'a bare carriage return in an extension': Buffer.concat([wire(chunks), Buffer.from('2;a\rb\r\nok\r\n0\r\n\r\n')]),
    'a NUL in an extension': `${chunks}2;a\0b\nok\n0\n\n`,
    'an endless extension': `${chunks}2;${'a'.repeat(20_000)}`,
    'a bare line feed in a trailer': Buffer.concat([wire(chunks), Buffer.from('0\r\nx-a: b\nx-c: d\r\n\r\n')]),
    'a trailer without a colon': `${chunks}0\nnonsense\n\n`,
    'a folded trailer': `${chunks}0\nx-a: b\n c\n\n`,
    'an answer as a trailer': `${chunks}0\n${ok}\n`,
    'endless trailers': `${chunks}0\n${'x-a: b\n'.repeat(3_000)}`,
    'a length above the limit': `${ok}Content-Length: 65537\n\n`,
    'a body above the limit': `${ok}Content-Length: 65537\n\n${'x'.repeat(65_537)}`,
    'chunks above the limit': `${chunks}8000\n${'x'.repeat(0x8000)}\n8001\n${'x'.repeat(0x8001)}\n`,
    'a chunk above the limit': `${chunks}10001\n`,
    'an open body above the limit': `${ok}\n${'x'.repeat(65_537)}`,
  }; // prettier-ignore
  test.each(Object.entries(forms))('%s', (_, form) => {
    const bytes = typeof form === 'string' ? wire(form) : form;
    for (const counts of bytes.length > 5_000 ? [[bytes.length], [400]] : [[bytes.length], [1], [3], [16, 1]]) {
      const one = reader();
      expect(thrownBy(() => feed(one, bytes, counts))).toBeInstanceOf(BadAnswer);
    }
  });

  const more: Record<string, string> = {
    'a second answer': `${ok}Content-Length: 2\n\nok${ok}Content-Length: 2\n\nok`,
    'bytes after a length': `${ok}Content-Length: 2\n\nok!`,
    'bytes after chunks': `${chunks}2\nok\n0\n\n!`,
    'a body of 204': 'HTTP/1.1 204 No Content\nContent-Length: 2\n\nok',
    'chunks of 204': 'HTTP/1.1 204 No Content\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n',
    'a body of 304': 'HTTP/1.1 304 Not Modified\nContent-Length: 2\n\nok',
  }; // prettier-ignore
  // What comes later than the answer was whole is the connection's to refuse.
  test.each(Object.entries(more))('%s that comes with the answer', (_, form) => {
    expect(thrownBy(() => feed(reader(), wire(form)))).toBeInstanceOf(BadAnswer);
    expect(thrownBy(() => feed(reader(), wire(form), [form.length - 3, 3]))).toBeInstanceOf(BadAnswer);
  });
  test('random bytes and spoilt answers, and nothing but BadAnswer is thrown', () => {
    const bytes = fc.oneof(
      { weight: 4, arbitrary: mutated },
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.concat([wire('HTTP/1.1 200 OK\n'), array, wire('\n\n')])),
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.concat([wire(chunks), array])),
    );
    let refused = 0;
    let read = 0;
    fc.assert(
      fc.property(bytes, cuts, (spoilt, counts) => {
        const thrown = thrownBy(() => {
          const one = reader();
          let last: HttpAnswer | null = null;
          for (const piece of cut(spoilt, counts)) last = one.take(piece);
          if (last ?? one.end()) read += 1;
        });
        if (thrown === undefined) return;
        refused += 1;
        expect(thrown).toBeInstanceOf(BadAnswer);
      }),
      { numRuns: 2_000 },
    );
    // The edits are neither harmless nor hopeless.
    expect(refused).toBeGreaterThan(200);
    expect(read).toBeGreaterThan(200);
  });
});

describe('what undici reads from the same server', () => {
  let server: Server;
  let port: number;
  let answering: { bytes: Buffer; counts: readonly number[] };
  let ours: Transport;
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
      socket.once('data', () => {
        for (const piece of cut(answering.bytes, answering.counts)) socket.write(piece);
        socket.end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
    ours = openTransport(`http://127.0.0.1:${port}`);
  });
  afterAll(async () => {
    await ours.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  /** Undici takes a length that is followed by spaces for another than it is, and `chunked` and a tab for no chunks. */
  const asUndiciReads = (bytes: Buffer): Buffer =>
    Buffer.from(bytes.toString('latin1').replace(/^((?:content-length|transfer-encoding):.*?)[ \t]+\r$/gim, '$1\r'), 'latin1'); // prettier-ignore

  type Seen = { status: number; contentType: string; body: string };
  async function byUndici(): Promise<Seen | null> {
    const client = new Client(`http://127.0.0.1:${port}`, { bodyTimeout: 2_000, headersTimeout: 2_000 });
    try {
      const { statusCode, headers, body } = await client.request({ method: 'POST', path: '/', body: '{}' });
      const type = headers['content-type'];
      const contentType = ((Array.isArray(type) ? type.at(-1) : type) ?? '').replace(/[ \t]+$/, '');
      return { status: statusCode, contentType, body: Buffer.from(await body.arrayBuffer()).toString() };
    } catch {
      return null;
    } finally {
      await client.destroy();
    }
  }
  const request = { method: 'POST', path: '/', headers: headerLines([]), body: '{}' };
  async function byOurs(): Promise<Seen | null> {
    try {
      const { status, contentType, body } = await ours.send({ ...request, deadline: deadlineIn(2_000) });
      return { status, contentType, body };
    } catch (error) {
      expect(error).toBeInstanceOf(TransportError);
      return null;
    }
  }

  test('is what we read, of any valid answer', async () => {
    await fc.assert(
      fc.asyncProperty(answers, cuts, async (answer, counts) => {
        answering = { bytes: asUndiciReads(answer.bytes), counts: answer.bytes.length > 2_000 ? [1_000] : counts };
        const { status, contentType, body } = meant(answer);
        expect(await byOurs()).toEqual({ status, contentType, body });
        expect(await byUndici()).toEqual({ status, contentType, body });
      }),
      { numRuns: 300 },
    );
  });

  test('is what we read, of spoilt answers, unless one of us refuses them', async () => {
    let both = 0;
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => {
        answering = { bytes: asUndiciReads(bytes), counts: [bytes.length || 1] };
        const [we, they] = [await byOurs(), await byUndici()];
        if (!we || !they) return;
        both += 1;
        expect(we).toEqual(they);
      }),
      { numRuns: 400 },
    );
    expect(both).toBeGreaterThan(40);
  });
});
