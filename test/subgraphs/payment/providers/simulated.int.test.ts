import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { signatureHeader } from '../../../../subgraphs/payment/domain/signature.ts';
import { type Loose, cards, confirm, openPaymentWorld } from '../support/payment-world.ts';
import { testProvider } from './contract.ts';

const secrets = { first: 'whsec_simulated_first', second: 'whsec_simulated_second', stranger: 'whsec_of_a_stranger' };
const intentOf = (payment: Loose): string => payment.attempts[0].providerTransactionId;

testProvider('simulated', async () => {
  const world = await openPaymentWorld({ env: { SIMULATED_WEBHOOK_SECRET: `${secrets.first},${secrets.second}` } });
  const intent = async (payment: Loose) =>
    (await world.provider('GET', `/v1/payment_intents/${intentOf(payment)}`)).body;
  const control = (body: object) => world.provider('POST', '/v1/test/webhooks', body);
  return {
    world,
    method: 'SIMULATED_CARD',
    provider: 'simulated',
    instrument: 'Test card •••• 4242',
    pay: (payment) => confirm(world, payment),
    decline: (payment) => confirm(world, payment, cards.declines),
    intents: async (orderId) =>
      (await world.providerRows("select 1 from intent where json_value(metadata, '$.orderId') = ?", [orderId])).length,
    async charged(payment) {
      const { status, amount } = await intent(payment);
      return status === 'succeeded' ? amount : 0;
    },
    refunded: async (payment) => (await intent(payment)).amount_refunded,
    canBePaid: async (payment) => (await confirm(world, payment)).status === 200,
    refunds: (payment, how) => control({ intent: intentOf(payment), refunds: how }),
    dropWebhooks: (payment, drop) => control({ intent: intentOf(payment), drop }),
    cut: () => world.providerProxy.cut(),
    mend: () => world.providerProxy.mend(),
    async notify(payment, { by = 'first', secondsOff = 0 }, amount = 1_234) {
      const { client_secret: _, ...object } = await intent(payment);
      const data = { object: { ...object, status: 'succeeded', amount } };
      const body = JSON.stringify({ id: `evt_${newId()}`, type: 'payment_intent.succeeded', data });
      const signature = signatureHeader(secrets[by], Math.floor(Date.now() / 1000) + secondsOff, body);
      const headers = { 'content-type': 'application/json', 'simulated-signature': signature };
      return (await fetch(world.webhookUrl, { method: 'POST', headers, body })).status;
    },
    close: () => world.close(),
  };
});
