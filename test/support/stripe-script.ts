import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StripeServer } from './stripe-server.ts';

export type StripeScriptServer = {
  /** For STRIPE_JS_URL. */
  readonly scriptUrl: string;
  readonly origin: string;
  /** From now on the script is not there. */
  blocked: boolean;
  /** From now on what is confirmed is done, but the answer never arrives. */
  lost: boolean;
  close(): Promise<void>;
};

const declinedCard = '4000000000000002';

/** Runs in the shop's page: the part of Stripe's script that it uses, with the fields in a frame of Stripe's. */
const script = (origin: string): string => `
window.Stripe = (publishableKey) => ({
  elements: ({ clientSecret, locale }) => ({
    clientSecret,
    create() {
      const listeners = {};
      const frame = document.createElement('iframe');
      frame.title = 'Secure payment input frame';
      frame.height = '90';
      frame.addEventListener('load', () => listeners.ready?.());
      return {
        on(name, listener) { listeners[name] = listener; },
        mount(place) {
          frame.src = '${origin}/fields?' + new URLSearchParams({ key: publishableKey, secret: clientSecret, locale });
          place.append(frame);
        },
        unmount() { frame.remove(); },
      };
    },
  }),
  async confirmPayment({ elements, confirmParams }) {
    const body = JSON.stringify({ secret: elements.clientSecret, returnUrl: confirmParams.return_url });
    return (await fetch('${origin}/confirm', { method: 'POST', body })).json();
  },
  async retrievePaymentIntent(secret) {
    return (await fetch('${origin}/intent?' + new URLSearchParams({ secret }))).json();
  },
});
`;

const fields = (locale: string): string => `<!doctype html><html lang="${locale}"><title>Card</title>
<label>${locale === 'de' ? 'Kartennummer' : 'Card number'} <input id="card"></label>
<script>card.oninput = () => fetch('/typed' + location.search, { method: 'POST', body: card.value });</script></html>`;

/**
 * Stands in for Stripe's script and what it asks in browsers, over real HTTP from an origin of its own. What is typed stays with it; it
 * moves the money in the books of the server that speaks Stripe's API.
 *
 * @see https://docs.stripe.com/js/payment_intents/confirm_payment
 */
export async function startStripeScript({ books }: StripeServer): Promise<StripeScriptServer> {
  const cards = new Map<string, string>();
  let origin = '';
  const state = { blocked: false, lost: false };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const send = (type: string, text: string, status = 200) =>
      response.writeHead(status, { 'content-type': type, 'access-control-allow-origin': '*' }).end(text);
    const secret = url.searchParams.get('secret') ?? '';
    if (url.pathname === '/v3/' && !state.blocked) send('text/javascript', script(origin));
    else if (url.pathname === '/fields') send('text/html; charset=utf-8', fields(url.searchParams.get('locale') ?? ''));
    else if (url.pathname === '/typed') {
      cards.set(secret, body.replaceAll(' ', ''));
      send('text/plain', 'noted');
    } else if (url.pathname === '/intent')
      send('application/json', JSON.stringify({ paymentIntent: statusOf(secret) }));
    else if (url.pathname === '/confirm') {
      const answer = confirm(body);
      if (state.lost) request.socket.resetAndDestroy();
      else send('application/json', JSON.stringify(answer));
    } else send('text/plain', 'not found', 404);
  }

  const statusOf = (secret: string) => ({
    status: books.retrieveIntent(secret.split('_secret_')[0] ?? '', false).status,
  });

  function confirm(body: string): { error?: { type: string; message: string } } {
    const { secret, returnUrl } = JSON.parse(body) as { secret: string; returnUrl: string };
    const card = cards.get(secret);
    if (card === undefined) return { error: { type: 'validation_error', message: 'Your card number is incomplete.' } };
    if (!URL.canParse(returnUrl)) return { error: { type: 'invalid_request_error', message: 'No return_url.' } };
    const [id = ''] = secret.split('_secret_');
    books.pay(id, card === declinedCard ? 'declines' : 'pays');
    return card === declinedCard ? { error: { type: 'card_error', message: 'Your card was declined.' } } : {};
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    origin,
    scriptUrl: `${origin}/v3/`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  });
}
