import { useState } from 'react';
import { SignInDialog } from '../account/sign-in-dialog.tsx';
import { type Destination, destinationInput } from '../address/destination.tsx';
import { formatMoney } from '../format.ts';
import { useSession } from '../session.ts';
import { Problem, Spinner } from '../ui/parts.tsx';
import { useKept } from '../ui/use-kept.ts';
import { type CartLine, removeFromCart } from './cart.ts';
import { Coupons } from './coupons.tsx';
import { QuoteTotals } from './quote-totals.tsx';
import { Refusal } from './refusal.tsx';
import { Remark } from './remark.tsx';
import { Shipping } from './shipping.tsx';
import type { CartProducts } from './use-cart-products.ts';
import { usePlaceOrder } from './use-place-order.ts';
import { useQuote } from './use-quote.ts';
import { t } from '../language/catalogue.ts';

const noCodes: readonly string[] = [];

/** Orders all lines of one currency. The server prices the order; a price other than the one shown is refused. */
export function Checkout({
  currency,
  lines,
  products,
  onChanged,
}: {
  currency: string;
  lines: readonly CartLine[];
  products: CartProducts;
  onChanged: () => Promise<void>;
}) {
  const session = useSession();
  const [asking, setAsking] = useState(false);
  const { busy, problem, again, refusal, forget, place } = usePlaceOrder(`place-order-${currency}`);
  const owner = session?.user.id ?? '';
  const [destination, setDestination] = useKept<Destination>(`destination:${currency}`, owner, null);
  const [remark, setRemark] = useKept(`remark:${currency}`, owner, '');
  const [shippingMethod, setShippingMethod] = useState<string | null>(null);
  const [codes, setCodes] = useKept<readonly string[]>(`coupons:${currency}`, owner, noCodes);
  const priceOf = ({ productId }: Pick<CartLine, 'productId'>) => products.get(productId)?.price.amount ?? 0;
  const amount = lines.reduce((sum, line) => sum + priceOf(line) * line.quantity, 0);
  const pieces = lines.reduce((sum, line) => sum + line.quantity, 0);

  const asked = {
    currency,
    lines: lines.map(({ productId, quantity }) => ({ productId, quantity, expectedUnitPrice: priceOf({ productId }) })),
    ...destinationInput(destination),
    ...(shippingMethod !== null && { shippingMethod }),
    ...(codes.length > 0 && { couponCodes: [...codes] }),
  };
  const { quote, problem: unquoted, current, refresh } = useQuote(asked);

  const order = async () => {
    await place(
      // The total belongs to what the idempotency key stands for: it is the same when the order is sent again.
      async () => ({
        ...asked,
        ...(remark.trim() !== '' && { remark: remark.trim() }),
        expectedTotal: (await current()).total.amount,
      }),
      () => {
        removeFromCart(lines.map((line) => line.productId));
        setRemark('');
        setCodes(noCodes);
      },
    );
    // Whatever was refused, the page goes on with what is true now.
    refresh();
    await onChanged();
  };

  return (
    <section className="card form checkout" aria-label={t().cart.orderIn(currency)}>
      <dl className="totals">
        <div>
          <dt>{t().cart.pieces(pieces)}</dt>
          <dd className={quote === null ? 'large' : ''}>{formatMoney({ amount, currency })}</dd>
        </div>
      </dl>
      {unquoted !== null && <Problem what={t().cart.unquoted} why={unquoted} onRetry={refresh} />}
      {quote !== null && (
        <Shipping
          quote={quote}
          destination={destination}
          onDestination={setDestination}
          method={shippingMethod}
          onMethod={setShippingMethod}
        />
      )}
      {quote !== null && <Coupons quote={quote} codes={codes} onCodes={setCodes} />}
      <Remark value={remark} onChange={setRemark} />
      {quote !== null && <QuoteTotals quote={quote} />}
      {refusal !== null && <Refusal refusal={refusal} products={products} onMended={forget} />}
      <div role="alert">
        {problem !== null && (
          <p className="notice bad">
            {problem}
            {again && t().cart.repeats}
          </p>
        )}
      </div>
      <button
        type="button"
        className="button wide"
        disabled={busy}
        onClick={() => (session === null ? setAsking(true) : void order())}
      >
        {busy && <Spinner />}
        {busy ? t().cart.placing : t().cart.place}
      </button>
      <p className="small muted">{t().cart.stockIsYours}</p>
      {asking && (
        <SignInDialog
          reason={t().cart.toOrder}
          onClose={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            void order();
          }}
        />
      )}
    </section>
  );
}
