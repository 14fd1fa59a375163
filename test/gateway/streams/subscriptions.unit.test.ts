import { describe, expect, test } from '@jest/globals';
import { type ExecutionResult, GraphQLError, buildSchema, parse } from 'graphql';
import { openAdmission } from '../../../gateway/turns/admission.ts';
import type { Caller } from '../../../gateway/callers/caller.ts';
import { openAnswerAllowance } from '../../../gateway/turns/answer-allowance.ts';
import { admitBy } from '../../../gateway/operations/run-operation.ts';
import { type SubscriptionDeps, openSubscriptions } from '../../../gateway/streams/subscriptions.ts';
import { createLogger, createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { until } from '../../support/until.ts';

const query = 'subscription ($id: ID) { changes(id: $id) { id } }';
const metrics = createMetrics();
const anonymous: Caller = { viewer: { kind: 'anonymous' }, expiresAtMs: Infinity, address: '10.0.0.1', traceId: 'a'.repeat(32) }; // prettier-ignore

/** Subscriptions to an owner whose events a test makes, all of which wait for their turn among `maxRunning` operations. */
function open({ maxStreams = 1_000, ...limits }: { maxRunning: number; maxWaitMs: number; maxStreams?: number }) {
  const admission = openAdmission({ ...limits, maxRunningPerClient: limits.maxRunning, maxQueued: 10 }, { metrics: createMetrics() }); // prettier-ignore
  const owner = {
    opened: 0,
    executed: 0,
    emit: (_: string): void => undefined,
    answer: (event: ExecutionResult) => event,
  };
  const events = async function* (): AsyncGenerator<ExecutionResult> {
    owner.opened += 1;
    const waiting: string[] = [];
    let wake = (): void => undefined;
    const before = owner.emit;
    owner.emit = (id) => {
      before(id);
      waiting.push(id);
      wake();
    };
    for (;;) {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      yield { data: { changes: { id: waiting[0], gatewayMark: waiting.shift() } } };
    }
  };
  const deps = {
    supergraph: {
      schema: buildSchema('type Query { a: Int }'),
      planSubscription: () => ({
        owner: 'order',
        query,
        operationName: undefined,
        variables: {},
        execute: async (event: ExecutionResult) => {
          owner.executed += 1;
          return owner.answer(event);
        },
      }),
    },
    link: () => ({ name: 'order', subscribe: events }),
    headersFor: () => () => ({ headers: {}, lines: { text: '', isAscii: true } }),
    admit: admitBy({
      admission,
      allowance: openAnswerAllowance({ maxAnswerBytes: 1_000_000, metrics: createMetrics() }),
    }),
    maxStreams,
    metrics,
    log: createLogger('test', 'silent'),
    streamKinds: { changes: { kind: 'states', identity: 'id', begins: 'with changes' } },
  } as unknown as SubscriptionDeps;
  const subscriptions = openSubscriptions(deps);
  const follow = (variables: Record<string, unknown>, address = '10.0.0.1') =>
    subscriptions.follow({ query, document: parse(query), operationName: undefined, variables, caller: { ...anonymous, address } }, () => true); // prettier-ignore
  return { owner, admission, follow };
}

describe('subscriptions', () => {
  test('that ask the same share one stream, whatever variables are sent that the document does not have', async () => {
    const { owner, follow, admission } = open({ maxRunning: 10, maxWaitMs: 1_000 });
    const streams = [
      follow({}),
      follow({ junk: 1 }),
      follow({ __proto__: null, other: { a: 2 } }),
      follow({ id: '1' }),
    ];
    const first = streams.map((stream) => stream.next());
    await until(() => owner.opened === 2, { what: 'the streams' });
    owner.emit('1');
    for (const { value } of await Promise.all(first)) expect(value.data.changes.id).toBe('1');
    expect([owner.opened, owner.executed]).toEqual([2, 2]);
    for (const stream of streams) await stream.return?.();
    admission.close();
  });

  test('are answered when it is their turn among operations', async () => {
    const { owner, follow, admission } = open({ maxRunning: 1, maxWaitMs: 30_000 });
    let end = (): void => undefined;
    const running = admission.run({ client: 'other' }, () => new Promise<void>((resolve) => (end = resolve)));
    const stream = follow({});
    const event = stream.next();
    await until(() => owner.opened === 1, { what: 'the stream' });
    owner.emit('1');
    await until(() => admission.counts().queued === 1, { what: 'the event in its line' });
    expect(owner.executed).toBe(0);
    end();
    await running;
    expect((await event).value.data.changes.id).toBe('1');
    await stream.return?.();
    admission.close();
  });

  test('end as OVERLOADED when their turn does not come in time', async () => {
    const { owner, follow, admission } = open({ maxRunning: 1, maxWaitMs: 50 });
    let end = (): void => undefined;
    const running = admission.run({ client: 'other' }, () => new Promise<void>((resolve) => (end = resolve)));
    const event = follow({}).next();
    await until(() => owner.opened === 1, { what: 'the stream' });
    owner.emit('1');
    await expect(event).rejects.toMatchObject({ extensions: { code: 'OVERLOADED' } });
    expect(owner.executed).toBe(0);
    end();
    await running;
    admission.close();
  });

  test.each([
    ['end when nothing of an answer can be had now', { data: null }, 'SERVICE_UNAVAILABLE', true],
    ['go on when a part of it can be had', { data: { changes: { id: '1' } } }, 'SERVICE_UNAVAILABLE', false],
    ['go on when it fails for another reason', { data: null }, 'INTERNAL_SERVER_ERROR', false],
  ])('%s', async (_, answer, code, ends) => {
    const { owner, follow, admission } = open({ maxRunning: 10, maxWaitMs: 1_000 });
    owner.answer = () => ({ ...answer, errors: [new GraphQLError('not now', { extensions: { code } })] });
    const stream = follow({});
    const event = stream.next();
    await until(() => owner.opened === 1, { what: 'the stream' });
    owner.emit('1');
    const outcome = await event.then(({ value }) => value as unknown, (error: unknown) => error); // prettier-ignore
    expect(outcome).toMatchObject(ends ? { extensions: { code } } : answer);
    await stream.return?.();
    admission.close();
  });

  test('of one client are at most 500 different ones, those that are shared aside, and as many again when they end', async () => {
    const { follow, admission } = open({ maxRunning: 10, maxWaitMs: 1_000 });
    const streams = Array.from({ length: 500 }, (_, id) => follow({ id: String(id) }));
    expect(() => follow({ id: 'more' })).toThrow(expect.objectContaining({ extensions: expect.objectContaining({ code: 'TOO_MANY_SUBSCRIPTIONS' }) })); // prettier-ignore
    streams.push(follow({ id: '7' }), follow({ id: 'more' }, '10.0.0.2'));
    await streams[0]?.return?.();
    streams.push(follow({ id: 'another' }));
    for (const stream of streams) await stream.return?.();
    admission.close();
  });

  test('of all clients together are as many as descriptors are kept for', async () => {
    const { follow, admission } = open({ maxRunning: 10, maxWaitMs: 1_000, maxStreams: 2 });
    const streams = [follow({ id: '1' }, '10.0.0.1'), follow({ id: '2' }, '10.0.0.2')];
    expect(() => follow({ id: '3' }, '10.0.0.3')).toThrow(expect.objectContaining({ extensions: expect.objectContaining({ code: 'OVERLOADED' }) })); // prettier-ignore
    streams.push(follow({ id: '1' }, '10.0.0.3'));
    for (const stream of streams) await stream.return?.();
    await follow({ id: '3' }, '10.0.0.3').return?.();
    admission.close();
  });
});
