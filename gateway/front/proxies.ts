import express, { type ErrorRequestHandler, type Request, type Response, Router } from 'express';
import type { Headers } from '../../subgraphs/shared/auth/caller-headers.ts';
import { isUnavailable, retryAfterSeconds, unavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import type { WebhookGate } from './webhook-gate.ts';
import { traceparentOf } from '../../subgraphs/shared/process/telemetry.ts';
import { type Tracing, traced } from '../../subgraphs/shared/tracing/tracing.ts';

const maxBodyBytes = 64 * 1024;
/** A client is to be told within 3 s. */
const providerTimeoutMs = 2_500;

/** Bytes as they came: a signature is over them. A compressed body is refused, since it would have to be changed. */
const rawBody = express.raw({ type: () => true, limit: maxBodyBytes, inflate: false });
const bodyOf = (request: Request): Buffer => (Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));

/** `POST /webhooks/:provider`: providers' callbacks, passed untouched to the payment subgraph, which checks the signature. */
export function webhooks(options: {
  payment: () => SubgraphLink;
  addressOf: (request: Request) => string;
  gate: WebhookGate;
  tracing: Tracing | undefined;
}): Router {
  const { gate } = options;
  const router = Router();
  const noteRefusals: ErrorRequestHandler = (error: { status?: number }, request, _response, next) => {
    gate.answered(request, error.status ?? 500);
    next(error);
  };
  router.post('/webhooks/:provider', gate.admit, rawBody, async (request, response) => {
    const headers = {
      ...withoutOwnHeaders(request.headers),
      'x-client-address': options.addressOf(request),
    };
    const path = `/webhooks/${encodeURIComponent(String(request.params['provider']))}`;
    const traceId = String(response.locals['traceId']);
    const span = { service: 'gateway', name: 'POST /webhooks', kind: 'server', traceId, traceparent: request.headers['traceparent'] as string | undefined } as const; // prettier-ignore
    const answer = await traced(options.tracing, span, (begun) => {
      const traceparent = begun?.traceparent ?? traceparentOf(traceId);
      return options
        .payment()
        .raw({ method: 'POST', path, headers: { ...headers, traceparent }, body: bodyOf(request) });
    });
    gate.answered(request, answer.status);
    if (answer.status === 503) response.set('retry-after', String(retryAfterSeconds));
    response.status(answer.status).set(answer.headers).send(answer.body);
  });
  router.use('/webhooks', noteRefusals, answerPlainly);
  return router;
}

/** What a provider may send that does not get to the payment subgraph, in the words of docs/errors.md. */
const refusedBodies: Readonly<Record<number, string>> = {
  400: 'BODY_UNREADABLE',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** Providers get `{ code }` from the gateway too. What is our fault goes on, to be logged, and comes back here as a code. */
const answerPlainly: ErrorRequestHandler = (error: { status?: number }, _request, response, next) => {
  const code = refusedBodies[error.status ?? 0] ?? (isUnavailable(error) ? 'SERVICE_UNAVAILABLE' : undefined);
  if (code === 'SERVICE_UNAVAILABLE' && !response.headersSent) response.set('retry-after', String(retryAfterSeconds));
  if (code === undefined || response.headersSent) next(error);
  else response.status(code === 'SERVICE_UNAVAILABLE' ? 503 : (error.status ?? 400)).json({ code });
};

/** Nobody outside shows a service's token or an identity. */
const withoutOwnHeaders = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !name.startsWith('x-service-') && name !== 'x-identity' && !name.startsWith('x-client-'),
    ),
  );

/** `/simulated/…`: the two paths of the simulated provider that its customers' browsers need. */
export function simulatedProvider(providerUrl: string): Router {
  const router = Router();
  const pass = async (request: Request, response: Response, path: string): Promise<void> => {
    const body = request.method === 'POST' ? bodyOf(request) : null;
    const headers = {
      'content-type': request.headers['content-type'] ?? 'application/json',
      ...(request.headers.authorization && { authorization: request.headers.authorization }),
    };
    // Only a platform with the simulated provider needs it.
    const { request: send } = await import('undici');
    try {
      const answer = await send(`${providerUrl}${path}`, {
        method: request.method as 'GET' | 'POST',
        headers,
        body,
        headersTimeout: providerTimeoutMs,
        bodyTimeout: providerTimeoutMs,
      });
      response.status(answer.statusCode).set('content-type', String(answer.headers['content-type'] ?? 'application/json')).send(await answer.body.text()); // prettier-ignore
    } catch (error) {
      throw unavailable(
        `The payment provider can't be reached (${(error as { code?: string }).code ?? (error as Error).name}).`,
      );
    }
  };
  const pathOf = (request: Request) =>
    `/v1/payment_intents/${encodeURIComponent(String(request.params['id']))}${new URL(request.originalUrl, 'http://gateway').search}`;
  router.get('/simulated/v1/payment_intents/:id', (request, response) => pass(request, response, pathOf(request)));
  router.post('/simulated/v1/payment_intents/:id/confirm', rawBody, (request, response) =>
    pass(request, response, pathOf(request).replace(/(\?|$)/, '/confirm$1')),
  );
  return router;
}
