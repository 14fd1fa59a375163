import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Supergraph } from '@apollo/federation-internals';
import { type FetchNode, QueryPlanner } from '@apollo/query-planner';
import { OperationTypeNode } from 'graphql';
import { createExecutor } from '../../../gateway/execute/executor.ts';
import { type Asked, canned } from './support/canned.ts';

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** What `d` answers for `w(v:)` of one entity. */
const echo = ({ query }: Asked) => ({ _entities: [{ w: Number(/v: ?(\d)/.exec(query)?.[1]) }] });
const o = { __typename: 'O', id: 'o' };

describe('what fetches ask at the same time', () => {
  test('of entities is asked once, and each has the answer for itself', async () => {
    const { executors, asked } = canned(
      {
        a: 'type Query { p: P q: Q } type P @key(fields: "id") { id: ID! } type Q @key(fields: "id") { id: ID! }',
        b: 'type P @key(fields: "id") { id: ID! t: T } type Q @key(fields: "id") { id: ID! t: T } type T @key(fields: "id") { id: ID! }',
        c: 'type T @key(fields: "id") { id: ID! n: Int o: O } type O @key(fields: "id") { id: ID! }',
        d: 'type O @key(fields: "id") { id: ID! w(v: Int): Int }',
      },
      (one) => {
        const answers: Record<string, () => unknown> = {
          a: () => ({ p: { __typename: 'P', id: 'p' }, q: { __typename: 'Q', id: 'q' } }),
          b: () => ({ _entities: [{ t: { __typename: 'T', id: 't' } }] }),
          c: () => ({ _entities: [{ n: 5, o }] }),
          d: () => echo(one),
        };
        return { data: answers[one.serviceName]?.() };
      },
    );
    for (const [, executor] of executors) {
      asked.length = 0;
      const result = await executor.execute({ query: '{ p { t { n o { w(v: 1) } } } q { t { n o { w(v: 2) } } } }', context: null }); // prettier-ignore
      const t = (w: number) => ({ t: { n: 5, o: { w } } });
      expect(json(result)).toEqual({ data: { p: t(1), q: t(2) } });
      expect(asked.map(({ serviceName }) => serviceName).toSorted()).toEqual(['a', 'b', 'b', 'c', 'd', 'd']);
    }
  });

  test('of other entities is asked for each of them', async () => {
    const ofT = 'type T @key(fields: "id") { id: ID! o: O } type O @key(fields: "id") { id: ID! }';
    const { executors, asked } = canned(
      {
        a: 'type Query { p: T q: T } type T @key(fields: "id") { id: ID! }',
        c: ofT,
        d: 'type O @key(fields: "id") { id: ID! w(v: Int): Int }',
      },
      (one) => {
        const t = (id: string) => ({ __typename: 'T', id });
        if (one.serviceName === 'a') return { data: { p: t('1'), q: t('2') } };
        return { data: one.serviceName === 'c' ? { _entities: [{ o }] } : echo(one) };
      },
    );
    for (const [, executor] of executors) {
      asked.length = 0;
      const result = await executor.execute({ query: '{ p { o { w(v: 1) } } q { o { w(v: 2) } } }', context: null });
      expect(json(result)).toEqual({ data: { p: { o: { w: 1 } }, q: { o: { w: 2 } } } });
      expect(asked.map(({ serviceName }) => serviceName).toSorted()).toEqual(['a', 'c', 'c', 'd', 'd']);
    }
  });

  test('of one entity at two paths is put at each for itself', async () => {
    const { executors, asked } = canned(
      {
        a: 'type Query { p: T q: T } type T @key(fields: "id") { id: ID! }',
        c: 'type T @key(fields: "id") { id: ID! o: O } type O @key(fields: "id") { id: ID! }',
        d: 'type O @key(fields: "id") { id: ID! w(v: Int): Int }',
      },
      (one) => {
        const t = { __typename: 'T', id: 't' };
        const answers: Record<string, () => unknown> = {
          a: () => ({ p: t, q: t }),
          c: () => ({ _entities: [{ o }] }),
          d: () => echo(one),
        };
        return { data: answers[one.serviceName]?.() };
      },
    );
    for (const [, executor] of executors) {
      asked.length = 0;
      const result = await executor.execute({ query: '{ p { o { w(v: 1) } } q { o { w(v: 2) } } }', context: null });
      expect(json(result)).toEqual({ data: { p: { o: { w: 1 } }, q: { o: { w: 2 } } } });
      expect(asked.map(({ serviceName }) => serviceName).toSorted()).toEqual(['a', 'c', 'd', 'd']);
    }
  });

  test('of one entity at two paths by one fetch of the plan is put at each for itself', async () => {
    const { executors, asked } = canned(
      {
        a: 'type Query { p: T q: T } type T @key(fields: "id") { id: ID! }',
        c: 'type T @key(fields: "id") { id: ID! o: O @shareable } type O { n: Int }',
        d: 'type T @key(fields: "id") { id: ID! o: O @shareable } type O { w(v: Int): Int }',
      },
      async (one) => {
        const t = { __typename: 'T', id: 't' };
        if (one.serviceName === 'a') return { data: { p: t, q: t } };
        if (one.serviceName === 'c') return { data: { _entities: [{ o: { n: 5 } }] } };
        // After what both paths have in common.
        await setImmediate();
        return { data: { _entities: [{ o: echo(one)._entities[0] }] } };
      },
    );
    for (const [, executor] of executors) {
      asked.length = 0;
      const result = await executor.execute({ query: '{ p { o { n w(v: 1) } } q { o { n w(v: 2) } } }', context: null }); // prettier-ignore
      expect(json(result)).toEqual({ data: { p: { o: { n: 5, w: 1 } }, q: { o: { n: 5, w: 2 } } } });
      expect(asked.map(({ serviceName }) => serviceName).toSorted()).toEqual(['a', 'c', 'd', 'd']);
    }
  });

  const grid = {
    a: 'type Query { grid: Grid other: Grid } type Grid { again: Query }',
    b: 'type Query { marks(v: Int): [Mark!] } type Mark { o: O } type O @key(fields: "id") { id: ID! }',
    d: 'type O @key(fields: "id") { id: ID! w(v: Int): Int }',
  };
  const again = { again: { __typename: 'Query' } };

  test('of the root is asked once, and each has the answer for itself', async () => {
    const { executors, asked } = canned(grid, (one) => {
      const answers: Record<string, () => unknown> = {
        a: () => ({ grid: again, other: again }),
        b: () => ({ marks: [{ o }, { o }] }),
        d: () => echo(one),
      };
      return { data: answers[one.serviceName]?.() };
    });
    const query = '{ grid { again { marks { o { w(v: 1) } } } } other { again { marks { o { w(v: 2) } } } } }';
    for (const [, executor] of executors) {
      asked.length = 0;
      const result = await executor.execute({ query, context: null });
      const marks = (w: number) => ({ again: { marks: [{ o: { w } }, { o: { w } }] } });
      expect(json(result)).toEqual({ data: { grid: marks(1), other: marks(2) } });
      expect(asked.map(({ serviceName }) => serviceName).toSorted()).toEqual(['a', 'b', 'd', 'd']);
    }
  });

  test('of the root with other arguments is asked for each of them', async () => {
    const { executors, asked } = canned(grid, ({ serviceName, query }) => {
      if (serviceName === 'b') return { data: { marks: query.includes('v:2') ? [] : null } };
      return { data: { a: again, b: again, c: again, d: again } };
    });
    const field = (name: string, v: number) => `${name}: grid { again { marks(v: ${v}) { __typename } } }`;
    const query = `{ ${field('a', 1)} ${field('b', 2)} ${field('c', 2)} ${field('d', 1)} }`;
    for (const [, executor] of executors) {
      asked.length = 0;
      const result = await executor.execute({ query, context: null });
      const marks = (value: unknown) => ({ again: { marks: value } });
      expect(json(result)).toEqual({ data: { a: marks(null), b: marks([]), c: marks([]), d: marks(null) } });
      expect(asked.map(({ serviceName }) => serviceName)).toEqual(['a', 'b', 'b']);
    }
  });

  test('of the root and fails is an error at each place', async () => {
    const { executors, asked } = canned(grid, ({ serviceName }) => {
      if (serviceName === 'b') throw new Error('down');
      return { data: { grid: again, other: again } };
    });
    const query = '{ grid { again { marks { __typename } } } other { again { marks { __typename } } } }';
    for (const [, executor] of executors) {
      asked.length = 0;
      const { errors } = await executor.execute({ query, context: null });
      expect(errors?.map(({ message, path }) => [message, path])).toEqual([
        ['down', ['grid', 'again', 'marks']],
        ['down', ['other', 'again', 'marks']],
      ]);
      expect(asked).toHaveLength(2);
    }
  });

  test('to change something is done as often as it is asked', async () => {
    const { supergraphSdl } = canned(
      { a: 'type Query { one: Int } type Mutation { next: Int }' },
      () => ({ data: {} }), // prettier-ignore
    );
    const fetchOf = (kind: OperationTypeNode, operation: string): FetchNode => ({ kind: 'Fetch', serviceName: 'a', operation, operationKind: kind, operationName: undefined }); // prettier-ignore
    const countOf = async (kind: OperationTypeNode, query: string): Promise<number> => {
      const planner = new QueryPlanner(Supergraph.build(supergraphSdl));
      // Apollo's planner has mutations one after the other: nothing but such a plan has two at once.
      const node = { kind: 'Parallel' as const, nodes: [fetchOf(kind, query), fetchOf(kind, query)] };
      planner.buildQueryPlan = () => ({ kind: 'QueryPlan', node });
      let count = 0;
      const fetch = async () => ({ data: { one: (count += 1), next: count } });
      await createExecutor<null>({ planner, fetch }).execute({ query, context: null });
      return count;
    };
    expect(await countOf(OperationTypeNode.QUERY, '{ one }')).toBe(1);
    expect(await countOf(OperationTypeNode.MUTATION, 'mutation { next }')).toBe(2);
  });
});
