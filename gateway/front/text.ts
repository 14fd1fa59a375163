import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { type JsonObject, isJsonObject } from '../execute/types.ts';

/** Bytes escaped in an address, each run of them whole: a character of several bytes may not end with the run. */
const escapedRuns = /(?:%[\da-f]{2})+/gi;
const beyondAscii = /[^\0-\x7f]/;

function isUtf8Escaped(address: string): boolean {
  try {
    for (const [run] of address.matchAll(escapedRuns)) decodeURIComponent(run);
    return true;
  } catch {
    return false;
  }
}

/** Node reads headers as Latin-1, one character for each byte. */
const isUtf8Header = (value: string): boolean => !beyondAscii.test(value) || isUtf8(Buffer.from(value, 'latin1'));

const wholeAddress = /^[a-z][a-z\d+.-]*:/i;

/** The path and parameters of an address that may stand as proxies send it, whole and with a host; undefined when it is none. */
export function originFormOf(address: string): string | undefined {
  if (!wholeAddress.test(address)) return address;
  const { pathname, search } = URL.parse(address) ?? { pathname: '', search: '' };
  return pathname.startsWith('/') ? pathname + search : undefined;
}

/** Whether the address is ASCII whose escaped bytes are UTF-8, and every header is UTF-8. */
export function isReadableHead({ url = '', rawHeaders }: IncomingMessage): boolean {
  if (beyondAscii.test(url) || (url.includes('%') && !isUtf8Escaped(url))) return false;
  return rawHeaders.every(isUtf8Header);
}

/** The parameters of a request's address. Whatever stands before the question mark may be odd. */
export function searchParametersOf(url: string): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start));
}

/** The JSON object that the text is; undefined when it is none. */
export function jsonObjectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
