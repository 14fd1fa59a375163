import { useState } from 'react';
import { Link } from 'wouter';
import { StockMovementsDocument, type StockMovementType } from '../../../../../schema/generated/operations.ts';
import { formatMoment } from '../../format.ts';
import { NothingHere, PagedList } from '../paged-list.tsx';

const pageSize = 20;

const words: Readonly<Record<StockMovementType, string>> = {
  ADJUST: 'Changed by hand',
  RECEIVE: 'Came with the product',
  HOLD: 'Ordered',
  COMMIT: 'Paid',
  RELEASE: 'Order cancelled',
  EXPIRE: 'Not paid in time',
  RETURN: 'Came back',
};

const signed = (change: number): string => (change > 0 ? `+${change}` : String(change));

/** What changed a product's stock; asked for when it is opened, and again with each change. */
export function Movements({ productId, version }: { productId: string; version: number }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="movements" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>What changed it</summary>
      {isOpen && (
        <PagedList
          document={StockMovementsDocument}
          variables={{ id: productId, first: pageSize }}
          pageOf={(data) => data.product?.stock?.movements ?? null}
          what="movements"
          className="entries"
          changes={version}
          empty={<NothingHere title="Nothing yet" text="Each change of the stock is listed here." />}
          row={(movement) => (
            <li key={movement.id}>
              <span>
                {words[movement.type]}
                {movement.orderId !== null && (
                  <>
                    {' '}
                    <Link href={`/staff/orders/${movement.orderId}`}>the order</Link>
                  </>
                )}
                {movement.reason !== null && <span className="small muted reason">{movement.reason}</span>}
              </span>
              <span className="small muted">
                {movement.onHandDelta !== 0 &&
                  `${signed(movement.onHandDelta)} on hand, ${movement.onHandAfter} then. `}
                {movement.allocatedDelta !== 0 &&
                  `${signed(movement.allocatedDelta)} promised, ${movement.allocatedAfter} then.`}
              </span>
              <time className="small muted" dateTime={movement.at}>
                {formatMoment(movement.at)}
              </time>
            </li>
          )}
        />
      )}
    </details>
  );
}
