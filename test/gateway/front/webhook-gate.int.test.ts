import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import express from 'express';
import { type WebhookGate, openWebhookGate } from '../../../gateway/front/webhook-gate.ts';
import { createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';

let server: Server;
let gate: WebhookGate;
let clockMs = 0;
let checked = 0;
beforeEach(async () => {
  clockMs = checked = 0;
  gate = openWebhookGate({
    addressOf: ({ headers }) => String(headers['x-from']),
    metrics: createMetrics(),
    nowMs: () => clockMs,
  });
  const app = express();
  app.post('/', gate.admit, express.raw({ type: () => true }), (request, response) => {
    checked += 1;
    const status = request.headers['x-signed'] ? 200 : 400;
    gate.answered(request, status);
    response.status(status).json({});
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(async () => {
  gate.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const deliver = (from: string, signed = false) =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
    method: 'POST',
    headers: { 'x-from': from, ...(signed && { 'x-signed': 'yes' }) },
    body: '{}',
  });
const many = (count: number, once: () => Promise<Response>) => Promise.all(Array.from({ length: count }, once));
const statuses = (responses: Response[]) => new Set(responses.map(({ status }) => status));

test('deliveries that are signed are let in however many come at once', async () => {
  expect(statuses(await many(400, () => deliver('10.0.0.1', true)))).toEqual(new Set([200]));
});

test('a forger is refused before his bodies are read, and others are served as ever', async () => {
  await many(100, () => deliver('10.0.0.1'));
  expect(checked).toBe(100);
  const attack = many(400, () => deliver('10.0.0.1'));
  const others = await many(50, () => deliver('10.0.0.2', true));
  expect(statuses(others)).toEqual(new Set([200]));
  const answers = await attack;
  const refused = answers.filter(({ status }) => status === 429);
  // One in its turn, a hundred in the line: the rest is refused, and of the line what waited too long.
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused[0]?.json()).toEqual({ code: 'TOO_MANY_REQUESTS' });
  expect(checked).toBe(100 + 50 + 400 - refused.length);
});

test('a provider behind the address of a forger gets through in its turn', async () => {
  await many(100, () => deliver('10.0.0.1'));
  const attack = many(40, () => deliver('10.0.0.1'));
  expect((await deliver('10.0.0.1', true)).status).toBe(200);
  await attack;
});

test('an IPv6 forger is known by the /64, and after some quiet all is forgiven', async () => {
  await many(100, () => deliver('2001:db8::1'));
  const checkedBefore = checked;
  await many(120, () => deliver('2001:db8::2'));
  expect(checked - checkedBefore).toBeLessThan(120);
  clockMs += 200_000;
  expect(statuses(await many(50, () => deliver('2001:db8::4', true)))).toEqual(new Set([200]));
});
