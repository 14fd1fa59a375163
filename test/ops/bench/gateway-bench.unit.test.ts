import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { parse, validate } from 'graphql';
import { createExecutor } from '../../../gateway/execute/executor.ts';
import { composeBench, distinctQuery, queries } from '../../../ops/bench/gateway/graph.ts';
import { load } from '../../../ops/bench/gateway/load.ts';
import { growthMiB } from '../../../ops/bench/gateway/memory.ts';
import { startTarget } from '../../../ops/bench/gateway/processes.ts';
import { sharesOf } from '../../../ops/bench/gateway/profile.ts';
import { caseOf, tableOf } from '../../../ops/bench/gateway/table.ts';

const figures = (cpuMs: number) => ({ cpuMs, count: 100, seconds: 2, p50Ms: 1, p99Ms: 3, residentMiB: 100 });

describe('the table', () => {
  test('compares CPU within rounds, so that a busy round weighs as much as a quiet one', () => {
    const measured = new Map([
      [caseOf('small', 'gateway'), [figures(1), figures(10), figures(2)]],
      [caseOf('small', 'stock'), [figures(4), figures(30), figures(12)]],
      [caseOf('small', 'floor'), [figures(0.5), undefined, figures(1)]],
    ]);
    const table = tableOf(measured, { requests: ['small'], variants: ['gateway', 'stock', 'floor', 'absent'] });
    expect(table).toEqual({
      'small gateway': expect.objectContaining({ 'CPU ms': 2, '÷ gateway': 1, '÷ floor': 2, 'per second': 50 }),
      'small stock': expect.objectContaining({ 'CPU ms': 12, '÷ gateway': 4, '÷ floor': 12 }),
      'small floor': expect.objectContaining({ '÷ gateway': 0.5, '÷ floor': 1 }),
    });
  });

  test('leaves a ratio empty whose base was not measured', () => {
    const measured = new Map([[caseOf('small', 'stock'), [figures(4)]]]);
    const table = tableOf(measured, { requests: ['small'], variants: ['stock'] });
    expect(table['small stock']).toMatchObject({ '÷ gateway': '', '÷ floor': '' });
  });
});

test('a profile is told in shares of the busy time after the start, by package, own file and what V8 does itself', () => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 4 });
  const own = new URL('../../../gateway/server.ts', import.meta.url).href;
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)', '') },
      { id: 2, callFrame: frame('parse', 'file:///x/node_modules/graphql/index.js') },
      { id: 3, callFrame: frame('', own) },
      { id: 4, callFrame: frame('(garbage collector)', '') },
    ],
    samples: [3, 1, 2, 3, 4, 2],
    timeDeltas: [5_000, 1_000, 100, 50, 25, 25],
  };
  expect(sharesOf(profile, 5)).toEqual({
    places: { graphql: 62.5, 'gateway/server.ts': 25, 'garbage collection': 12.5 },
    functions: {
      'parse graphql:5': 62.5,
      '(anonymous) gateway/server.ts:5': 25,
      '(garbage collector) garbage collection:5': 12.5,
    },
  });
});

test('growth of memory is counted from the lowest step to the last, heap and what is outside of it', () => {
  const row = (heapMiB: number, externalMiB: number) => ({ heapMiB, externalMiB });
  expect(growthMiB([row(50, 5), row(90, 5), row(51, 7)])).toBe(3);
  expect(growthMiB([row(60, 5), row(50, 5), row(51, 7)])).toBe(3);
  expect(growthMiB([row(60, 5), row(50, 5), row(49, 5)])).toBe(-1);
});

describe('a program of the benchmark', () => {
  test('that ends before it answers is refused with what it printed', async () => {
    const program = { command: process.execPath, args: ['-e', 'console.error("no such planner"); process.exit(3)'] };
    await expect(startTarget(program, 1)).rejects.toThrow('ended with 3: no such planner');
  });

  test('that can not be started is refused with the reason', async () => {
    await expect(startTarget({ command: '/nonexistent/gateway', args: [] }, 1)).rejects.toThrow('ENOENT');
  });
});

test('every client shows its own authorization, and an answer that is not 200 ends the load', async () => {
  const seen = new Set<string>();
  let status = 200;
  const server = createServer((request, response) => {
    seen.add(request.headers.authorization ?? '');
    request.resume().on('end', () => response.writeHead(status).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { origin, count: 20, authorizations: ['Bearer a', 'Bearer b'], bodyOf: () => '{}' };
  const done = await load(options);
  expect([done.count, done.p99Ms >= done.p50Ms, [...seen].toSorted()]).toEqual([20, true, ['Bearer a', 'Bearer b']]);
  status = 503;
  await expect(load(options)).rejects.toThrow('HTTP 503');
  server.closeAllConnections();
  server.close();
});

test('the queries are valid, and made-up ones are all different', () => {
  const supergraphSdl = composeBench({ users: 1, products: 2, reviews: 3, inventory: 4 });
  const { schema } = createExecutor<null>({ supergraphSdl, fetch: async () => ({}) });
  const made = Array.from({ length: 50 }, (_, number) => distinctQuery(number));
  expect(new Set(made).size).toBe(50);
  for (const query of [...Object.values(queries), ...made]) expect(validate(schema, parse(query))).toEqual([]);
});

test('the lock file of the other gateways pins every package and names no registry', () => {
  const text = readFileSync(new URL('../../../ops/bench/peers/package-lock.json', import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Record<string, { resolved?: string; integrity?: string }> };
  const { '': _root, ...pinned } = packages;
  expect(Object.values(pinned).every(({ resolved, integrity }) => !resolved && integrity)).toBe(true);
});
