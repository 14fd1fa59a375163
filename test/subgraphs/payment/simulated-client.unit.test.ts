import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ProviderRefused, ProviderUnreachable } from '../../../subgraphs/payment/providers/provider.ts';
import { simulatedProvider } from '../../../subgraphs/payment/providers/simulated.ts';

let status = 500;
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(status).end('{"error":{"code":"said","message":"no"}}'));
});
let provider: ReturnType<typeof simulatedProvider>;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = simulatedProvider({ url, apiKey: 'sk_test', webhookSecrets: [] }, { publicUrl: url });
});
afterAll(async () => {
  await provider.close();
  server.close();
});

const refund = (answer: number) => {
  status = answer;
  const amount = { amount: 1n, currency: 'EUR' };
  const attempt = { id: 'a', intentId: 'pi_1', orderId: 'o', amount };
  return provider.refund({ key: 'r', providerRefundId: null, attempt, amount, reason: 'test' });
};

// A refund that is refused is FAILED for good, and its money stays: a key that is wrong today is no word about the refund.
test.each([401, 403, 408, 409, 429, 500, 503])('status %d says nothing about the request: it is made again', async (answer) => {
  await expect(refund(answer)).rejects.toBeInstanceOf(ProviderUnreachable);
}); // prettier-ignore

test.each([400, 402, 404])('status %d refuses it', async (answer) => {
  await expect(refund(answer)).rejects.toBeInstanceOf(ProviderRefused);
});
