import { useCallback, useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { OrderDocument, WatchOrderDocument } from '../../../../schema/generated/operations.ts';
import { type ApiError, dataOf } from '../api.ts';
import { type ConnectionState, follow } from '../live.ts';
import type { Order, OrderEvent } from '../types.ts';

export type LoadedOrder = {
  readonly status: 'loading' | 'missing' | 'problem' | 'ready';
  readonly order: Order | null;
  readonly events: readonly OrderEvent[];
  readonly connection: ConnectionState;
  readonly problem: string | null;
  /** Asks the API once more, for what no event tells. */
  readonly reload: () => Promise<void>;
};

/**
 * One order, read once and then followed live from the journal's last known position, so that nothing is missed or
 * shown twice.
 */
export function useOrder(orderId: string): LoadedOrder {
  const client = useClient();
  const [status, setStatus] = useState<LoadedOrder['status']>('loading');
  const [order, setOrder] = useState<Order | null>(null);
  const [events, setEvents] = useState<readonly OrderEvent[]>([]);
  const [connection, setConnection] = useState<ConnectionState>('connecting');
  const [problem, setProblem] = useState<string | null>(null);
  const lastSeq = useRef(0);

  const addEvents = useCallback((added: readonly OrderEvent[]) => {
    lastSeq.current = Math.max(lastSeq.current, ...added.map((event) => event.seq));
    setEvents((known) => {
      const bySeq = new Map([...known, ...added].map((event) => [event.seq, event]));
      return [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
    });
  }, []);

  const reload = useCallback(async () => {
    try {
      const asked = await client.query(OrderDocument, { id: orderId }, { requestPolicy: 'network-only' }).toPromise();
      const answer = dataOf(asked).order;
      if (answer === null) {
        setStatus('missing');
        return;
      }
      const { history, ...rest } = answer;
      const read = history.edges.map((edge) => edge.node);
      // An answer that is older than what a live event already told must not turn the page back.
      if ((read.at(-1)?.seq ?? 0) >= lastSeq.current) setOrder(rest);
      addEvents(read);
      setStatus('ready');
      setProblem(null);
    } catch (error) {
      const { code, message } = error as ApiError;
      if (code === 'NOT_FOUND' || code === 'BAD_USER_INPUT') setStatus('missing');
      else {
        setProblem(message);
        setStatus((known) => (known === 'ready' ? known : 'problem'));
      }
    }
  }, [client, orderId, addEvents]);

  useEffect(() => {
    void reload();
  }, [reload]);

  const found = status === 'ready';
  useEffect(() => {
    if (!found) return;
    return follow({
      document: WatchOrderDocument,
      variables: () => ({ orderId, afterSeq: lastSeq.current }),
      onData: ({ orderEvents }) => {
        // History of several changes carries the order as it is now in each: the newest is the one to show.
        if (orderEvents.event.seq > lastSeq.current) setOrder(orderEvents.order);
        addEvents([orderEvents.event]);
      },
      onState: (state) => {
        setConnection(state);
        if (state === 'live') void reload();
      },
      onRefused: () => {
        setConnection('interrupted');
        // The same question over HTTP tells whether it is the session that has ended.
        void reload();
      },
    });
  }, [found, orderId, addEvents, reload]);

  return { status, order, events, connection, problem, reload };
}
