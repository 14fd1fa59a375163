import { type ExecutionResult, GraphQLError } from 'graphql';
import { unauthenticated, unavailable } from '../subgraphs/shared/errors.ts';
import type { SubgraphLink, SubgraphName } from '../subgraphs/shared/link.ts';
import type { CallerHeaders } from './caller.ts';
import type { Operation, Supergraph } from './execute.ts';

export type SubscriptionDeps = {
  readonly supergraph: Supergraph;
  readonly link: (name: SubgraphName) => SubgraphLink;
  readonly headers: CallerHeaders;
};

/**
 * Follows a subscription: events come from the subgraph that owns its field, each is completed with the fields of the
 * others. A refusal by the owner is the first and only result. It ends with SERVICE_UNAVAILABLE when the owner is lost
 * (subscribe again) and with UNAUTHENTICATED when `stands` says that the viewer may no longer look.
 *
 * `return()` closes the owner's stream at once and ends a pending `next()`: an async generator's would wait for the
 * event that it waits for. One event at a time: the next is asked for when the client has taken the last.
 */
export async function follow(
  deps: SubscriptionDeps,
  operation: Operation,
  stands: () => boolean,
): Promise<AsyncIterableIterator<ExecutionResult>> {
  const plan = deps.supergraph.planSubscription(operation);
  const headers = await deps.headers(operation.caller);
  const upstream = deps.link(plan.owner).subscribe({
    query: plan.query,
    operationName: plan.operationName,
    variables: plan.variables,
    headers,
  });
  let begun = false;
  let done = false;
  let release: (() => void) | undefined;

  async function step(): Promise<IteratorResult<ExecutionResult>> {
    const event = await upstream.next();
    if (done) return end;
    if (event.done) {
      done = true;
      return end;
    }
    if (!stands()) {
      closeUpstream();
      throw unauthenticated('The session has ended; sign in again.');
    }
    const errors = event.value.errors?.map(revived);
    if (event.value.data === undefined) {
      closeUpstream();
      // Neither data nor null: the owner didn't let the subscription begin, or it broke since.
      if (begun) throw errors?.[0] ?? unavailable('The subscription was cut off.');
      return { done: false, value: { ...(errors && { errors }) } };
    }
    begun = true;
    const value = await plan.execute(event.value);
    // Closed while the others were asked: nobody takes it any more.
    return done ? end : { done: false, value };
  }
  function closeUpstream(): void {
    if (done) return;
    done = true;
    // Whoever cancelled does not wait for the owner, and its failure to close is its own.
    void Promise.resolve(upstream.return?.()).catch(() => undefined);
  }
  const finish = async (): Promise<IteratorResult<ExecutionResult>> => {
    closeUpstream();
    release?.();
    return end;
  };

  const stream: AsyncIterableIterator<ExecutionResult> = {
    [Symbol.asyncIterator]: () => stream,
    next() {
      if (done) return Promise.resolve(end);
      return new Promise((resolve, reject) => {
        release = () => resolve(end);
        step().then(resolve, (error: unknown) => {
          closeUpstream();
          reject(error instanceof Error ? error : unavailable('The subscription was cut off.'));
        });
      });
    },
    return: finish,
    throw: finish,
  };
  return stream;
}

/** Over HTTP an error arrives as plain data. */
const revived = (error: GraphQLError): GraphQLError =>
  error instanceof GraphQLError
    ? error
    : new GraphQLError((error as GraphQLError).message, { extensions: (error as GraphQLError).extensions });

const end: IteratorReturnResult<undefined> = { done: true, value: undefined };
