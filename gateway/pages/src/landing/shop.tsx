import { useEffect, useRef, useState } from 'react';
import { ApiError, newIdempotencyKey, request } from '../api.ts';
import { formatMoney } from '../format.ts';
import { Picture } from '../frame.tsx';
import * as operations from '../operations.ts';
import { currentSession, requestAsUser } from '../session.ts';
import { SignInDialog } from '../sign-in.tsx';
import type { ProductNode } from '../types.ts';

const shownProducts = 24;
/** Stock moves while one looks; looking again this often is cheap. */
const refreshMs = 10_000;
const fewLeft = 5;

/** The products with live stock; one of anything can be ordered right here. */
export function Shop() {
  const [products, setProducts] = useState<ProductNode[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    let gone = false;
    const load = async () => {
      if (document.visibilityState === 'hidden') return;
      try {
        const answer = await request(operations.products, { first: shownProducts, filter: { status: ['ON_SALE'] } });
        if (gone) return;
        setProducts(answer.products.edges.map((edge) => edge.node));
        setProblem(null);
      } catch (error) {
        if (!gone) setProblem((error as Error).message);
      }
    };
    void load();
    const timer = setInterval(() => void load(), refreshMs);
    const look = () => void load();
    document.addEventListener('visibilitychange', look);
    return () => {
      gone = true;
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);

  return (
    <section id="shop" aria-labelledby="shop-title">
      <div className="section-head">
        <h2 id="shop-title">The shop</h2>
        <span className="muted small">Prices and stock as the API tells them now</span>
      </div>
      <Purchase>
        {(buy, busyId) => (
          <>
            {problem !== null && products === null && (
              <p className="notice bad" role="alert">
                The products can’t be shown: {problem}
              </p>
            )}
            {products === null && problem === null && <p className="muted">Loading products…</p>}
            {products?.length === 0 && <p className="notice">Nothing is on sale yet.</p>}
            <ul className="products">
              {products?.map((product) => (
                <ProductCard
                  key={product.id}
                  product={product}
                  busy={busyId === product.id}
                  onBuy={() => buy(product)}
                />
              ))}
            </ul>
          </>
        )}
      </Purchase>
    </section>
  );
}

function ProductCard({ product, busy, onBuy }: { product: ProductNode; busy: boolean; onBuy: () => void }) {
  const { name, subtitle, price, marketPrice, stock, kind } = product;
  const soldOut = stock !== null && stock.available <= 0;
  return (
    <li className="card product">
      <Picture cover={product.cover} name={name} />
      <div className="text">
        <h3>{name}</h3>
        {subtitle !== null && <p className="small muted subtitle">{subtitle}</p>}
        <p className="price">
          <strong>{formatMoney(price)}</strong>
          {marketPrice !== null && marketPrice.amount > price.amount && (
            <s className="small muted">
              <span className="hidden-visually">instead of </span>
              {formatMoney(marketPrice)}
            </s>
          )}
        </p>
        {kind === 'BOOKABLE' ? (
          <p className="small muted">Booked by the night</p>
        ) : (
          <p className="small">
            <Stock available={kind === 'DIGITAL' ? null : (stock?.available ?? null)} />
          </p>
        )}
        {kind !== 'BOOKABLE' && (
          <button
            type="button"
            className="button quiet"
            disabled={soldOut || busy}
            onClick={onBuy}
            aria-label={`Buy one: ${name}`}
          >
            {busy ? 'Placing…' : 'Buy one'}
          </button>
        )}
      </div>
    </li>
  );
}

function Stock({ available }: { available: number | null }) {
  if (available === null) return <span className="badge">Available at once</span>;
  if (available <= 0) return <span className="badge bad">Sold out</span>;
  if (available <= fewLeft) return <span className="badge wait">Only {available} left</span>;
  return <span className="badge good">{available} in stock</span>;
}

/** Places an order of one and goes to its payment page; asks to sign in first when needed. */
function Purchase({
  children,
}: {
  children: (buy: (product: ProductNode) => void, busyId: string | null) => React.ReactNode;
}) {
  const [wanted, setWanted] = useState<ProductNode | null>(null);
  const [busyId, setBusyId] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // One key for one wish: a try after a lost answer must not order twice.
  const wish = useRef<{ productId: string; key: string } | null>(null);

  async function place(product: ProductNode) {
    if (wish.current?.productId !== product.id) wish.current = { productId: product.id, key: newIdempotencyKey() };
    setBusyId(product.id);
    setProblem(null);
    try {
      const { placeOrder } = await requestAsUser(operations.placeOrder, {
        input: {
          currency: product.price.currency,
          lines: [{ productId: product.id, quantity: 1, expectedUnitPrice: product.price.amount }],
        },
        idempotencyKey: wish.current.key,
      });
      wish.current = null;
      const [refusal] = placeOrder.userErrors;
      if (refusal !== undefined || placeOrder.order === null) {
        setProblem(refusal?.message ?? 'The order could not be placed.');
      } else {
        location.assign(`/pay/${placeOrder.order.id}`);
        return;
      }
    } catch (error) {
      if (error instanceof ApiError && error.code === 'UNAUTHENTICATED') setWanted(product);
      else setProblem((error as Error).message);
    }
    setBusyId(null);
  }

  const buy = (product: ProductNode) => {
    if (currentSession() === null) setWanted(product);
    else void place(product);
  };

  return (
    <>
      <div role="alert" className="toast">
        {problem !== null && <p className="notice bad">{problem}</p>}
      </div>
      {children(buy, busyId)}
      {wanted !== null && (
        <SignInDialog
          reason={`To order “${wanted.name}”.`}
          onClose={() => setWanted(null)}
          onDone={() => {
            setWanted(null);
            void place(wanted);
          }}
        />
      )}
    </>
  );
}
