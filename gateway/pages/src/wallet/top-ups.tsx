import { useQuery } from 'urql';
import { ProductsDocument } from '../../../../schema/generated/operations.ts';
import { usePlaceOrder } from '../cart/use-place-order.ts';
import { formatMoney } from '../format.ts';
import type { ShelfProduct } from '../types.ts';
import { Spinner } from '../ui/parts.tsx';
import { isTopUp } from './top-up.ts';
import { t } from '../language/catalogue.ts';
import { refusalText } from '../language/refusals.ts';

const most = 10;

/** The amounts that can be bought for the wallet, where the shop sells any. */
export function TopUps() {
  const [{ data }] = useQuery({
    query: ProductsDocument,
    variables: {
      first: most,
      filter: { status: ['ON_SALE'], kind: ['DIGITAL'], query: 'TOPUP' },
      orderBy: { by: 'PRICE', direction: 'ASC' },
    },
  });
  const { busy, problem, refusal, place } = usePlaceOrder('top-up');
  const offers = data?.products.edges.map((edge) => edge.node).filter(isTopUp) ?? [];
  if (offers.length === 0) return null;

  const buy = ({ id, price }: ShelfProduct) =>
    place(
      {
        type: 'TOPUP',
        currency: price.currency,
        lines: [{ productId: id, quantity: 1, expectedUnitPrice: price.amount }],
      },
      () => undefined,
    );
  return (
    <section className="card form top-ups" aria-labelledby="top-up-title">
      <h2 id="top-up-title">{t().wallet.topUp}</h2>
      <div className="chips">
        {offers.map((offer) => (
          <button
            key={offer.id}
            type="button"
            className="button quiet"
            disabled={busy}
            onClick={() => void buy(offer)}
            aria-label={t().wallet.topUpBy(formatMoney(offer.price))}
          >
            {busy && <Spinner />}
            {formatMoney(offer.price)}
          </button>
        ))}
      </div>
      <div role="alert">
        {(problem ?? refusal) !== null && (
          <p className="notice bad">{problem ?? (refusal === null ? '' : refusalText(refusal))}</p>
        )}
      </div>
    </section>
  );
}
