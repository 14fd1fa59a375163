import type { IncomingMessage } from 'node:http';

/**
 * Which pages may call the API from a browser: the platform's own origin, and those configured. A platform on a
 * loopback name is the same under every loopback name.
 */
export function allowedOrigins(options: {
  publicUrl: string;
  listed: readonly string[];
  port: () => number;
}): (origin: string) => boolean {
  const own = new URL(options.publicUrl);
  const listed = new Set([own.origin, ...options.listed]);
  const loopback = ['localhost', '127.0.0.1', '[::1]'];
  if (!loopback.includes(own.hostname)) return (origin) => listed.has(origin);
  return (origin) =>
    listed.has(origin) ||
    loopback.some((host) =>
      [own.port, String(options.port())].some((port) => origin === new URL(`${own.protocol}//${host}:${port}`).origin),
    );
}

/**
 * GraphQL over HTTP lets a GET carry a query without any header, which Apollo's CSRF prevention refuses. A browser that
 * acts for another site says so in `sec-fetch-site`; only those need the preflight. (The API takes no cookies, so there
 * is nothing to ride on either way.)
 */
export function isOwnRead({ method, headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return (
    method === 'GET' && (site === undefined ? headers.origin === undefined : site === 'same-origin' || site === 'none')
  );
}
