import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { unavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import type { Caller, CallerHeaders } from '../callers/caller.ts';
import { refusedBy } from '../supergraph/subgraph-fetch.ts';
import type { StreamRequest } from './kinds.ts';

/** An event of the owner, or how the stream ended: by itself, or with the owner's refusal. */
export type UpstreamStep =
  | { readonly event: ExecutionResult; readonly mark: number | string | null }
  | { readonly end: readonly GraphQLError[] | null };

/** A subscription at the subgraph that owns its field. */
export type Upstream = {
  /** The next event; asked for one at a time. Rejects with SERVICE_UNAVAILABLE when the owner is lost for good. */
  next(): Promise<UpstreamStep>;
  /** The `seq` of the newest event, or where the stream started; null when that is not known. */
  position(): number | null;
  /** Ends it at once; a pending `next()` ends too. */
  close(): void;
};

/** A stream that breaks earlier than this, without an event, was never open: its client is told at once. */
const openedAfterMs = 2_000;
const reopenForMs = 30_000;
const reopenBaseMs = 100;
const reopenMaxMs = 2_000;

/**
 * Opens a subscription at its owner, and opens it again when the owner restarts or is cut off: a journal after the last
 * entry that came, so that the client sees neither a gap nor anything twice; states that are told at the start anew. What can't
 * be continued without a gap is not: it ends with SERVICE_UNAVAILABLE, and the client, which has to read anew, subscribes again.
 */
export function openUpstream(
  deps: {
    readonly link: SubgraphLink;
    readonly headers: CallerHeaders;
    readonly log: Logger;
    onReopen(): void;
    nowMs?: () => number;
  },
  request: StreamRequest,
  options: { readonly caller: Caller; readonly operationName: string | undefined; readonly afterSeq: number | null },
): Upstream {
  const { kind } = request;
  const { nowMs = () => performance.now() } = deps;
  let position = options.afterSeq;
  let source: AsyncIterator<ExecutionResult> | undefined;
  let openedAtMs = nowMs();
  let begun = false;
  let lostAtMs: number | null = null;
  let tries = 0;
  const closing = new AbortController();

  async function open(): Promise<AsyncIterator<ExecutionResult>> {
    const { headers } = await deps.headers(options.caller);
    openedAtMs = nowMs();
    const { query } = request;
    return deps.link.subscribe({ query, operationName: options.operationName, variables: request.variables(position), headers }); // prettier-ignore
  }
  function closeSource(): void {
    // Whoever leaves does not wait for the owner, and its failure to close is its own.
    void Promise.resolve(source?.return?.()).catch(() => undefined);
    source = undefined;
  }
  const canReopen = (): boolean =>
    (kind?.kind === 'journal' && position !== null) || (kind?.kind === 'states' && kind.begins === 'with states');

  /** Waits before the stream is opened again; throws `cause` when it can't or shall not be. */
  async function lost(cause: Error): Promise<void> {
    closeSource();
    const now = nowMs();
    const wasOpen = begun || lostAtMs !== null || now - openedAtMs >= openedAfterMs;
    // It was opened again and stood, without an event to show for it: this is another loss.
    if (now - openedAtMs > reopenForMs) {
      lostAtMs = null;
      tries = 0;
    }
    lostAtMs ??= now;
    if (!canReopen() || !wasOpen || now - lostAtMs > reopenForMs) throw cause;
    if (tries === 0) deps.log.debug({ subgraph: deps.link.name, err: cause.message }, 'a subscription is opened again');
    deps.onReopen();
    const delayMs = Math.min(reopenMaxMs, reopenBaseMs * 2 ** tries);
    tries += 1;
    await sleep(delayMs * (0.5 + Math.random()), undefined, { signal: closing.signal }).catch(() => undefined);
  }

  async function next(): Promise<UpstreamStep> {
    while (!closing.signal.aborted) {
      let step: IteratorResult<ExecutionResult>;
      try {
        source ??= await open();
        // Closed while it was opened: nobody would close it any more.
        if (closing.signal.aborted) break;
        step = await source.next();
      } catch (error) {
        if (closing.signal.aborted) break;
        await lost(error instanceof Error ? error : unavailable('The subscription was cut off.'));
        continue;
      }
      if (closing.signal.aborted || step.done) break;
      const { data } = step.value;
      if (data === undefined) {
        const errors = (step.value.errors ?? []).map((error) => refusedBy(deps.link.name, error));
        const [first] = errors;
        // Neither data nor null: the owner didn't let the subscription begin, or it broke since.
        if (first?.extensions['code'] === 'SERVICE_UNAVAILABLE' && begun && canReopen()) {
          await lost(first);
          continue;
        }
        closeSource();
        return { end: errors };
      }
      begun = true;
      lostAtMs = null;
      tries = 0;
      const mark = request.mark(data);
      if (kind?.kind === 'journal' && typeof mark === 'number') position = mark;
      return { event: step.value, mark };
    }
    closeSource();
    return { end: null };
  }

  return {
    next,
    position: () => position,
    close() {
      if (closing.signal.aborted) return;
      closing.abort();
      closeSource();
    },
  };
}
