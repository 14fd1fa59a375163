import { useSearchParams } from 'wouter';
import { ToStart } from '../ui/more.tsx';
import { Empty, Skeleton, useTitle } from '../ui/parts.tsx';
import { useListPlace, withoutPlace } from '../ui/use-list-place.ts';
import { useCategories } from './categories.tsx';
import { Filters, choiceOf, queryOf } from './filters.tsx';
import { ShelfPages } from './shelf.tsx';
import { t } from '../language/catalogue.ts';

/** The shop: search, filters, and what is on sale. The choice is in the address, so it can be kept and shared. */
export function ShopPage() {
  const [params, setParams] = useSearchParams();
  const choice = choiceOf(params);
  const place = useListPlace();
  const categories = useCategories();
  const query = queryOf(choice, categories);
  useTitle(categories.find(({ slug }) => slug === choice.category)?.name ?? t().frame.shop);
  return (
    <>
      <section className="hero">
        <h1>{t().shop.title}</h1>
        <p className="lead">{t().shop.lead}</p>
      </section>
      <section aria-labelledby="products-title">
        <h2 id="products-title" className="hidden-visually">
          {t().shop.products}
        </h2>
        <Filters
          choice={choice}
          onChange={(changed) =>
            setParams(
              (known) => {
                const next = withoutPlace(known);
                for (const [name, value] of Object.entries(changed)) {
                  if (value === '') next.delete(name);
                  else next.set(name, value);
                }
                return next;
              },
              { replace: true },
            )
          }
        />
        {query === null ? (
          <Skeleton count={8} className="products" label={t().shop.loadingProducts} />
        ) : (
          <>
            <ToStart place={place} label={t().shop.toStart} />
            <ShelfPages
              key={JSON.stringify([query, place.from])}
              query={query}
              after={place.from}
              pages={place.pages}
              onMore={place.goOn}
              empty={
                <NothingFound
                  isSearch={withoutPlace(params).size > 0}
                  onClear={() => setParams({}, { replace: true })}
                />
              }
            />
          </>
        )}
      </section>
    </>
  );
}

function NothingFound({ isSearch, onClear }: { isSearch: boolean; onClear: () => void }) {
  if (!isSearch) return <Empty title={t().shop.stillEmpty} />;
  return (
    <Empty title={t().shop.nothingFound}>
      <p className="muted">{t().shop.nothingFits}</p>
      <button type="button" className="button quiet" onClick={onClear}>
        {t().shop.showEverything}
      </button>
    </Empty>
  );
}
