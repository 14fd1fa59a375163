import { describe, expect, test } from '@jest/globals';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Caller, CallerHeaders, CallerSaid } from '../../../gateway/callers/caller.ts';
import { presentError } from '../../../gateway/errors.ts';
import { errorPolicy, fetchContext, subgraphFetch } from '../../../gateway/supergraph/subgraph-fetch.ts';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { unavailable } from '../../../subgraphs/shared/errors/errors.ts';
import { headerLines } from '../../../subgraphs/shared/http/transport.ts';
import type { SubgraphLink, SubgraphRequest } from '../../../subgraphs/shared/calls/link.ts';
import { createLogger, createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';

const log = createLogger('test', 'silent');
const caller = { viewer: anonymous, expiresAtMs: Infinity, address: '1.2.3.4', traceId: 'f'.repeat(32) };

/** Fetches through a link that does this. */
async function fetchThrough(execute: (request: SubgraphRequest) => Promise<ExecutionResult>, isSigned = true) {
  const saidOf = ({ address }: Caller): CallerSaid => ({ headers: { 'x-client-address': address }, lines: headerLines([['x-client-address', address]]) }); // prettier-ignore
  const headers: CallerHeaders = isSigned ? saidOf : async (one) => saidOf(one);
  const context = fetchContext({ headersFor: () => headers, timeoutMs: 1_000 }, caller);
  const read: string[] = [];
  const asked: string[] = [];
  const ask = subgraphFetch({
    link: (name) => {
      asked.push(name);
      return { name, execute } as SubgraphLink;
    },
    report: { log },
    metrics: createMetrics(),
  });
  const answer = ask('product', {
    query: '{ a }',
    operationName: 'A',
    isMutation: false,
    get variables() {
      read.push('variables');
      return { b: 1 };
    },
    context,
    body: () => 'the body',
  });
  return { answer, read, asked, context };
}

describe('a fetch from a subgraph', () => {
  test.each([true, false])(
    'goes over its link with the headers of the caller and the text, variables only when they are read (signed before: %s)',
    async (isSigned) => {
      let got: SubgraphRequest | undefined;
      const { answer, read, asked, context } = await fetchThrough(async (request) => {
        got = request;
        return { data: { a: request.body?.() } };
      }, isSigned);
      expect(await answer).toEqual({ data: { a: 'the body' } });
      expect(asked).toEqual(['product']);
      expect(read).toEqual([]);
      expect(got?.query).toBe('{ a }');
      expect(got?.operationName).toBe('A');
      expect(got?.headers).toEqual({ 'x-client-address': '1.2.3.4' });
      expect(got?.headerLines?.().text).toBe('x-client-address: 1.2.3.4\r\n');
      expect(got?.variables).toEqual({ b: 1 });
      expect(got?.deadline).toBe(context.deadline);
      expect(got?.isRepeatable).toBe(true);
    },
  );

  test('that fails says so with the trace id, and shows nothing that was not meant for clients', async () => {
    const { answer } = await fetchThrough(() => Promise.reject(unavailable('The product service is away.')));
    await expect(answer).rejects.toMatchObject({
      message: 'The product service is away.',
      extensions: { code: 'SERVICE_UNAVAILABLE', traceId: caller.traceId },
    });
    const unexpected = await fetchThrough(() => Promise.reject(new Error('hunter2')));
    const error: GraphQLError = await unexpected.answer.then(
      () => new GraphQLError('not thrown'),
      (thrown: unknown) => thrown as GraphQLError,
    );
    expect(error.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', traceId: caller.traceId });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});

test("a subgraph's error keeps its code; one that names none is masked at the end", () => {
  const shown = (extensions: Record<string, unknown>) => {
    const error = errorPolicy({ serviceName: 'product', message: 'hunter2', extensions });
    return presentError(new GraphQLError(error.message, { extensions: error.extensions }), { log, traceId: 't' });
  };
  expect(shown({ code: 'NOT_FOUND', traceId: 't' })).toEqual({
    message: 'hunter2',
    extensions: { code: 'NOT_FOUND', traceId: 't' },
  });
  expect(shown({}).extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', traceId: 't' });
  expect(shown({}).message).not.toContain('hunter2');
});
