import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Comparison, checkForm, compare, compareFaulty, isValid } from './support/compare.ts';
import { type Federation, type Request, type SubgraphSdl, federate } from './support/federation.ts';
import { type FaultKind, interferenceOf, worldFault } from './support/faults.ts';
import { randomOperation } from './support/random-operation.ts';
import { randomSupergraph } from './support/random-supergraph.ts';
import { sizes, supergraphs } from './support/supergraphs.ts';

/**
 * Operations in all. An ordinary run is the same every time; `DIFFERENTIAL_RUNS=5000`, the run before a release, is another
 * each time, and `DIFFERENTIAL_SEED` repeats it.
 */
const runs = Number(process.env['DIFFERENTIAL_RUNS'] ?? 1_000);
const seed = Number(
  process.env['DIFFERENTIAL_SEED'] ?? (process.env['DIFFERENTIAL_RUNS'] ? Date.now() % 1_000_000_000 : 1),
);
const timeoutMs = 60_000 + runs * 200;

type Case = {
  readonly federation: Federation;
  readonly request: Request;
  readonly subgraphs: readonly SubgraphSdl[];
  readonly seed: number;
};
const faulty =
  (kind: FaultKind, { keepsValues = true } = {}) =>
  ({ federation, request, subgraphs, seed }: Case): Promise<Comparison> =>
    compareFaulty(federation, request, { interference: interferenceOf(kind, seed, subgraphs), keepsValues });
const formOnly =
  (kind: FaultKind) =>
  ({ federation, request, subgraphs, seed }: Case): Promise<Comparison> => {
    federation.interfere(interferenceOf(kind, seed, subgraphs));
    return checkForm(federation, request);
  };

const scenarios: Record<string, (one: Case) => Promise<Comparison>> = {
  'answers are those of the unfederated schema, and stock differs only where it is known to': ({
    federation,
    request,
  }) => compare(federation, request),
  'fields that throw become the errors and nulls of the unfederated schema': ({
    federation,
    request,
    subgraphs,
    seed,
  }) => {
    federation.world.setFault(worldFault(subgraphs, seed));
    return compare(federation, request);
  },
  'subgraphs that are down leave the data that stock leaves': faulty('down'),
  'subgraphs that run out of time leave the data that stock leaves': faulty('timeout'),
  'too few entities leave the data that stock leaves': faulty('too few entities'),
  'nulls from subgraphs leave the data that stock leaves': faulty('nulls', { keepsValues: false }),
  'nulls with errors from subgraphs leave the data that stock leaves': faulty('failing fields'),
  'nulls where there must be none leave the data that stock leaves': faulty('broken promises'),
  'wrong types from subgraphs never get into the answer': formOnly('wrong types'),
  'rubbish from subgraphs never gets into the answer': formOnly('rubbish'),
};
/**
 * In the one for objects that become one, they do in about a third of the operations; in the one for required fields, a
 * twelfth asks for one of them with other arguments.
 */
const weightOf = (name: string): number => (name === 'repeats' || name === 'requiredArguments' ? 3 : 1);
/** Half of the operations run undisturbed. */
const share = (scenario: string): number =>
  0.5 / (scenario === Object.keys(scenarios)[0] ? 1 : Object.keys(scenarios).length - 1);

const randomGraphs = 34;
/** With those that are made up: of as many shapes as seeds. */
const graphs: [string, readonly SubgraphSdl[]][] = [
  ...Object.entries(supergraphs),
  ...Array.from({ length: randomGraphs }, (_, nth): [string, readonly SubgraphSdl[]] => [
    `of seed ${seed + nth}`,
    randomSupergraph(seed + nth),
  ]),
];

describe.each(graphs)('in the supergraph %s', (name, subgraphs) => {
  const federation = federate(name, subgraphs, sizes[name]);
  const counts: Partial<Record<Comparison, number>> = {};
  let unitingOperations = 0;

  test.each(Object.entries(scenarios))(
    '%s',
    async (scenario, run) => {
      const operation = fc.record({ at: fc.nat(2 ** 31), size: fc.integer({ min: 3, max: 28 }), change: fc.integer({ min: 0, max: 9 }) }); // prettier-ignore
      const property = fc.asyncProperty(operation, async ({ at, size, change }) => {
        const kind = change === 0 && federation.api.getMutationType() ? 'mutation' : 'query';
        const request = { ...randomOperation(federation.api, { seed: at, size, kind }), arrival: at };
        fc.pre(isValid(federation, request));
        federation.world.setFault(null);
        federation.interfere(null);
        try {
          const comparison = await run({ federation, request, subgraphs, seed: at });
          counts[comparison] = (counts[comparison] ?? 0) + 1;
          if (federation.unitedPlaces() > 0) unitingOperations++;
        } catch (error) {
          throw new Error(`${request.query}\n${JSON.stringify(request.variables)}`, { cause: error });
        }
      });
      const numRuns = Math.max(1, Math.ceil((weightOf(name) * runs * share(scenario)) / graphs.length));
      await fc.assert(property, { seed, numRuns, maxSkipsPerRun: 1_000 });
      expect(Object.keys(counts)).not.toHaveLength(0);
    },
    timeoutMs,
  );

  test('operations are compared, not given up', () => {
    if (process.env['DIFFERENTIAL_RUNS'])
      process.stdout.write(`${name} ${JSON.stringify({ ...counts, unitingOperations })}\n`);
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    expect((counts.same ?? 0) / all).toBeGreaterThan(0.8);
    if (name === 'repeats') expect(unitingOperations / all).toBeGreaterThan(0.15);
    if (name === 'requiredArguments') expect(counts['stock-required-arguments']).toBeGreaterThan(0);
  });
});
