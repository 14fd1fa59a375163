import { useState } from 'react';
import { useQuery } from 'urql';
import { NightsDocument, type NightsQuery, ShopDateDocument } from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { locale } from '../../language/catalogue.ts';
import { Loading, Problem } from '../../ui/parts.tsx';

type Night = NonNullable<NightsQuery['product']>['availability'][number];

const shownDays = 35;
const dayMs = 86_400_000;

const daysAfter = (date: string, days: number): string =>
  new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);

const dayText = (date: string): string =>
  new Date(`${date}T00:00:00Z`).toLocaleDateString(locale(), {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  });

/** How the rooms of a place to stay are booked, five weeks at a time. */
export function Nights({ productId }: { productId: string }) {
  const [{ data }] = useQuery({ query: ShopDateDocument });
  return (
    <section className="card" aria-labelledby="nights-title">
      {data === undefined ? (
        <Loading text="Asking what day it is in the shop…" />
      ) : (
        <Weeks productId={productId} today={data.shopDate} />
      )}
    </section>
  );
}

function Weeks({ productId, today }: { productId: string; today: string }) {
  const [from, setFrom] = useState(today);
  const [{ data, error, fetching }, again] = useQuery({
    query: NightsDocument,
    variables: { id: productId, from, to: daysAfter(from, shownDays) },
    requestPolicy: 'cache-and-network',
  });
  const nights = data?.product?.availability ?? [];
  return (
    <>
      <div className="card-head">
        <h2 id="nights-title">Nights</h2>
        <div className="choices">
          <button
            type="button"
            className="link"
            disabled={fetching}
            onClick={() => setFrom(daysAfter(from, -shownDays))}
          >
            ← Earlier
          </button>
          <button
            type="button"
            className="link"
            disabled={fetching}
            onClick={() => setFrom(daysAfter(from, shownDays))}
          >
            Later →
          </button>
        </div>
      </div>
      {data === undefined && error !== undefined && (
        <Problem
          what="The nights can’t be shown."
          why={toApiError(error).message}
          onRetry={() => again({ requestPolicy: 'network-only' })}
        />
      )}
      {data === undefined && error === undefined && <Loading text="Loading the nights…" />}
      <ol className="nights">
        {nights.map((night) => (
          <NightCell key={night.date} night={night} />
        ))}
      </ol>
    </>
  );
}

const NightCell = ({ night }: { night: Night }) => (
  <li className={night.available === 0 ? 'full' : night.sold + night.held > 0 ? 'some' : ''}>
    <time dateTime={night.date} className="small">
      {dayText(night.date)}
    </time>
    <strong>
      {night.available} of {night.capacity} free
    </strong>
    <span className="small muted">
      {night.sold} sold{night.held > 0 && `, ${night.held} held`}
    </span>
  </li>
);
