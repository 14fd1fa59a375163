import fc from 'fast-check';

/** An HTTP answer as some server may write it, and what it says. */
export type GeneratedAnswer = {
  readonly bytes: Buffer;
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  readonly keepAliveMs: number;
  /** Only the end of the connection says where its body ends. */
  readonly isUntilClose: boolean;
};

/** What the peer may say of keeping the connection at most, in `keepAliveMs` of answers. */
export const maxKeepAliveMs = 30_000;

const spaces = fc.constantFrom('', ' ', ' ', '  ', '\t', ' \t ');
const anyCase = (name: string) => fc.mixedCase(fc.constant(name));
const header = (name: string, value: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.oneof(fc.constant(name), anyCase(name)), spaces, value, spaces)
    .map(([given, before, text, after]) => `${given}:${before}${text}${after}`);

const visible = fc.constantFrom(...'!"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ \t\u00a0\u00e9\u00ff'.split(''));
const tokenChar = fc.constantFrom(..."!#$%&'*+-.^_`|~09azAZ".split(''));
const anyValue = fc.string({ unit: visible, maxLength: 20 });
const otherName = fc.oneof(
  fc.constantFrom('Date', 'Server', 'Set-Cookie', 'Cache-Control', 'Content-Language', 'Content-Lengthy', 'Transfer', 'Kind', 'TE'), // prettier-ignore
  fc.string({ unit: tokenChar, maxLength: 8 }).map((name) => `x-${name}`),
);
const otherHeader = otherName.chain((name) => header(name, anyValue));
const otherHeaders = fc.array(otherHeader, { maxLength: 4 });

const kept = fc.oneof(
  fc.constant({ lines: [] as string[], keepAliveMs: maxKeepAliveMs }),
  header('connection', fc.constantFrom('close', 'Close', 'keep-alive, close')).map((line) => ({ lines: [line], keepAliveMs: 0 })), // prettier-ignore
  fc
    .integer({ min: 0, max: 60 })
    .chain((seconds) =>
      fc
        .tuple(
          header('connection', fc.constant('keep-alive')),
          header('keep-alive', fc.constantFrom(`timeout=${seconds}`, `max=9, timeout=${seconds}`)),
        )
        .map((lines) => ({ lines, keepAliveMs: Math.min(maxKeepAliveMs, Math.max(0, seconds * 1_000 - 1_000)) })),
    ),
);
const types = fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain;q="a: b"');
const contentTypes = fc.option(
  types.chain((contentType) => header('content-type', fc.constant(contentType)).map((line) => ({ contentType, lines: [line] }))), // prettier-ignore
  { nil: { contentType: '', lines: [] } },
);

const reason = fc.constantFrom(' OK', ' ', ' Not quite: so\u00e9', '');
const statusLine = (status: number, minor: number) => reason.map((text) => `HTTP/1.${minor} ${status}${text}`);
const headOf = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

const interim = fc
  .constantFrom(102, 103, 199)
  .chain((status) => fc.tuple(statusLine(status, 1), otherHeaders).map(([line, lines]) => headOf([line, ...lines])));
const interims = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(interim, { maxLength: 3 }));

const bodies = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 1, max: 900 }).map((count) => Buffer.from('Zoë € 😀 '.repeat(count))),
  fc.constant(Buffer.alloc(0)),
);

const chunkHead = (size: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.constantFrom('', '', ';a', ';a=b', ';q="x;y"', ';a=1;b=2'))
    .map(([zeros, upper, extension]) => {
      const hex = size.toString(16).padStart(size.toString(16).length + zeros, '0');
      return Buffer.from(`${upper ? hex.toUpperCase() : hex}${extension}\r\n`);
    });
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5_000 })), { minLength: 1, maxLength: 9 }); // prettier-ignore

