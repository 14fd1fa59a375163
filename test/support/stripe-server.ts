import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signatureHeader } from '../../subgraphs/payment/domain/signature.ts';
import { type Params, type StripeBooks, type StripeObject, StripeRefusal, stripeBooks } from './stripe-books.ts';

/** Small, so that pages are turned. */
const pageSize = 2;

/** How the next matching requests go wrong. `lost`: done, but the answer never arrives. */
export type StripeFault =
  'reset' | 'lost' | 'hang' | { readonly status: number; readonly code: string; readonly retry?: boolean };

export type StripeServer = {
  readonly url: string;
  readonly books: StripeBooks;
  /** Every request that came, as `METHOD path key`. */
  readonly requests: string[];
  /** Where webhooks go and whether they do. `held`: not yet. */
  readonly webhooks: { url: string; dropped: boolean; held: boolean; copies: number };
  /** The next `times` requests to `path` go wrong. */
  fail(path: RegExp, how: StripeFault, times?: number): void;
  /** An event's body, signed or not as the test wants it. */
  event(type: string, object: StripeObject): { id: string; body: string };
  close(): Promise<void>;
};

/** `a[b][0]=c` as nested objects. */
function formOf(text: string): Params {
  const form: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const path = name.replaceAll(']', '').split('[');
    let at = form;
    for (const part of path.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[path.at(-1) as string] = value;
  }
  return form as Params;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Speaks the part of Stripe's API that we use, over real HTTP with Stripe's own rules: bearer keys, forms, one effect per
 * idempotency key with the first answer replayed (refusals too) and other parameters refused, and signed webhooks.
 *
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export async function startStripeServer(options: { secretKey: string; webhookSecret: string }): Promise<StripeServer> {
  const requests: string[] = [];
  const webhooks = { url: '', dropped: false, held: false, copies: 1 };
  const faults: { path: RegExp; how: StripeFault; times: number }[] = [];
  const keys = new Map<string, { form: string; answer: { status: number; body: unknown } }>();
  const deliveries = new Set<Promise<unknown>>();
  let events = 0;

  const event = (type: string, object: StripeObject) => {
    events += 1;
    const id = `evt_${process.pid}_${events}`;
    const created = Math.floor(Date.now() / 1000);
    return { id, body: JSON.stringify({ id, object: 'event', type, created, data: { object } }) };
  };
  const deliver = async (body: string): Promise<void> => {
    while (webhooks.held) await new Promise((again) => setTimeout(again, 100));
    for (let tries = 0; tries < 20; tries += 1) {
      const signature = signatureHeader(options.webhookSecret, Math.floor(Date.now() / 1000), body);
      const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
      const status = await fetch(webhooks.url, { method: 'POST', headers, body }).then((answer) => answer.status, () => 0); // prettier-ignore
      if (status === 200) return;
      await new Promise((again) => setTimeout(again, 100));
    }
  };
  const books = stripeBooks((type, object) => {
    const { body } = event(type, object);
    if (webhooks.dropped) return;
    // As at Stripe: by itself, in no order that anybody promises.
    const sent = Promise.all(Array.from({ length: webhooks.copies }, () => deliver(body)));
    deliveries.add(sent);
    void sent.finally(() => deliveries.delete(sent));
  });

  function answer(method: string, url: URL, form: Params): unknown {
    const [, , kind, id = '', action = ''] = url.pathname.replace('/checkout/sessions', '/sessions').split('/');
    const expand = url.searchParams.has('expand[0]');
    switch (`${method} ${kind}${id ? '/id' : ''}${action ? `/${action}` : ''}`) {
      case 'POST payment_intents': return books.createIntent(form);
      case 'GET payment_intents/id': return books.retrieveIntent(id, expand);
      case 'POST payment_intents/id/cancel': return books.cancelIntent(id);
      case 'POST payment_intents/id/capture': return books.captureIntent(id, form);
      case 'POST sessions': return books.createSession(form);
      case 'GET sessions/id': return books.retrieveSession(id, expand);
      case 'POST sessions/id/expire': return books.expireSession(id);
      case 'POST refunds': return books.createRefund(form);
      case 'GET refunds/id': return books.getRefund(id);
      case 'GET balance_transactions': {
        const [from, to, after] = ['created[gte]', 'created[lt]', 'starting_after'].map((name) => url.searchParams.get(name));
        const within = books.balance.filter(({ created }) => Number(created) >= Number(from) && Number(created) < Number(to));
        const start = after ? within.findIndex((entry) => entry.id === after) + 1 : 0;
        const data = within.slice(start, start + pageSize);
        return { object: 'list', data, has_more: start + pageSize < within.length, url: '/v1/balance_transactions' };
      }
      case 'GET refunds': {
        const data = [...books.refunds.values()].filter((refund) => refund.payment_intent === url.searchParams.get('payment_intent')); // prettier-ignore
        return { object: 'list', data, has_more: false, url: '/v1/refunds' };
      }
      default: throw new StripeRefusal(404, 'invalid_request_error', 'url_invalid', `Unrecognized request URL (${method} ${url.pathname}).`);
    } // prettier-ignore
  }

  function answerOnce(
    method: string,
    url: URL,
    text: string,
    key: string | undefined,
  ): { status: number; body: unknown } {
    const earlier = method === 'POST' && key !== undefined ? keys.get(key) : undefined;
    const form = `${url.pathname} ${text}`;
    if (earlier && earlier.form !== form) {
      const message =
        'Keys for idempotent requests can only be used with the same parameters they were first used with.';
      return { status: 400, body: { error: { type: 'idempotency_error', message } } };
    }
    if (earlier) return earlier.answer;
    let given: { status: number; body: unknown };
    try {
      given = { status: 200, body: structuredClone(answer(method, url, formOf(text))) };
    } catch (error) {
      if (!(error instanceof StripeRefusal)) throw error;
      given = { status: error.status, body: { error: error.error } };
    }
    if (method === 'POST' && key !== undefined) keys.set(key, { form, answer: given });
    return given;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stripe');
    const key = request.headers['idempotency-key'] as string | undefined;
    const text = await bodyOf(request);
    requests.push(`${request.method} ${url.pathname} ${key ?? ''}`.trim());
    const send = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_test', ...headers });
      response.end(JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${options.secretKey}`) {
      send(401, { error: { type: 'invalid_request_error', message: 'Invalid API Key provided.' } });
      return;
    }
    const fault = faults.find(({ path, times }) => times > 0 && path.test(`${request.method} ${url.pathname}`));
    if (fault) {
      fault.times -= 1;
      const { how } = fault;
      if (how === 'hang') return;
      if (how === 'lost') answerOnce(String(request.method), url, text, key);
      if (how === 'lost' || how === 'reset') request.socket.resetAndDestroy();
      else send(how.status, { error: { type: 'api_error', code: how.code, message: how.code } }, how.retry === undefined ? {} : { 'stripe-should-retry': String(how.retry) }); // prettier-ignore
      return;
    }
    const { status, body } = answerOnce(String(request.method), url, text, key);
    send(status, body);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    books,
    requests,
    webhooks,
    event,
    fail(path, how, times = 1) {
      faults.push({ path, how, times });
    },
    async close() {
      await Promise.all(deliveries);
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
