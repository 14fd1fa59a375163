import { useEffect, useRef, useState } from 'react';
import type { AnyVariables, TypedDocumentNode } from 'urql';
import { type ConnectionState, follow } from '../live.ts';

/** Many changes in a row are asked for once. */
const settleMs = 250;

/**
 * Follows a stream of many orders from now on, and after an interruption from the last `seq` that was seen.
 *
 * @param onNotice each change, once
 * @param onChange some time after changes, and when the stream has begun: what is listed may be old
 */
export function useFeed<Data, Variables extends AnyVariables>({
  document,
  seqOf,
  onNotice,
  onChange,
}: {
  document: TypedDocumentNode<Data, Variables>;
  seqOf: (data: Data) => number;
  onNotice?: (data: Data) => void;
  onChange: () => void;
}): ConnectionState {
  const [connection, setConnection] = useState<ConnectionState>('connecting');
  const latest = useRef({ seqOf, onNotice, onChange });
  useEffect(() => {
    latest.current = { seqOf, onNotice, onChange };
  });

  useEffect(() => {
    let lastSeq: number | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        latest.current.onChange();
      }, settleMs);
    };
    const leave = follow<Data, Variables>({
      document,
      variables: () => ({ ...(lastSeq === null ? {} : { afterSeq: lastSeq }) }) as Variables & Record<string, unknown>,
      onData: (data) => {
        const seq = latest.current.seqOf(data);
        if (lastSeq !== null && seq <= lastSeq) return;
        lastSeq = seq;
        latest.current.onNotice?.(data);
        soon();
      },
      onState: (state) => {
        setConnection(state);
        // Between the list's answer and the stream's begin something may have happened.
        if (state === 'live') soon();
      },
      // The list itself says why: it is asked over HTTP.
      onRefused: () => {
        setConnection('interrupted');
        soon();
      },
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [document]);

  return connection;
}
