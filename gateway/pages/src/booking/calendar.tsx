import { type RefObject, useCallback, useEffect, useRef } from 'react';
import { addDays, addMonths, daysOf, formatDay, formatMonth, monthOf, weekdays } from './dates.ts';
import { t } from '../language/catalogue.ts';

export type Stay = { readonly from: string | null; readonly to: string | null };

const fewLeft = 2;
/** As far ahead as the API takes bookings. */
const farthestDays = 731;

/** How far a key moves in the grid of days. */
const moves: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

/** The day to which a key leads; null where it leads nowhere. */
function dayAt(day: string, key: string): string | null {
  const by = moves[key];
  if (by !== undefined) return addDays(day, by);
  const months = { PageUp: -1, PageDown: 1 }[key];
  if (months === undefined) return null;
  const { days } = daysOf(addMonths(monthOf(day), months));
  return days[Math.min(Number(day.slice(8)), days.length) - 1] ?? null;
}

/** Keys that lead from day to day, also into another month. */
function useDayKeys({
  grid,
  month,
  earliest,
  onMonth,
}: {
  grid: RefObject<HTMLDivElement | null>;
  month: string;
  earliest: string;
  onMonth: (month: string) => void;
}) {
  const wanted = useRef<string | null>(null);
  const focus = useCallback(
    (day: string) => grid.current?.querySelector<HTMLButtonElement>(`[data-day="${day}"]`)?.focus(),
    [grid],
  );
  // A key has led into another month: its day is there now.
  useEffect(() => {
    if (wanted.current === null) return;
    focus(wanted.current);
    wanted.current = null;
  }, [month, focus]);
  return (event: React.KeyboardEvent<HTMLButtonElement>, day: string) => {
    const to = dayAt(day, event.key);
    if (to === null) return;
    event.preventDefault();
    if (to < `${monthOf(earliest)}-01` || to > addDays(earliest, farthestDays)) return;
    if (monthOf(to) === month) {
      focus(to);
      return;
    }
    wanted.current = to;
    onMonth(monthOf(to));
  };
}

/**
 * A month of nights with the rooms that are left. The first press is the arrival, the second the departure; arrow keys
 * move between days, Page Up and Page Down between months.
 */
export function Calendar({
  month,
  stay,
  left,
  today,
  capacity,
  rooms,
  onMonth,
  onStay,
}: {
  month: string;
  stay: Stay;
  left: ReadonlyMap<string, number> | null;
  /** The shop's date: no night before it can be booked. Null while it is not known. */
  today: string | null;
  capacity: number;
  rooms: number;
  onMonth: (month: string) => void;
  onStay: (stay: Stay) => void;
}) {
  const grid = useRef<HTMLDivElement>(null);
  const { days, before } = daysOf(month);
  const earliest = today ?? `${month}-01`;
  const leaving = stay.from !== null && stay.to === null;

  const choose = (day: string) => {
    if (leaving && stay.from !== null && day > stay.from) onStay({ from: stay.from, to: day });
    else onStay({ from: day, to: null });
  };
  // The day of departure is no night: it may be one that is full.
  const possible = (day: string): boolean =>
    today !== null &&
    day >= today &&
    day <= addDays(today, farthestDays) &&
    ((left?.get(day) ?? 0) >= rooms || (leaving && stay.from !== null && day > stay.from));

  const move = useDayKeys({ grid, month, earliest, onMonth });

  const reachable = stay.from !== null && monthOf(stay.from) === month ? stay.from : days.find(possible);
  return (
    <div className="calendar">
      <div className="calendar-head">
        <button
          type="button"
          className="button quiet"
          aria-label={t().booking.monthBefore}
          disabled={month <= monthOf(earliest)}
          onClick={() => onMonth(addMonths(month, -1))}
        >
          ‹
        </button>
        <h2 aria-live="polite">{formatMonth(month)}</h2>
        <button
          type="button"
          className="button quiet"
          aria-label={t().booking.monthAfter}
          disabled={month >= monthOf(addDays(earliest, farthestDays))}
          onClick={() => onMonth(addMonths(month, 1))}
        >
          ›
        </button>
      </div>
      <div className="days" role="group" aria-label={t().booking.nightsIn(formatMonth(month))} ref={grid}>
        {weekdays().map((name) => (
          <span key={name} className="small muted" aria-hidden="true">
            {name}
          </span>
        ))}
        {Array.from({ length: before }, (_, index) => (
          <span key={index} />
        ))}
        {days.map((day) => (
          <Day
            key={day}
            day={day}
            // Of a night that is over nothing is left to say.
            left={today !== null && day < today ? null : (left?.get(day) ?? null)}
            capacity={capacity}
            possible={possible(day)}
            past={today !== null && day < today}
            chosen={isIn(day, stay)}
            edge={day === stay.from || day === stay.to}
            reachable={day === reachable}
            onChoose={() => choose(day)}
            onKey={(event) => move(event, day)}
          />
        ))}
      </div>
      <p className="small muted legend">
        <s>12</s> {t().booking.fullOrOver}
      </p>
    </div>
  );
}

const isIn = (day: string, { from, to }: Stay): boolean =>
  from !== null && (to === null ? day === from : day >= from && day <= to);

function Day({
  day,
  left,
  capacity,
  possible,
  past,
  chosen,
  edge,
  reachable,
  onChoose,
  onKey,
}: {
  day: string;
  left: number | null;
  capacity: number;
  possible: boolean;
  past: boolean;
  chosen: boolean;
  edge: boolean;
  reachable: boolean;
  onChoose: () => void;
  onKey: (event: React.KeyboardEvent<HTMLButtonElement>) => void;
}) {
  const few = left !== null && left > 0 && left <= fewLeft && left < capacity;
  const words = left === null ? '' : left === 0 ? `, ${t().booking.full}` : `, ${t().booking.left(left)}`;
  return (
    <button
      type="button"
      data-day={day}
      className={[chosen ? 'chosen' : '', edge ? 'edge' : '', left === 0 ? 'full' : '', past ? 'past' : ''].join(' ')}
      aria-pressed={edge}
      // Days that can't be chosen stay reachable for arrow keys.
      aria-disabled={!possible}
      tabIndex={reachable ? 0 : -1}
      onClick={() => {
        if (possible) onChoose();
      }}
      onKeyDown={onKey}
    >
      <span className="hidden-visually">{`${formatDay(day)}${words}`}</span>
      <span aria-hidden="true">{Number(day.slice(8))}</span>
      {few && (
        <span className="few" aria-hidden="true">
          {t().booking.left(left)}
        </span>
      )}
    </button>
  );
}
