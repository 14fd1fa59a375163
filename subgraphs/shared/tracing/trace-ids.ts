import { randomBytes } from 'node:crypto';

const traceBytes = 16;
const spanBytes = 8;
let pool = Buffer.alloc(8 * 1024);
let taken = pool.length;

/** Random hex digits, two for each byte, from a pool: a system call for each id was 4 % of a small request. */
function randomHex(bytes: number): string {
  if (taken + bytes > pool.length) {
    pool = randomBytes(pool.length);
    taken = 0;
  }
  taken += bytes;
  return pool.toString('hex', taken - bytes, taken);
}

/** The trace id of a W3C `traceparent` header, or a new one (32 hex digits). */
export function traceIdFrom(traceparent: string | undefined): string {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '');
  return match?.[1] !== undefined && !/^0+$/.test(match[1]) ? match[1] : randomHex(traceBytes);
}

/** A trace id for work that no request began. */
export const newTraceId = (): string => randomHex(traceBytes);
export const newSpanId = (): string => randomHex(spanBytes);

/** What a W3C `traceparent` header says; undefined for one that says nothing. */
export function readTraceparent(
  traceparent: string | undefined,
): { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean } | undefined {
  const [, traceId, spanId, flags] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags ?? '', 16) & 1) === 1 };
}

/** The header that tells of a span. */
export const traceparentWith = (
  span: { readonly traceId: string; readonly spanId: string },
  isSampled: boolean,
): string => `00-${span.traceId}-${span.spanId}-${isSampled ? '01' : '00'}`;

/** A `traceparent` header that carries this trace on, with a new span id. */
export const traceparentOf = (traceId: string): string => `00-${traceId}-${randomHex(spanBytes)}-01`;
