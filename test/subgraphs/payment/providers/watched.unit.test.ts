import { afterEach, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { simulatedProvider } from '../../../../subgraphs/payment/providers/simulated.ts';
import { watched } from '../../../../subgraphs/payment/providers/watched.ts';
import { until } from '../../../support/until.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const attempt = {
  id: '0190a000-0000-7000-8000-000000000001',
  intentId: 'pi_1',
  orderId: 'an order',
  amount: { amount: 100n, currency: 'EUR' },
};

/** A provider that answers everything with one status, as its log tells it. */
async function serve() {
  const company = { status: 503, asked: 0 };
  const server = createServer((request, response) => {
    company.asked += 1;
    request.resume();
    response.writeHead(company.status, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => new Promise((done) => server.close(done)));
  const lines: { dependency: string; msg: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }); // prettier-ignore
  const config = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, apiKey: 'a key', webhookSecrets: ['a secret'] }; // prettier-ignore
  const provider = watched(simulatedProvider(config, { publicUrl: 'http://localhost' }), { setting: 'SIMULATED_PROVIDER_URL', log }); // prettier-ignore
  closing.push(() => provider.close());
  return { company, provider, said: () => lines.map(({ dependency, msg }) => `${dependency}: ${msg}`) };
}

test('a provider that was away is found to be back though nobody pays; the log says both once', async () => {
  const { company, provider, said } = await serve();
  for (let time = 0; time < 3; time += 1) await provider.getIntent(attempt).catch(() => undefined);
  expect(said()).toEqual(['provider simulated: a dependency is away']);
  const before = company.asked;
  await until(() => company.asked > before, { what: 'a probe' });
  expect(said()).toHaveLength(1); // 503 is no answer
  company.status = 200;
  await until(() => said().length === 2, { timeoutMs: 5_000, what: 'the return' });
  expect(said()[1]).toBe('provider simulated: a dependency is back');
  const after = company.asked;
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  expect(company.asked).toBe(after);
}, 20_000);
