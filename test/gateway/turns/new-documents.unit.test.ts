import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { openDocuments } from '../../../gateway/documents/documents.ts';
import { createExecutor } from '../../../gateway/execute/executor.ts';
import { type Newcomers, openNewcomers } from '../../../gateway/turns/new-documents.ts';
import { createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { countTurns } from '../../support/count-turns.ts';

const { supergraphSdl } = composeServices([
  { name: 'product', typeDefs: parse('type Query { a(first: Int): [String] b: String }'), url: '' },
]) as { supergraphSdl: string };

const sent = (query: string, variables: Record<string, unknown> = {}) => ({
  query,
  operationName: undefined,
  variables,
});
/** A document that no other is like. */
const distinct = (number: number) => sent(`query Q${number} { b${number}: b }`);

let newcomers: Newcomers;
let prepared: string[];
beforeEach(() => {
  const executor = createExecutor<null>({ supergraphSdl, fetch: async () => ({ data: {} }) });
  prepared = [];
  newcomers = openNewcomers({
    documents: openDocuments(executor.schema, { introspection: true }),
    supergraph: {
      isPrepared: executor.isPrepared,
      prepare({ variables, ...operation }) {
        prepared.push(operation.query);
        executor.compile(operation).prepare(variables);
      },
    },
    metrics: createMetrics(),
  });
});
afterEach(() => newcomers.close());

test('a client that brings too many new documents is refused as OVERLOADED, which is counted', async () => {
  const executor = createExecutor<null>({ supergraphSdl, fetch: async () => ({ data: {} }) });
  const metrics = createMetrics();
  const strict = openNewcomers({
    documents: openDocuments(executor.schema, { introspection: true }),
    supergraph: { isPrepared: () => false, prepare: () => undefined },
    metrics,
    allowance: { take: async ({ client }) => client !== 'flood' },
  });
  await expect(strict.introduce(distinct(1), { client: 'flood' })).rejects.toMatchObject({
    extensions: { code: 'OVERLOADED' },
  });
  await expect(strict.introduce(distinct(1), { client: 'other' })).resolves.toBeUndefined();
  const shed = await metrics.registry.getSingleMetric('gateway_newcomers_shed_total')?.get();
  expect(shed?.values.filter(({ value }) => value > 0)).toMatchObject([{ value: 1, labels: { reason: 'too many new documents' } }]); // prettier-ignore
  strict.close();
});

describe('an operation that nobody sent lately', () => {
  test('is prepared once, and known from then on', async () => {
    expect(newcomers.isKnown(sent('{ b }'))).toBe(false);
    await Promise.all([
      newcomers.introduce(sent('{ b }'), { client: 'a' }),
      newcomers.introduce(sent('{ b }'), { client: 'b' }),
    ]);
    expect(newcomers.isKnown(sent('{ b }'))).toBe(true);
    expect(prepared).toEqual(['{ b }']);
  });

  test('is prepared for each setting of its conditions', async () => {
    const query = 'query ($with: Boolean!) { b other: b @include(if: $with) }';
    await newcomers.introduce(sent(query, { with: true }), { client: 'a' });
    expect([true, false].map((value) => newcomers.isKnown(sent(query, { with: value })))).toEqual([true, false]);
    // Wrong variables are refused without a plan.
    expect(newcomers.isKnown(sent(query, { with: 'perhaps' }))).toBe(true);
  });

  test.each(['{ b', '{ nothing }', '{ b(first: 3) }'])('is known for bad once it was read: %s', async (query) => {
    expect(newcomers.isKnown(sent(query))).toBe(false);
    await newcomers.introduce(sent(query), { client: 'a' });
    expect(newcomers.isKnown(sent(query))).toBe(true);
    expect(prepared).toEqual([]);
  });

  test('waits for its turn behind one of each client, not behind all that another client has sent', async () => {
    const order: string[] = [];
    const flood = Array.from({ length: 50 }, (_, number) =>
      newcomers.introduce(distinct(number), { client: 'flood' }).then(() => order.push('flood')),
    );
    const other = newcomers.introduce(distinct(1_000), { client: 'other' }).then(() => order.push('other'));
    await Promise.all([...flood, other]);
    expect(order.indexOf('other')).toBeLessThanOrEqual(2);
  });

  test('lets what happens meanwhile have its turns', async () => {
    const loop = countTurns();
    const flood = Array.from({ length: 20 }, (_, number) => newcomers.introduce(distinct(number), { client: 'a' }));
    await Promise.all(flood);
    loop.stop();
    // Reading, validating and planning are turns of their own.
    expect(loop.turns()).toBeGreaterThanOrEqual(20 * 3);
  });

  test('is refused as OVERLOADED when too many wait, the newest of the client with the most', async () => {
    const other = newcomers.introduce(distinct(5_000), { client: 'other' });
    const flood = Array.from({ length: 1_101 }, (_, number) =>
      newcomers.introduce(distinct(number), { client: 'flood' }).then(
        () => 'prepared',
        (error: { extensions: { code: string } }) => error.extensions.code,
      ),
    );
    await expect(other).resolves.toBeUndefined();
    const last = await Promise.all(flood.slice(-100));
    expect(new Set(last)).toEqual(new Set(['OVERLOADED']));
    await expect(flood[0]).resolves.toBe('prepared');
  });
});