function chunked(body: Buffer): fc.Arbitrary<Buffer> {
  return sizes
    .chain((given) => {
      const parts: Buffer[] = [];
      for (let at = 0; at < body.length; at += parts.at(-1)?.length ?? 0)
        parts.push(
          body.subarray(at, at + (parts.length < 50 ? (given[parts.length % given.length] ?? 1) : body.length)),
        );
      const chunks = parts.map((part) => chunkHead(part.length).map((head) => Buffer.concat([head, part, Buffer.from('\r\n')]))); // prettier-ignore
      return fc.tuple(fc.tuple(...chunks), chunkHead(0), otherHeaders);
    })
    .map(([chunks, last, trailers]) =>
      Buffer.concat([...chunks, last, Buffer.from(`${trailers.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1')]),
    );
}

type Framed = Pick<GeneratedAnswer, 'status' | 'body' | 'isUntilClose'> & { readonly lines: readonly string[]; readonly after: Buffer }; // prettier-ignore

const statuses = fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 599 })).filter((status) => status !== 204 && status !== 304); // prettier-ignore
const framed: fc.Arbitrary<Framed> = fc.tuple(statuses, bodies).chain(([status, body]) =>
  fc.oneof(
    header('content-length', fc.constantFrom(String(body.length), `000${body.length}`)).map((line) => ({ status, body, isUntilClose: false, lines: [line], after: body })), // prettier-ignore
    fc.tuple(header('transfer-encoding', anyCase('chunked')), chunked(body)).map(([line, after]) => ({ status, body, isUntilClose: false, lines: [line], after })), // prettier-ignore
    fc.constant({ status, body, isUntilClose: true, lines: [], after: body }),
  ),
);
const bodiless: fc.Arbitrary<Framed> = fc.constantFrom(204, 304).map((status) => ({ status, body: Buffer.alloc(0), isUntilClose: false, lines: [], after: Buffer.alloc(0) })); // prettier-ignore

/** Any answer that RFC 9112 allows. */
export const answers: fc.Arbitrary<GeneratedAnswer> = fc
  .tuple(fc.oneof({ weight: 5, arbitrary: framed }, bodiless), contentTypes, kept, otherHeaders, interims)
  .chain(([framing, type, keeping, others, before]) => {
    const lines = [...framing.lines, ...type.lines, ...keeping.lines, ...others];
    const isChunked = framing.lines.some((line) => /^transfer/i.test(line));
    return fc
      .tuple(
        fc.shuffledSubarray(lines, { minLength: lines.length }),
        isChunked ? fc.constant(1) : fc.constantFrom(1, 1, 0),
      ) // prettier-ignore
      .chain(([shuffled, minor]) =>
        statusLine(framing.status, minor).map((first) => ({
          bytes: Buffer.concat([...before, headOf([first, ...shuffled]), framing.after]),
          status: framing.status,
          contentType: type.contentType,
          body: framing.body,
          keepAliveMs: framing.isUntilClose || minor === 0 ? 0 : keeping.keepAliveMs,
          isUntilClose: framing.isUntilClose,
        })),
      );
  });

/** Bytes that began as a valid answer. */
export const mutated: fc.Arbitrary<Buffer> = answers.chain(({ bytes }) => {
  const snippet = fc.oneof(
    fc.constantFrom('\r', '\n', '\r\n', '\r\n\r\n', '\0', ' ', '\t', ':', ';', '0', '-1', ','),
    fc.constantFrom('Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'HTTP/1.1 200 OK\r\n', '0\r\n\r\n'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  const edit = fc.record({ at: fc.nat(Math.min(bytes.length, 600)), removed: fc.oneof(fc.constant(0), fc.nat(12)), snippet: fc.oneof(fc.constant(''), snippet) }); // prettier-ignore
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) =>
      edits.reduce(
        (left, { at, removed, snippet: text }) =>
          Buffer.concat([left.subarray(0, at), Buffer.from(text), left.subarray(at + removed)]),
        bytes,
      ),
    );
});

/** How many bytes arrive at a time; used again from the start when bytes are left. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
  fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 5 }),
);

/** The bytes in pieces. */
export function* cut(bytes: Buffer, counts: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const count = counts[turn % counts.length] ?? 1;
    yield bytes.subarray(at, at + count);
    at += count;
  }
}
