import { type AnyVariables, type TypedDocumentNode, stringifyDocument } from 'urql';
import { type Client, createClient } from 'graphql-ws';
import { graphqlPath } from './api.ts';
import { currentSession, freshToken } from './session.ts';

export type ConnectionState = 'connecting' | 'live' | 'interrupted';

const firstDelayMs = 500;
const longestDelayMs = 10_000;
const keepAliveMs = 10_000;
const pongTimeoutMs = 5_000;
/** The socket stays open this long after the last subscription, for the next page of the tab. */
const lingerMs = 3_000;

/** Refusals that another try won't change. */
const finalCodes = new Set([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'GRAPHQL_VALIDATION_FAILED',
]);

type Shared = { readonly userId: string | null; readonly client: Client; connected: boolean };
/** One socket a tab, for all its subscriptions and one viewer: a user may have only a few open. */
let shared: Shared | undefined;

function sharedSocket(): Shared {
  const userId = currentSession()?.user.id ?? null;
  if (shared?.userId === userId) return shared;
  void shared?.client.dispose();
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | undefined;
  const opened: Shared = {
    userId,
    connected: false,
    client: createClient({
      url: `${location.origin.replace(/^http/, 'ws')}${graphqlPath}`,
      // The server closes the socket when its token ends; connecting again brings the renewed one.
      connectionParams: async () => {
        const token = await freshToken();
        return token === null ? {} : { authorization: `Bearer ${token}` };
      },
      // `follow` tries again by itself, because the variables change with each try.
      retryAttempts: 0,
      onNonLazyError: () => undefined,
      lazyCloseTimeout: lingerMs,
      keepAlive: keepAliveMs,
      on: {
        opened: (open) => {
          socket = open as WebSocket;
        },
        connected: () => {
          opened.connected = true;
        },
        // A connection that went dead without a close is found by its missing pong.
        ping: (received) => {
          if (!received) pongTimer = setTimeout(() => socket?.close(4408, 'No pong'), pongTimeoutMs);
        },
        pong: (received) => {
          if (received) clearTimeout(pongTimer);
        },
        closed: () => {
          opened.connected = false;
          clearTimeout(pongTimer);
        },
      },
    }),
  };
  shared = opened;
  return opened;
}

export type Followed<Data, Variables extends AnyVariables> = {
  readonly document: TypedDocumentNode<Data, Variables>;
  /** Asked before each try: a position to resume from may be among them. */
  readonly variables: () => Variables & Record<string, unknown>;
  readonly onData: (data: Data) => void;
  readonly onState: (state: ConnectionState) => void;
  /** An answer that another try won't change has ended it. */
  readonly onRefused: (code: string) => void;
};

/**
 * Follows a subscription until the returned function is called. After an interruption it subscribes again with what
 * `variables()` says then, waiting longer each time, by chance somewhat more or less, and never longer than 10 s; coming
 * back online or to the tab ends the wait.
 */
export function follow<Data, Variables extends AnyVariables>(options: Followed<Data, Variables>): () => void {
  const query = stringifyDocument(options.document);
  let stopped = false;
  let failures = 0;
  let hurry = () => {};
  let leave = () => {};

  const refuse = (code: unknown): boolean => {
    if (typeof code !== 'string' || !finalCodes.has(code)) return false;
    if (!stopped) options.onRefused(code);
    stopped = true;
    return true;
  };

  async function once(): Promise<void> {
    const { client, connected } = sharedSocket();
    if (connected) options.onState('live');
    const unlisten = client.on('connected', () => options.onState('live'));
    const results = client.iterate<Data>({ query, variables: options.variables() });
    leave = () => void results.return?.();
    try {
      for await (const { data, errors } of results) {
        if (stopped || refuse(errors?.[0]?.extensions?.['code']) || errors !== undefined) return;
        failures = 0;
        if (data) options.onData(data);
      }
    } catch (error) {
      // The server refuses before the first event with a list of errors, and closes the socket for anything else.
      if (Array.isArray(error)) refuse((error[0] as { extensions?: { code?: string } }).extensions?.code);
    } finally {
      unlisten();
    }
  }

  async function keepGoing(): Promise<void> {
    options.onState('connecting');
    while (!stopped) {
      await once();
      // The loop's condition, once more: much may have happened since.
      if (stopped) return;
      options.onState('interrupted');
      const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** failures) * (0.5 + Math.random() / 2);
      failures += 1;
      await new Promise<void>((resolve) => {
        hurry = resolve;
        setTimeout(resolve, delayMs);
      });
    }
  }

  const wake = () => {
    if (document.visibilityState === 'visible') hurry();
  };
  window.addEventListener('online', wake);
  document.addEventListener('visibilitychange', wake);
  void keepGoing();
  return () => {
    stopped = true;
    window.removeEventListener('online', wake);
    document.removeEventListener('visibilitychange', wake);
    hurry();
    leave();
  };
}
