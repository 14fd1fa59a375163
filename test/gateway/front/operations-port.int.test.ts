import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readOperationsConfig } from '../../../subgraphs/shared/process/operations-config.ts';
import { type OperationsPort, openOperationsPort } from '../../../subgraphs/shared/process/operations-port.ts';
import { createLogger, createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { type TestGraph, startTestGraph } from '../test-graph.ts';

let graph: TestGraph;
const opened: OperationsPort[] = [];
beforeEach(async () => {
  graph = await startTestGraph({ shape: 'in process' });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await graph.close();
});

const metrics = createMetrics();
const open = async (env: Record<string, string>, ownPort: number): Promise<OperationsPort> => {
  const log = createLogger('test', 'silent');
  const port = await openOperationsPort({ env, ownPort, ready: () => Promise.resolve(), metrics, log });
  opened.push(port);
  return port;
};

test('the public port has no metrics, the other has them with health', async () => {
  const missing = await fetch(`${graph.url}/metrics`);
  expect(missing.status).toBe(404);
  expect(await missing.text()).not.toContain('process_cpu');
  const origin = `http://127.0.0.1:${graph.gateway.metricsPort}`;
  const page = await fetch(`${origin}/metrics`);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('graphql_operation_duration_seconds');
  const open = await fetch(`${origin}/metrics`, { headers: { accept: 'application/openmetrics-text' } });
  expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect((await open.text()).endsWith('# EOF\n')).toBe(true);
  for (const base of [origin, graph.url])
    for (const path of ['/health/live', '/health/ready']) expect((await fetch(`${base}${path}`)).status).toBe(200);
  expect((await fetch(`${origin}/graphql`)).status).toBe(404);
});

test('metrics are gathered once a second, however many ask', async () => {
  const { port } = await open({ METRICS_PORT: '0' }, 0);
  const ask = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const pages = await Promise.all(Array.from({ length: 20 }, ask));
  expect(new Set(pages).size).toBe(1);
});

test('a port that nobody asked for gives way to another process, one that was asked for does not', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const taken = (other.address() as AddressInfo).port;
  try {
    const { port } = await open({}, taken - 5_000);
    expect(port).not.toBe(taken);
    await expect(open({ METRICS_PORT: String(taken) }, 0)).rejects.toThrow('EADDRINUSE');
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

test('without a port of its own or beyond the last port a process takes a free one', () => {
  expect(readOperationsConfig({}, 4_000)).toEqual({ port: 9_000, host: '127.0.0.1', isGiven: false });
  expect(readOperationsConfig({}, 0).port).toBe(0);
  expect(readOperationsConfig({}, 62_000).port).toBe(0);
  expect(readOperationsConfig({ METRICS_PORT: '9464', METRICS_HOST: '0.0.0.0' }, 4_000)).toEqual({ port: 9_464, host: '0.0.0.0', isGiven: true }); // prettier-ignore
});
