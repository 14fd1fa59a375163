import { useEffect, useRef, useState } from 'react';
import { WatchStockDocument } from '../../../../schema/generated/operations.ts';
import { follow } from '../live.ts';
import { useSession } from '../session.ts';

/** As many as one subscription takes. */
const maxProducts = 50;

/**
 * What is left of these products since their stock last changed under our eyes, by product id. `onGap` is called when
 * the connection was away for a while: what happened meanwhile has to be asked for.
 */
export function useLiveStock(productIds: readonly string[], onGap: () => void): ReadonlyMap<string, number> {
  const [left, setLeft] = useState<ReadonlyMap<string, number>>(new Map());
  const userId = useSession()?.user.id;
  const wanted = productIds.slice(0, maxProducts).toSorted().join(' ');
  const tellGap = useRef(onGap);
  useEffect(() => {
    tellGap.current = onGap;
  }, [onGap]);

  useEffect(() => {
    if (wanted === '') return;
    let interrupted = false;
    return follow({
      document: WatchStockDocument,
      variables: () => ({ productIds: wanted.split(' ') }),
      onData: ({ stockChanged }) =>
        setLeft((known) => new Map(known).set(stockChanged.product.id, stockChanged.available)),
      onState: (state) => {
        if (state === 'interrupted') interrupted = true;
        if (state !== 'live' || !interrupted) return;
        interrupted = false;
        setLeft(new Map());
        tellGap.current();
      },
      // Stock that is not live is still true as of the last answer.
      onRefused: () => undefined,
    });
  }, [wanted, userId]);

  return left;
}
