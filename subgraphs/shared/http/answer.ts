/** An answer that arrived whole. */
export type HttpAnswer = {
  readonly status: number;
  /** As the header has it; empty when there is none. */
  readonly contentType: string;
  /** Read as UTF-8. */
  readonly body: string;
  /** How long the connection may be kept for another request, in milliseconds; 0 when it ends here. */
  readonly keepAliveMs: number;
};

/** What came is not an HTTP/1.1 answer, or more than may be. The connection is of no use any more. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

/** An answer of more bytes than may be; it may well be one. */
export class OversizedAnswer extends BadAnswer {}

export type AnswerReader = {
  /** Takes what arrived, which is read before this returns and not kept. The answer once it is whole, else null. */
  take(bytes: Buffer): HttpAnswer | null;
  /** The connection has ended: the answer if that is how it says where it ends, else null. */
  end(): HttpAnswer | null;
};

type Head = {
  readonly status: number;
  readonly contentType: string;
  readonly keepAliveMs: number;
  /** Where the body ends: after so many bytes, with its last chunk, or with the connection. */
  readonly body: number | 'chunked' | 'until close';
};

const maxHeadBytes = 16 * 1024;
const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

/**
 * Reads answers to POST and GET, one after the other, strictly by RFC 9112: whatever two readers could understand in two
 * ways (two lengths, a length and chunks, folded lines, bare line ends) throws BadAnswer, as do bytes that nobody asked
 * for. `maxBytes` bounds a body. Readers of the same peer share its `heads`.
 */
export function answerReader({ heads, maxBytes }: { heads: Heads; maxBytes: number }): AnswerReader {
  let held: Buffer | undefined;
  let head: Head | undefined;
  let body: BodyReader | undefined;

  function whole(text: string, { status, contentType, keepAliveMs }: Head): HttpAnswer {
    held = head = body = undefined;
    return { status, contentType, keepAliveMs, body: text };
  }
  /** The bytes after the head, once that is there. */
  function takeHead(arrived: Buffer): Buffer | null {
    let bytes = held ? Buffer.concat([held, arrived]) : arrived;
    held = undefined;
    // "Early hints" and the like come before the answer.
    while (!head) {
      const end = bytes.indexOf(headEnd);
      if (end > maxHeadBytes || (end === -1 && bytes.length > maxHeadBytes))
        throw new BadAnswer(`headers of more than ${maxHeadBytes} bytes`);
      if (end === -1) {
        if (bareLineFeed.test(bytes.toString('latin1'))) throw new BadAnswer('headers with a stray line end');
        held = Buffer.from(bytes);
        return null;
      }
      const found = heads.read(bytes.toString('latin1', 0, end));
      bytes = bytes.subarray(end + headEnd.length);
      if (found.status >= 200) head = found;
    }
    return bytes;
  }
  return {
    take(arrived) {
      const bytes = head ? arrived : takeHead(arrived);
      if (!bytes || !head) return null;
      if (!body) {
        // Nearly always all is there at once.
        if (bytes.length === head.body && bytes.length <= maxBytes) return whole(bytes.toString(), head);
        body = bodyReader(head.body, maxBytes);
      }
      const text = body.take(bytes);
      return text === null ? null : whole(text, head);
    },
    end() {
      if (!head) return null;
      const text = (body ?? bodyReader(head.body, maxBytes)).end();
      return text === null ? null : whole(text, head);
    },
  };
}

const rememberedHeads = 64;

/** The heads of a peer's answers. */
export type Heads = { read(text: string): Head };

/**
 * The same lines are read once: a peer's answers within a second have the same date, and often the same length.
 * `maxKeepAliveMs` bounds what it may say of keeping the connection.
 */
export function openHeads(options: { maxKeepAliveMs: number }): Heads {
  const known = new Map<string, Head>();
  return {
    read(text) {
      let head = known.get(text);
      if (head) return head;
      head = readHead(text, options.maxKeepAliveMs);
      if (known.size >= rememberedHeads) known.clear();
      known.set(text, head);
      return head;
    },
  };
}

const bareLineFeed = /(?<!\r)\n/;
/** Line ends that are none, and control characters: some take them for spaces. */
const unclearText = /\r(?!\n)|(?<!\r)\n|[^\t\r\n\x20-\x7e\x80-\xff]/;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?=:)/;
const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: |$)/;

/** Throws BadAnswer. */
function readHead(text: string, maxKeepAliveMs: number): Head {
  if (unclearText.test(text)) throw new BadAnswer('headers with a stray line end or control character');
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, code] = statusLine.exec(first) ?? [];
  if (code === undefined) throw new BadAnswer('no status line of HTTP/1.1');
  const status = Number(code);
  if (status === 101) throw new BadAnswer('another protocol');
  let contentType = '';
  let length: number | undefined;
  let isChunked = false;
  let keepAliveMs = minor === '1' ? maxKeepAliveMs : 0;
  for (const line of lines) {
    const name = fieldName.exec(line)?.[0].toLowerCase();
    if (name === undefined) throw new BadAnswer('a line that is no header');
    const value = valueFrom(line, name.length + 1);
    if (name === 'content-type') contentType = value;
    else if (name === 'content-length') length = readLength(value, length);
    else if (name === 'connection') keepAliveMs = /\bclose\b/i.test(value) ? 0 : keepAliveMs;
    else if (name === 'keep-alive') keepAliveMs = Math.min(keepAliveMs, hintMs(value));
    else if (name === 'transfer-encoding') {
      if (isChunked || minor === '0' || value.toLowerCase() !== 'chunked')
        throw new BadAnswer('an unknown transfer encoding');
      isChunked = true;
    }
  }
  if (isChunked && length !== undefined) throw new BadAnswer('a length and chunks');
  const hasNone = status === 204 || status === 304 || status < 200;
  const body = hasNone ? 0 : isChunked ? 'chunked' : (length ?? 'until close');
  return { status, contentType, body, keepAliveMs: body === 'until close' ? 0 : keepAliveMs };
}

