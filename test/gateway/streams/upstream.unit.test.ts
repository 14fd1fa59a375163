import { describe, expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { headerLines } from '../../../subgraphs/shared/http/transport.ts';
import type { SubgraphLink } from '../../../subgraphs/shared/calls/link.ts';
import { createLogger } from '../../../subgraphs/shared/process/telemetry.ts';
import { streamRequests } from '../../../gateway/streams/kinds.ts';
import { openUpstream } from '../../../gateway/streams/upstream.ts';

/** A journal's owner that is cut off when `steps` says so, and a clock that stands still in between. */
function openCutOff(steps: readonly ('lost' | number)[]) {
  const opened: unknown[] = [];
  let nowMs = 0;
  let step = 0;
  const link = {
    name: 'order',
    subscribe({ variables }) {
      opened.push(variables?.['gatewayAfterSeq']);
      const source: AsyncIterableIterator<ExecutionResult> = {
        [Symbol.asyncIterator]: () => source,
        async next() {
          const next = steps[step];
          step += 1;
          if (next === undefined) return { done: true, value: undefined };
          if (typeof next === 'number') return { done: false, value: { data: { orderEvents: { gatewayMark: next } } } };
          nowMs += 40_000;
          throw new Error('cut off');
        },
        return: async () => ({ done: true, value: undefined }),
      };
      return source;
    },
  } satisfies Pick<SubgraphLink, 'name' | 'subscribe'>;
  const request = streamRequests()({ query: 'subscription { orderEvents(orderId: "o", afterSeq: 4) { seq } }', variables: {} }); // prettier-ignore
  const caller = { viewer: anonymous, expiresAtMs: Infinity, address: '10.0.0.1', traceId: '0'.repeat(32) };
  const deps = { link: link as unknown as SubgraphLink, headers: () => ({ headers: {}, lines: headerLines([]) }), log: createLogger('test', 'silent'), onReopen: () => undefined, nowMs: () => nowMs }; // prettier-ignore
  return { opened, upstream: openUpstream(deps, request, { caller, operationName: undefined, afterSeq: 4 }) };
}

describe('a stream whose owner restarts', () => {
  test('goes on after its last entry', async () => {
    const { upstream, opened } = openCutOff([5, 'lost', 6]);
    expect(await upstream.next()).toMatchObject({ mark: 5 });
    expect(await upstream.next()).toMatchObject({ mark: 6 });
    expect(opened).toEqual([4, 5]);
  });

  test('goes on each time, also when nothing happened between the restarts', async () => {
    const { upstream, opened } = openCutOff(['lost', 'lost', 'lost', 5]);
    expect(await upstream.next()).toMatchObject({ mark: 5 });
    expect(opened).toEqual([4, 4, 4, 4]);
  });
});
