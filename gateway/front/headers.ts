import type { RequestHandler } from 'express';
import { traceIdFrom } from '../../subgraphs/shared/process/telemetry.ts';

const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const strictTransport = { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } as const;

/** What tells browsers to trust nothing that we don't serve. Inline styles are for the editor of GraphiQL; no inline script runs. */
const securityHeaders = ({ publicUrl }: { publicUrl: string }): Readonly<Record<string, string>> => ({
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'cross-origin-opener-policy': 'same-origin',
  ...(publicUrl.startsWith('https:') && strictTransport),
});

/** The same for answers of the API, which are no pages: nothing of them is to be shown, run or framed. */
export const apiSecurityHeaders = ({ publicUrl }: { publicUrl: string }): Readonly<Record<string, string>> => ({
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  ...(publicUrl.startsWith('https:') && strictTransport),
});

/**
 * On every answer: the security headers and a trace id (`response.locals.traceId`, header `x-trace-id`); on those of the API
 * that they are not to be stored. Refusals leave it at that: caches may keep a 404 by itself.
 */
export function commonHeaders(options: { publicUrl: string }): RequestHandler {
  const ofPages = Object.entries(securityHeaders(options));
  const ofApi = Object.entries({ ...apiSecurityHeaders(options), 'cache-control': 'no-store' });
  return (request, response, next) => {
    const headers = /^\/graphql(?:\/|$)/i.test(request.path) ? ofApi : ofPages;
    const traceId: string = (response.locals['traceId'] ??= traceIdFrom(request.headers['traceparent'] as string | undefined)); // prettier-ignore
    response.setHeader('x-trace-id', traceId);
    for (const [name, value] of headers) response.setHeader(name, value);
    next();
  };
}

const preflightCacheSeconds = '600';

type Origins = { readonly isAllowed: (origin: string) => boolean };

/** CORS for the API: which headers an answer to this origin has. */
export const crossOriginHeaders = ({ isAllowed }: Origins, origin: string | undefined): Record<string, string> => ({
  vary: 'Origin',
  ...(origin !== undefined &&
    isAllowed(origin) && {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'x-trace-id, retry-after',
    }),
});

/** CORS for the API: allowed origins may send JSON and a bearer token. No cookies: the API takes none. */
export function crossOrigin(origins: Origins): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    const headers = crossOriginHeaders(origins, origin);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (headers['access-control-allow-origin'] === undefined || request.method !== 'OPTIONS') {
      next();
      return;
    }
    response.setHeader('access-control-allow-methods', 'GET, POST');
    response.setHeader(
      'access-control-allow-headers',
      'authorization, content-type, traceparent, apollo-require-preflight',
    );
    response.setHeader('access-control-max-age', preflightCacheSeconds);
    response.status(204).end();
  };
}
