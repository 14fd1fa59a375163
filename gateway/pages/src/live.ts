import { createClient } from 'graphql-ws';
import type { Operation } from './operations.ts';
import { freshToken } from './session.ts';

export type ConnectionState = 'connecting' | 'live' | 'interrupted';

const firstDelayMs = 500;
const longestDelayMs = 10_000;
const keepAliveMs = 10_000;
const pongTimeoutMs = 5_000;

/** Refusals that another try won't change. */
const finalCodes = new Set([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'GRAPHQL_VALIDATION_FAILED',
]);

/**
 * Follows a subscription until the returned function is called. After an interruption it subscribes again with what
 * `variables()` says then (a position to resume from), waiting longer each time and never longer than 10 s; coming back
 * online or to the tab ends the wait. `onRefused` gets an answer that another try won't change, and ends it.
 */
export function follow<Data, Variables extends Record<string, unknown>>(options: {
  operation: Operation<Data, Variables>;
  variables: () => Variables;
  onData: (data: Data) => void;
  onState: (state: ConnectionState) => void;
  onRefused: (code: string) => void;
}): () => void {
  let stopped = false;
  let failures = 0;
  let hurry = () => {};
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | undefined;

  const client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: async () => {
      const token = await freshToken();
      return token === null ? {} : { authorization: `Bearer ${token}` };
    },
    // The loop below tries again, because the variables change with each try.
    retryAttempts: 0,
    onNonLazyError: () => undefined,
    keepAlive: keepAliveMs,
    on: {
      opened: (opened) => {
        socket = opened as WebSocket;
      },
      connected: () => options.onState('live'),
      // A connection that went dead without a close is found by its missing pong.
      ping: (received) => {
        if (!received) pongTimer = setTimeout(() => socket?.close(4408, 'No pong'), pongTimeoutMs);
      },
      pong: (received) => {
        if (received) clearTimeout(pongTimer);
      },
      closed: () => clearTimeout(pongTimer),
    },
  });

  async function once(): Promise<void> {
    for await (const { data, errors } of client.iterate<Data>({
      query: options.operation.text,
      variables: options.variables(),
    })) {
      if (stopped) return;
      const code = errors?.[0]?.extensions?.['code'];
      if (typeof code === 'string' && finalCodes.has(code)) {
        stopped = true;
        options.onRefused(code);
        return;
      }
      if (errors !== undefined) return;
      failures = 0;
      if (data) options.onData(data);
    }
  }

  async function keepGoing(): Promise<void> {
    while (!stopped) {
      try {
        await once();
      } catch (error) {
        // The server refuses before the first event with a list of errors, and closes the socket for anything else.
        const code = Array.isArray(error)
          ? (error[0] as { extensions?: { code?: string } }).extensions?.code
          : undefined;
        if (!stopped && code !== undefined && finalCodes.has(code)) {
          stopped = true;
          options.onRefused(code);
        }
      }
      if (stopped) break;
      options.onState('interrupted');
      const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** failures) * (0.5 + Math.random() / 2);
      failures += 1;
      await new Promise<void>((resolve) => {
        hurry = resolve;
        setTimeout(resolve, delayMs);
      });
    }
    await client.dispose();
  }

  const wake = () => {
    if (document.visibilityState === 'visible') hurry();
  };
  window.addEventListener('online', wake);
  document.addEventListener('visibilitychange', wake);
  options.onState('connecting');
  void keepGoing();
  return () => {
    stopped = true;
    window.removeEventListener('online', wake);
    document.removeEventListener('visibilitychange', wake);
    hurry();
    void client.dispose();
  };
}
