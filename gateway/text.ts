import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

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

/**
 * Whether each text in a JSON value, names of fields included, consists of characters: JSON can escape one half of a surrogate
 * pair, for which UTF-8 has no bytes.
 */
export function isWellFormed(json: unknown): boolean {
  const left: unknown[] = [json];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === 'string') {
      if (!value.isWellFormed()) return false;
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        if (!name.isWellFormed()) return false;
        left.push(inner);
      }
    }
  }
  return true;
}
