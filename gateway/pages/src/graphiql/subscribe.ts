import type { FetcherParams } from '@graphiql/toolkit';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { beginLog, logEvent } from './activity.ts';
import { resumedAfter, seqOf } from './resume.ts';

type Result = ExecutionResult<Record<string, unknown>>;

const firstWaitMs = 500;
/** With a new token. */
const renewedWaitMs = 100;
const longestWaitMs = 8_000;
/** In a row, without a connection between them. */
const mostFailures = 12;
/** The token has ended: the next connection brings a new one. */
const tokenEnded = 4403;
/** A refusal that another try meets again: bad messages, no right, too many connections of this client, … */
const isRefusal = (code: number): boolean => code >= 4400 && code < 4500 && code !== tokenEnded;

/**
 * A subscription over WebSocket that outlives its connection: after a loss it goes on from the last `seq`, with a new
 * token where the old one has ended. `return` ends it at once.
 */
export function subscribe(
  params: FetcherParams,
  headers: () => Promise<Record<string, string>>,
): AsyncIterableIterator<Result> {
  // prettier-ignore
  let client: Client | undefined;
  let stopped = false;
  let wake: (() => void) | undefined;

  async function* run(): AsyncGenerator<Result, undefined> {
    const { operationName = null } = params;
    let next: { query: string; variables?: Record<string, unknown> | null } = params;
    let failures = 0;
    beginLog(operationName ?? 'Subscription');
    while (!stopped) {
      client = createClient({
        url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
        connectionParams: headers,
        retryAttempts: 0,
        // Lost once more later, it is the first time again.
        on: { connected: () => (failures = 0) },
      });
      try {
        const results = client.iterate({ query: next.query, variables: next.variables ?? null, operationName });
        for await (const given of results) {
          const result = given as Result;
          const seq = seqOf(result, next.query, operationName);
          logEvent(summaryOf(result), result);
          if (seq !== undefined) next = resumedAfter(next, seq, operationName) ?? next;
          yield result;
        }
        if (!stopped) logEvent('The server ended the stream');
        return undefined;
      } catch (error) {
        if (stopped) return undefined;
        const failure = failureOf(error);
        failures += 1;
        if (!failure.again || failures > mostFailures) {
          logEvent(failure.text);
          // As an answer, because GraphiQL shows a thrown error with its stack.
          yield { errors: failure.errors };
          return undefined;
        }
        const waitMs =
          failure.atOnce && failures === 1 ? renewedWaitMs : Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1));
        logEvent(`${failure.text}; connecting again${next === params ? '' : ' after the last event'}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, waitMs);
        });
      } finally {
        await client.dispose();
      }
    }
    return undefined;
  }

  const events = run();
  return {
    next: () => events.next(),
    return: async () => {
      stopped = true;
      wake?.();
      // Without it the stream would last until its next event.
      await client?.dispose();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

type Failure = { readonly text: string; readonly again: boolean; readonly atOnce: boolean; readonly errors: readonly GraphQLError[] }; // prettier-ignore

function failureOf(error: unknown): Failure {
  if (Array.isArray(error)) {
    const errors = error as GraphQLError[];
    const again = errors.every(({ extensions }) => extensions?.['code'] === 'SERVICE_UNAVAILABLE');
    return { text: errors.map(({ message }) => message).join(' '), again, atOnce: false, errors };
  }
  if (error instanceof CloseEvent) {
    const text = `Connection closed: ${error.code} ${error.reason}`.trim();
    const atOnce = error.code === tokenEnded;
    return { text, again: !isRefusal(error.code), atOnce, errors: [new GraphQLError(text)] };
  }
  const text = error instanceof Error ? error.message : 'The connection could not be made';
  return { text, again: true, atOnce: false, errors: [new GraphQLError(text)] };
}

/** One line that tells an event: what is plain in it. */
function summaryOf({ data, errors }: Result): string {
  if (errors !== undefined && errors.length > 0) return errors.map(({ message }) => message).join(' ');
  const [notice] = Object.values(data ?? {}) as (Record<string, unknown> | null)[];
  const inner = (notice?.['event'] ?? notice ?? {}) as Record<string, unknown>;
  const words = Object.entries({ seq: notice?.['seq'], ...inner })
    .filter(
      ([name, value]) =>
        ['seq', 'type', 'toState', 'state', 'title', 'quantity'].includes(name) &&
        value !== null &&
        typeof value !== 'object',
    ) // prettier-ignore
    .map(([name, value]) => (name === 'seq' ? `#${String(value)}` : String(value)));
  return words.length === 0 ? 'Event' : words.join(' · ');
}
