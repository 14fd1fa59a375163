import type { RequestHandler } from 'express';
import { traceIdFrom } from '../subgraphs/shared/telemetry.ts';

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

/**
 * On every answer: a trace id (`response.locals.traceId`, header `x-trace-id`) and what tells browsers to trust nothing
 * that we don't serve. Inline styles are for the editor of GraphiQL; no inline script runs.
 */
export function commonHeaders(options: { publicUrl: string }): RequestHandler {
  const isSecure = options.publicUrl.startsWith('https:');
  return (request, response, next) => {
    const traceId = traceIdFrom(request.headers['traceparent'] as string | undefined);
    response.locals['traceId'] = traceId;
    response.setHeader('x-trace-id', traceId);
    response.setHeader('content-security-policy', contentSecurityPolicy);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('x-frame-options', 'DENY');
    response.setHeader('referrer-policy', 'strict-origin-when-cross-origin');
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    if (isSecure) response.setHeader('strict-transport-security', 'max-age=31536000; includeSubDomains');
    next();
  };
}

const preflightCacheSeconds = '600';

/** CORS for the API: allowed origins may send JSON and a bearer token. No cookies: the API takes none. */
export function crossOrigin(options: { isAllowed: (origin: string) => boolean }): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    response.vary('Origin');
    if (origin !== undefined && options.isAllowed(origin)) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-expose-headers', 'x-trace-id');
      if (request.method === 'OPTIONS') {
        response.setHeader('access-control-allow-methods', 'GET, POST');
        response.setHeader(
          'access-control-allow-headers',
          'authorization, content-type, traceparent, apollo-require-preflight',
        );
        response.setHeader('access-control-max-age', preflightCacheSeconds);
        response.status(204).end();
        return;
      }
    }
    next();
  };
}
