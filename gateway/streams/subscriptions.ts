import { type ExecutionResult, type GraphQLSchema, getOperationAST } from 'graphql';
import { unauthenticated, unavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import type { Logger, Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { type HeadersFor, clientOf } from '../callers/caller.ts';
import { overloaded } from '../turns/admission.ts';
import { isUnavailableAnswer, refusal } from '../errors.ts';
import type { Operation, Supergraph } from '../supergraph/supergraph.ts';
import { type Admit, isOverload } from '../operations/run-operation.ts';
import { type Group, openGroup } from './group.ts';
import { type StreamKind, streamRequests } from './kinds.ts';
import { type Upstream, openUpstream } from './upstream.ts';

export type SubscriptionDeps = {
  readonly supergraph: Supergraph;
  readonly link: (name: string) => SubgraphLink;
  readonly headersFor: HeadersFor;
  readonly admit: Admit;
  /** Streams of events from services that there may be at a time. */
  readonly maxStreams: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Other kinds than those of our own supergraph. */
  readonly streamKinds?: Readonly<Record<string, StreamKind>>;
};

export type Subscriptions = {
  /**
   * Follows a subscription: events come from the subgraph that owns its field, each is completed with the fields of the
   * others, when it is the viewer's turn as for an operation. Clients of the same viewer that ask the same share one stream.
   * A refusal by the owner is the first and only result. It ends with SERVICE_UNAVAILABLE when the owner is lost, or
   * nothing of an event's answer can be had now, and with OVERLOADED when an event waited too long (subscribe again), and with UNAUTHENTICATED when `stands` says that the viewer
   * may no longer look. Throws a GraphQLError for what can't be planned, and for more streams than there may be.
   *
   * `return()` ends a pending `next()` at once: an async generator's would wait for the event that it waits for.
   */
  follow(operation: Operation, stands: () => boolean): AsyncIterableIterator<ExecutionResult>;
};

/** Of those, a client's: as many as the sockets of one user may have operations. Clients that ask the same share one. */
const maxStreamsPerClient = 500;

/** The subscriptions of one gateway process. */
export function openSubscriptions(deps: SubscriptionDeps): Subscriptions {
  const { supergraph, metrics } = deps;
  const requestOf = streamRequests(deps.streamKinds);
  /** What may be shared: planned by the same supergraph, for whom, and what is asked. */
  const planned = new WeakMap<GraphQLSchema, Map<string, Set<Group>>>();
  const streams = countStreams(deps.maxStreams);

  function openFor(operation: Operation, key: string): { group: Group; startAfter: number | null } {
    const groups = planned.get(supergraph.schema) ?? new Map<string, Set<Group>>();
    planned.set(supergraph.schema, groups);
    const plan = supergraph.planSubscription(operation);
    const request = requestOf(plan);
    const { startAfter } = request;
    const alike = groups.get(key) ?? new Set();
    const shared = [...alike].find((one) => one.isOpenTo(startAfter));
    if (shared) return { group: shared, startAfter };

    const { caller } = operation;
    streams.check(clientOf(caller));
    const link = deps.link(plan.owner);
    const count = (outcome: string) => metrics.subscriptionEvents.inc({ outcome });
    const upstreamDeps = {
      link,
      headers: deps.headersFor(plan.owner),
      log: deps.log,
      onReopen: () => count('reopened'),
    };
    const group = openGroup({
      kind: request.kind,
      startAfter,
      open: (afterSeq) => streams.counted(clientOf(caller), openUpstream(upstreamDeps, request, { caller, operationName: plan.operationName, afterSeq })), // prettier-ignore
      async execute(event) {
        const result = await deps.admit(caller, () => plan.execute(event));
        const overload = result.errors?.find(isOverload);
        if (overload) throw overload;
        // Without its place in the journal the client could not know what it has missed: it takes the stream up again.
        if (isUnavailableAnswer(result)) throw unavailable("The answer to an event can't be had now; subscribe again.");
        return result;
      },
      count,
      onEnd() {
        metrics.subscriptionStreams.dec();
        alike.delete(group);
        if (alike.size === 0 && groups.get(key) === alike) groups.delete(key);
      },
    });
    metrics.subscriptionStreams.inc();
    groups.set(key, alike.add(group));
    return { group, startAfter };
  }

  return {
    follow(operation, stands) {
      const { group, startAfter } = openFor(operation, shareKey(operation));
      const member = group.join(startAfter);
      const stream: AsyncIterableIterator<ExecutionResult> = {
        [Symbol.asyncIterator]: () => stream,
        async next() {
          const value = await member.next();
          if (value === undefined) return end;
          if (!stands()) {
            member.leave();
            throw unauthenticated('The session has ended; sign in again.');
          }
          return { done: false, value };
        },
        return: async () => {
          member.leave();
          return end;
        },
        throw: async () => {
          member.leave();
          return end;
        },
      };
      return stream;
    },
  };
}

/** Streams that are open, of each client. */
function countStreams(max: number) {
  const byClient = new Map<string, number>();
  let all = 0;
  function change(client: string, by: 1 | -1): void {
    all += by;
    const count = (byClient.get(client) ?? 0) + by;
    if (count > 0) byClient.set(client, count);
    else byClient.delete(client);
  }
  return {
    /** Throws TOO_MANY_SUBSCRIPTIONS when the client has as many as it may, OVERLOADED when all together have. */
    check(client: string): void {
      if ((byClient.get(client) ?? 0) >= maxStreamsPerClient)
        throw refusal(
          'TOO_MANY_SUBSCRIPTIONS',
          `You may have ${maxStreamsPerClient} different subscriptions at a time.`,
        );
      if (all >= max) throw overloaded();
    },
    counted(client: string, upstream: Upstream): Upstream {
      change(client, 1);
      let isOpen = true;
      return {
        ...upstream,
        close() {
          if (isOpen) change(client, -1);
          isOpen = false;
          upstream.close();
        },
      };
    },
  };
}

/** Equal for callers who may see the same and ask for the same: variables that the document doesn't have ask nothing. */
function shareKey({ caller: { viewer }, query, document, operationName, variables }: Operation): string {
  const who = viewer.kind === 'user' ? [viewer.userId, ...viewer.roles.toSorted()] : [viewer.kind];
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const names = definitions.map(({ variable }) => variable.name.value).filter((name) => Object.hasOwn(variables, name));
  const sorted = names.toSorted().map((name) => [name, variables[name]]);
  return JSON.stringify([who, operationName ?? null, sorted, query]);
}

const end: IteratorReturnResult<undefined> = { done: true, value: undefined };
