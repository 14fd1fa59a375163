import { useEffect, useId, useState } from 'react';
import type { ProductQuery } from '../../../../schema/generated/operations.ts';
import { SignInDialog } from '../account/sign-in-dialog.tsx';
import { usePlaceOrder } from '../cart/use-place-order.ts';
import { formatMoney } from '../format.ts';
import { useSession } from '../session.ts';
import type { PlaceOrderRefusal } from '../types.ts';
import { Problem, Spinner } from '../ui/parts.tsx';
import { Stepper } from '../ui/stepper.tsx';
import { Calendar, type Stay } from './calendar.tsx';
import { formatDay, monthOf, nightsBetween, readersToday } from './dates.ts';
import { addOnBasis, estimate, estimateParts } from './price.ts';
import { useAvailability } from './use-availability.ts';
import { t } from '../language/catalogue.ts';
import { refusalText } from '../language/refusals.ts';

type Product = NonNullable<ProductQuery['product']>;

/** Dates, guests and extras of a stay; books it and goes to its payment page. */
export function BookingForm({ product, onChanged }: { product: Product; onChanged: () => void }) {
  const session = useSession();
  // Until the server has said what day it is in the shop, the reader's own month is the best guess.
  const [chosenMonth, setMonth] = useState<string | null>(null);
  const month = chosenMonth ?? monthOf(readersToday());
  const [stay, setStay] = useState<Stay>({ from: null, to: null });
  const [rooms, setRooms] = useState(1);
  const [guests, setGuests] = useState(1);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [asking, setAsking] = useState(false);
  const { left, today, problem: unknown, refresh } = useAvailability(product.id, month);
  useEffect(() => {
    if (today !== null) setMonth((one) => one ?? monthOf(today));
  }, [today]);
  const { busy, problem, again, refusal, forget, place } = usePlaceOrder(`book-${product.id}`);
  const mostRooms = product.capacity ?? 1;
  const mostGuests = (product.maxGuests ?? 1) * rooms;
  const counted = Math.min(guests, mostGuests);

  const book = async (from: string, to: string) => {
    await place(
      {
        type: 'BOOKING',
        currency: product.price.currency,
        lines: [
          {
            productId: product.id,
            quantity: rooms,
            stayFrom: from,
            stayTo: to,
            guests: counted,
            addOns: [...chosen],
            expectedUnitPrice: product.price.amount,
          },
        ],
      },
      () => undefined,
    );
    refresh();
  };
  const start = () => {
    if (session === null) setAsking(true);
    else if (stay.from !== null && stay.to !== null) void book(stay.from, stay.to);
  };
  const change = (changed: Stay) => {
    forget();
    setStay(changed);
  };

  return (
    <div className="form booking">
      {unknown !== null && <Problem what={t().booking.unshown} why={unknown} onRetry={refresh} />}
      <Calendar
        month={month}
        stay={stay}
        left={left}
        today={today}
        capacity={mostRooms}
        rooms={rooms}
        onMonth={setMonth}
        onStay={change}
      />
      <div className="how-many">
        {mostRooms > 1 && <Count label={t().booking.rooms} value={rooms} max={mostRooms} onChange={setRooms} />}
        <Count label={t().booking.guests} value={counted} max={mostGuests} onChange={setGuests} />
      </div>
      <Extras addOns={product.addOns} chosen={chosen} onChange={setChosen} />
      <Summary product={product} stay={stay} rooms={rooms} guests={counted} chosen={chosen} />
      {refusal !== null && (
        <BookingRefusal
          refusal={refusal}
          onPriceSeen={() => {
            forget();
            onChanged();
          }}
        />
      )}
      <div role="alert">
        {problem !== null && (
          <p className="notice bad">
            {problem}
            {again && t().booking.repeats}
          </p>
        )}
      </div>
      <button type="button" className="button" disabled={busy || stay.to === null} onClick={start}>
        {busy && <Spinner />}
        {busy ? t().booking.booking : t().booking.book}
      </button>
      {asking && (
        <SignInDialog
          reason={t().booking.toBook}
          onClose={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            if (stay.from !== null && stay.to !== null) void book(stay.from, stay.to);
          }}
        />
      )}
    </div>
  );
}

const Extras = ({
  addOns,
  chosen,
  onChange,
}: {
  addOns: Product['addOns'];
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}) =>
  addOns.map(({ code, ...addOn }) => (
    <label key={code} className="check">
      <input
        type="checkbox"
        checked={chosen.includes(code)}
        onChange={(event) => onChange(event.target.checked ? [...chosen, code] : chosen.filter((one) => one !== code))}
      />
      <span>
        {addOn.name}
        <span className="small muted">
          {formatMoney(addOn.unitPrice)} {t().booking.forBasis(addOnBasis(addOn))}
        </span>
      </span>
    </label>
  ));

function Count(props: { label: string; value: number; max: number; onChange: (value: number) => void }) {
  const id = useId();
  return (
    <div role="group" aria-labelledby={id}>
      <p id={id} className="small muted">
        {props.label}
      </p>
      <Stepper {...props} />
    </div>
  );
}

function Summary({
  product,
  stay: { from, to },
  rooms,
  guests,
  chosen,
}: {
  product: Product;
  stay: Stay;
  rooms: number;
  guests: number;
  chosen: readonly string[];
}) {
  if (from === null) return <p className="muted">{t().booking.chooseArrival}</p>;
  if (to === null) return <p className="muted">{t().booking.chooseDeparture(formatDay(from))}</p>;
  const nights = nightsBetween(from, to);
  const counted = { nights, rooms, guests, chosen };
  return (
    <dl className="totals" aria-live="polite">
      {estimateParts(product, counted).map(({ name, times, unit, total }) => (
        <div key={name ?? ''} className="small muted">
          <dt>
            {name ?? t().booking.nightsTimes}: {times} × {formatMoney(unit)}
          </dt>
          <dd>{formatMoney(total)}</dd>
        </div>
      ))}
      <div>
        <dt>
          {formatDay(from)} – {formatDay(to)} <span className="small muted nights">{t().booking.nights(nights)}</span>
        </dt>
        <dd className="large">{formatMoney(estimate(product, counted))}</dd>
      </div>
    </dl>
  );
}

function BookingRefusal({ refusal, onPriceSeen }: { refusal: PlaceOrderRefusal; onPriceSeen: () => void }) {
  if (refusal.__typename === 'InsufficientStockError') {
    const nights = refusal.shortages.map(({ night, available }) =>
      night === null ? '' : `${formatDay(night)} (${available === 0 ? t().booking.full : t().booking.left(available)})`,
    );
    return (
      <p className="notice bad" role="alert">
        <strong>{t().booking.faster}</strong> {t().booking.tooFew(nights.join(', '))}
      </p>
    );
  }
  if (refusal.__typename === 'PriceChangedError') {
    return (
      <div className="notice wait" role="alert">
        <p>
          <strong>{t().booking.priceChanged}</strong> {t().booking.nightCosts(formatMoney(refusal.actual))}
        </p>
        <button type="button" className="button quiet" onClick={onPriceSeen}>
          {t().booking.goOn}
        </button>
      </div>
    );
  }
  return (
    <p className="notice bad" role="alert">
      {refusalText(refusal)}
    </p>
  );
}
