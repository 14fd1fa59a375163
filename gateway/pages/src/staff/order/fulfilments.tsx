import { useClient } from 'urql';
import { CancelFulfilmentDocument, MarkDeliveredDocument } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { formatMoment } from '../../format.ts';
import type { Order } from '../../types.ts';
import { DeedButton, DeedWords } from '../deed-button.tsx';

type Fulfilment = Order['fulfilments'][number];
const longestReason = 1_024;

/** The deliveries of an order, and what became of each. */
export function Fulfilments({ order, onDone }: { order: Order; onDone: () => Promise<void> }) {
  if (order.fulfilments.length === 0) return null;
  return (
    <section className="card form" aria-labelledby="fulfilments-title">
      <h2 id="fulfilments-title">Deliveries</h2>
      <ul className="returns">
        {order.fulfilments.map((fulfilment) => (
          <FulfilmentRow key={fulfilment.id} order={order} fulfilment={fulfilment} onDone={onDone} />
        ))}
      </ul>
    </section>
  );
}

function FulfilmentRow({
  order,
  fulfilment,
  onDone,
}: {
  order: Order;
  fulfilment: Fulfilment;
  onDone: () => Promise<void>;
}) {
  const client = useClient();
  const { id, carrier, trackingNumber, trackingUrl, createdAt, deliveredAt, cancelledAt } = fulfilment;
  const titleOf = (lineId: string) => order.lines.find((line) => line.id === lineId)?.title ?? '';
  const parcel = [carrier, trackingNumber].filter((text) => text !== null).join(' ');
  const isOnItsWay = deliveredAt === null && cancelledAt === null;
  return (
    <li>
      <p>
        <span className={`badge ${cancelledAt === null ? 'good' : 'bad'}`}>
          {cancelledAt !== null ? 'Lost' : deliveredAt !== null ? 'Arrived' : 'On its way'}
        </span>{' '}
        {trackingUrl === null ? (
          parcel
        ) : (
          <a href={trackingUrl} target="_blank" rel="noopener noreferrer">
            {parcel || 'Follow it'}
          </a>
        )}
      </p>
      <p className="small">
        {fulfilment.lines.map(({ line, quantity }) => `${quantity} × ${titleOf(line.id)}`).join(', ')}
      </p>
      <p className="small muted">
        Sent {formatMoment(createdAt)}
        {deliveredAt !== null && `, arrived ${formatMoment(deliveredAt)}`}
        {cancelledAt !== null && `, lost ${formatMoment(cancelledAt)}`}
      </p>
      {isOnItsWay && (
        <DeedButton
          intent={`delivered-${id}`}
          press="It has arrived"
          done="It has arrived."
          className="link"
          onDone={onDone}
          send={async (idempotencyKey) =>
            (await perform(client, MarkDeliveredDocument, { fulfilmentId: id, idempotencyKey })).markDelivered
          }
        />
      )}
      {isOnItsWay && order.state === 'PROCESSING' && (
        <details>
          <summary>It never arrives</summary>
          <DeedWords
            intent={`lost-${id}`}
            label="What happened to it"
            press="Send it again"
            done="Its pieces are to be sent again."
            maxLength={longestReason}
            onDone={onDone}
            send={async (reason, idempotencyKey) =>
              (await perform(client, CancelFulfilmentDocument, { fulfilmentId: id, reason, idempotencyKey }))
                .cancelFulfilment
            }
          />
        </details>
      )}
    </li>
  );
}