const isSpace = (char: number): boolean => char === 0x20 || char === 0x09;

/** Without the spaces and tabs around it; `trim` would take away more, which others take for a part of it. */
function valueFrom(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (isSpace(line.charCodeAt(start))) start += 1;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function readLength(value: string, before: number | undefined): number {
  if (before !== undefined || !/^[0-9]{1,15}$/.test(value)) throw new BadAnswer('an unclear content length');
  return Number(value);
}

/** A little less than what the peer keeps a connection for, so that no request meets one that is just closing. */
export function hintMs(value: string): number {
  const seconds = /\btimeout=([0-9]{1,9})\b/i.exec(value)?.[1];
  return seconds === undefined ? Infinity : Math.max(0, Number(seconds) * 1_000 - 1_000);
}

type BodyReader = { take(bytes: Buffer): string | null; end(): string | null };

function bodyReader(body: Head['body'], maxBytes: number): BodyReader {
  if (body === 'chunked') return chunkedBody(maxBytes);
  if (body === 'until close') return openBody(maxBytes);
  return knownBody(body, maxBytes);
}

const tooLarge = (maxBytes: number) => new OversizedAnswer(`an answer of more than ${maxBytes} bytes`);

function knownBody(length: number, maxBytes: number): BodyReader {
  if (length > maxBytes) throw tooLarge(maxBytes);
  const all = Buffer.allocUnsafe(length);
  let filled = 0;
  return {
    take(bytes) {
      if (filled + bytes.length > length) throw new BadAnswer('more than was asked for');
      filled += bytes.copy(all, filled);
      return filled === length ? all.toString() : null;
    },
    end: () => null,
  };
}

function openBody(maxBytes: number): BodyReader {
  const parts = bodyParts(maxBytes);
  return {
    take(bytes) {
      parts.add(bytes);
      return null;
    },
    end: parts.text,
  };
}

/** RFC 9112 §7.1; extensions of chunks and trailers are read over, as many as a head may have. */
function chunkedBody(maxBytes: number): BodyReader {
  const parts = bodyParts(maxBytes);
  let held: Buffer | undefined;
  /** Bytes of the chunk that are still to come; null between chunks. */
  let left: number | null = null;
  let isLast = false;
  let readOverBytes = 0;

  /** The next line, without its end; null until it is there. */
  function line(bytes: Buffer): string | null {
    const end = bytes.indexOf(lineEnd);
    if (end > maxHeadBytes || (end === -1 && bytes.length > maxHeadBytes)) throw new BadAnswer('an endless line');
    return end === -1 ? null : bytes.toString('latin1', 0, end);
  }
  function readOver(text: string): void {
    readOverBytes += text.length;
    if (readOverBytes > maxHeadBytes) throw new BadAnswer(`more than ${maxHeadBytes} bytes beside the chunks`);
    if (unclearText.test(text)) throw new BadAnswer('chunks with a stray line end or control character');
  }
  function next(bytes: Buffer): { rest: Buffer; isWhole: boolean } | null {
    if (left !== null && left > 0) {
      const part = bytes.subarray(0, left);
      parts.add(part);
      left -= part.length;
      return part.length > 0 ? { rest: bytes.subarray(part.length), isWhole: false } : null;
    }
    const text = line(bytes);
    if (text === null) return null;
    const rest = bytes.subarray(text.length + lineEnd.length);
    if (left === 0) {
      if (text !== '') throw new BadAnswer('a chunk longer than it says');
      left = null;
    } else if (isLast) {
      if (text === '') return { rest, isWhole: true };
      if (!fieldName.test(text)) throw new BadAnswer('a trailer that is no header');
      readOver(text);
    } else {
      const size = /^([0-9a-f]{1,8})(?:[ \t]*;|$)/i.exec(text)?.[1];
      if (size === undefined) throw new BadAnswer('a chunk of unclear size');
      readOver(text.slice(size.length));
      const bytesOfChunk = Number.parseInt(size, 16);
      if (bytesOfChunk > maxBytes) throw tooLarge(maxBytes);
      if (bytesOfChunk === 0) isLast = true;
      else left = bytesOfChunk;
    }
    return { rest, isWhole: false };
  }
  return {
    take(arrived) {
      let bytes = held ? Buffer.concat([held, arrived]) : arrived;
      for (let step = next(bytes); step; step = next(bytes)) {
        bytes = step.rest;
        if (!step.isWhole) continue;
        if (bytes.length > 0) throw new BadAnswer('more than was asked for');
        return parts.text();
      }
      held = bytes.length > 0 ? Buffer.from(bytes) : undefined;
      return null;
    },
    end: () => null,
  };
}

/** One buffer that grows: an object for each part would be many times as large as a part of one byte. */
function bodyParts(maxBytes: number): { add(bytes: Buffer): void; text(): string } {
  let all = Buffer.allocUnsafe(0);
  let size = 0;
  return {
    add(bytes) {
      const needed = size + bytes.length;
      if (needed > maxBytes) throw tooLarge(maxBytes);
      if (needed > all.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * all.length, maxBytes)));
        all.copy(larger, 0, 0, size);
        all = larger;
      }
      size += bytes.copy(all, size);
    },
    text: () => all.toString('utf8', 0, size),
  };
}
