import { useClient } from 'urql';
import { useLocation } from 'wouter';
import { ArchiveOrderDocument } from '../../../../schema/generated/operations.ts';
import { addToCart } from '../cart/cart.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import type { Order } from '../types.ts';
import { announce } from '../ui/announcement.tsx';
import { useAction } from '../ui/use-action.ts';
import { isOver, subjectOf } from './words.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

/** What can be done with an order beside paying and cancelling: the same once more, its receipt, and putting it away. */
export function OrderTools({ order, onChanged }: { order: Order; onChanged: () => Promise<void> }) {
  const client = useClient();
  const [, navigate] = useLocation();
  const { busy, problem, run } = useAction();
  const subject = subjectOf(order);
  const ids = order.lines.flatMap(({ product, quantity }) => (product === null ? [] : [{ id: product.id, quantity }]));
  const canRepeat = isOver(order.state) && (subject === 'goods' || subject === 'digital') && ids.length > 0;

  const again = () => {
    const fits = ids.every(({ id, quantity }) => addToCart(id, quantity));
    announce(fits ? t().orders.againInCart : t().shop.cartIsFull);
    navigate('/cart');
  };
  const putAway = () =>
    run(async () => {
      const intent = `archive-${order.id}`;
      const variables = { id: order.id, idempotencyKey: intentKey(intent, order.id) };
      const { archiveOrder } = await perform(client, ArchiveOrderDocument, variables);
      settleIntent(intent);
      await onChanged();
      const refusal = firstRefusal(archiveOrder.userErrors);
      if (refusal !== null) return refusal;
      announce(t().orders.isPutAway);
      navigate('/orders');
      return null;
    });
  return (
    <div className="tools no-print">
      {canRepeat && (
        <button type="button" className="button quiet" onClick={again}>
          {t().orders.again}
        </button>
      )}
      {order.paidAt !== null && (
        <button type="button" className="button quiet" onClick={() => window.print()}>
          {t().orders.print}
        </button>
      )}
      {order.allowedActions.includes('ARCHIVE') && (
        <button type="button" className="button quiet" disabled={busy} onClick={() => void putAway()}>
          {t().orders.putAway}
        </button>
      )}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </div>
  );
}
