import { isJsonObject } from '../execute/types.ts';

/** How a message of the client goes on: as it is to the protocol, or the socket is closed. Undefined: there is nothing to do. */
export type Received =
  | { readonly message: unknown; readonly isOperation: boolean }
  | { readonly close: { readonly code: number; readonly reason: string } };

/** The messages of one socket, with its operations under ids of the gateway's own. */
export type SocketMessages = {
  received(text: string): Received | undefined;
  /** A message of the protocol as the client knows its operation; undefined when that is over for the client. */
  sent(text: string): string | undefined;
  /** To be called once what `sent` gave last is on its way; undefined for nearly all. */
  releaseOfLast(): (() => void) | undefined;
};

const maxIdLength = 128;
/** A longer ping is answered without its payload. */
const maxEchoedLength = 1_024;
/** What ws takes as the reason of a close. */
const maxReasonBytes = 123;
const clientMessages: ReadonlySet<unknown> = new Set(['connection_init', 'ping', 'pong', 'subscribe', 'complete']);

/** As graphql-ws writes it: the id comes first, and ours are digits. */
const beforeId = '{"id":"';
const afterIdOfNext = '","type":"next"';

const close = (code: number, reason: string): Received => ({ close: { code, reason } });

/** A payload as JSON whose text was made before it is sent; `release` gives back the room that it takes. */
type LargePayload = { readonly text: string; readonly release: () => void };
/** By the gateway's id of the operation: each stands for the payload of one `next`. */
export type LargePayloads = Map<string, LargePayload>;

/**
 * A client may use an id again once it has sent or received `complete` for it, while the operation that had it may still
 * run. graphql-ws takes the two for one (https://github.com/enisdenjo/graphql-ws/pull/96): so to it, each operation has an id that
 * the socket has never seen.
 */
export function socketMessages(largePayloads: LargePayloads = new Map()): SocketMessages {
  const ownIds = new Map<string, string>();
  /** What the client calls them, as JSON. */
  const clientIds = new Map<string, { readonly id: string; readonly json: string }>();
  let subscribed = 0;
  let release: (() => void) | undefined;

  function subscribe(message: Record<string, unknown>, id: string): Received {
    if (ownIds.has(id)) {
      const reason = `Subscriber for ${id} already exists`;
      return close(4409, Buffer.byteLength(reason) > maxReasonBytes ? 'Subscriber already exists' : reason);
    }
    subscribed += 1;
    const ownId = String(subscribed);
    ownIds.set(id, ownId);
    clientIds.set(ownId, { id, json: JSON.stringify(id) });
    return { message: { ...message, id: ownId, payload: withQuery(message['payload']) }, isOperation: true };
  }
  function complete(message: Record<string, unknown>, id: string): Received | undefined {
    const ownId = ownIds.get(id);
    if (ownId === undefined) return undefined;
    ownIds.delete(id);
    clientIds.delete(ownId);
    return { message: { ...message, id: ownId }, isOperation: false };
  }

  return {
    received(text) {
      const message = parsed(text);
      if (!isJsonObject(message) || !clientMessages.has(message['type']))
        return close(4400, 'Invalid message received');
      const { type, id } = message;
      if (type === 'ping' && text.length > maxEchoedLength) return { message: { type }, isOperation: false };
      // graphql-ws says what is wrong with an id that is none.
      if ((type !== 'subscribe' && type !== 'complete') || typeof id !== 'string' || id === '')
        return { message, isOperation: false };
      if (id.length > maxIdLength) return close(4400, `An id has at most ${maxIdLength} characters`);
      return type === 'subscribe' ? subscribe(message, id) : complete(message, id);
    },
    releaseOfLast: () => release,
    sent(text) {
      release = undefined;
      if (!text.startsWith(beforeId)) return text;
      const end = text.indexOf('"', beforeId.length);
      const ownId = text.slice(beforeId.length, end);
      const large = largePayloads.get(ownId);
      largePayloads.delete(ownId);
      const known = clientIds.get(ownId);
      if (!known) large?.release();
      if (!known) return undefined;
      release = large?.release;
      if (large) return `{"id":${known.json},"type":"next","payload":${large.text}}`;
      if (!text.startsWith(afterIdOfNext, end)) {
        clientIds.delete(ownId);
        ownIds.delete(known.id);
      }
      return `{"id":${known.json}${text.slice(end + 1)}`;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** graphql-ws insists on a text, also where a hash or an id names the document (https://github.com/enisdenjo/graphql-ws/issues/188). */
const withQuery = (payload: unknown): unknown =>
  isJsonObject(payload) && (payload['query'] ?? null) === null && ('documentId' in payload || 'extensions' in payload)
    ? { ...payload, query: '' }
    : payload;
