import type { Env } from '../../../../subgraphs/shared/process/env.ts';
import type { StripeObject } from '../../../support/stripe-books.ts';
import { type StripeServer, startStripeServer } from '../../../support/stripe-server.ts';
import { type TcpProxy, startTcpProxy } from '../../../faults/tcp-proxy.ts';
import { signatureHeader } from '../../../../subgraphs/payment/domain/signature.ts';
import { type Loose, openPaymentWorld } from '../support/payment-world.ts';
import type { ProviderUnderTest } from './contract.ts';

const secrets = { first: 'whsec_stripe_first_one', second: 'whsec_stripe_second_one', stranger: 'whsec_of_a_stranger' };
const secretKey = 'sk_test_ofOurOwn';

export type StripeWorld = ProviderUnderTest & {
  readonly server: StripeServer;
  readonly proxy: TcpProxy;
  /** Delivers an event of the test's own making, signed; answers with our code for it. */
  tell(type: string, object: StripeObject): Promise<string>;
};

/** The payment service with Stripe as its provider; with a return URL its attempts are checkout sessions. */
export async function openStripeWorld(input: { returnUrl?: string } = {}, env: Env = {}): Promise<StripeWorld> {
  const server = await startStripeServer({ secretKey, webhookSecret: secrets.first });
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
  const world = await openPaymentWorld({
    env: {
      STRIPE_SECRET_KEY: secretKey,
      STRIPE_PUBLISHABLE_KEY: 'pk_test_ofOurOwn',
      STRIPE_WEBHOOK_SECRET: `${secrets.first}, ${secrets.second}`,
      STRIPE_API_BASE: `http://127.0.0.1:${proxy.port}`,
      ...env,
    },
  });
  const webhookUrl = world.webhookUrl.replace('/simulated', '/stripe');
  server.webhooks.url = webhookUrl;
  const { books } = server;
  const idOf = (payment: Loose): string => payment.attempts[0].providerTransactionId;
  const intent = (payment: Loose) => {
    const id = idOf(payment);
    return books.getIntent(id.startsWith('cs_') ? String(books.sessions.get(id)?.['payment_intent']) : id);
  };
  return {
    world,
    server,
    proxy,
    method: 'STRIPE',
    provider: 'stripe',
    instrument: 'Visa •••• 4242',
    input,
    pay: async (payment) => books.pay(idOf(payment), 'pays'),
    decline: async (payment) => books.pay(idOf(payment), 'declines'),
    intents: async (orderId) =>
      [...books.intents.values()].filter(({ metadata }) => metadata['orderId'] === orderId).length,
    charged: async (payment) => intent(payment).amount_received,
    refunded: async (payment) =>
      [...books.refunds.values()]
        .filter((refund) => refund.payment_intent === intent(payment).id && refund.status !== 'failed')
        .reduce((sum, refund) => sum + refund.amount, 0),
    canBePaid: async (payment) => books.pay(idOf(payment), 'pays'),
    refunds: async (_, how) => books.setRefunds(how),
    async dropWebhooks(_, dropped) {
      server.webhooks.dropped = dropped;
    },
    cut: () => proxy.cut(),
    mend: () => proxy.mend(),
    async tell(type, object) {
      const { body } = server.event(type, object);
      const signature = signatureHeader(secrets.first, Math.floor(Date.now() / 1000), body);
      const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
      const answer = await fetch(webhookUrl, { method: 'POST', headers, body });
      return ((await answer.json()) as { code: string }).code;
    },
    async notify(payment, { by = 'first', secondsOff = 0 }, amount = 1_234) {
      const object = { ...intent(payment), status: 'succeeded', amount_received: amount };
      const { body } = server.event('payment_intent.succeeded', object);
      const signature = signatureHeader(secrets[by], Math.floor(Date.now() / 1000) + secondsOff, body);
      const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
      return (await fetch(webhookUrl, { method: 'POST', headers, body })).status;
    },
    async close() {
      await server.close();
      await world.close();
      await proxy.close();
    },
  };
}
