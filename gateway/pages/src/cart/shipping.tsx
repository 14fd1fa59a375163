import { useId } from 'react';
import { sortedProblems } from '../address/address.ts';
import { type Destination, DestinationChoice } from '../address/destination.tsx';
import { formatMoney } from '../format.ts';
import type { Quote } from '../types.ts';
import { t } from '../language/catalogue.ts';

type Option = Quote['shippingOptions'][number];

function daysText({ minDays, maxDays }: Option): string {
  if (maxDays === null) return minDays === null ? '' : t().cart.fromDays(minDays);
  return minDays === null || minDays === maxDays ? t().cart.days(maxDays) : t().cart.dayRange(minDays, maxDays);
}

/** Where it goes and how, for a shop that has shipping methods and a cart with something to ship. */
export function Shipping({
  quote,
  destination,
  onDestination,
  method,
  onMethod,
}: {
  quote: Quote;
  destination: Destination;
  onDestination: (destination: Destination) => void;
  /** The one that was chosen; null for the one that the quote has. */
  method: string | null;
  onMethod: (code: string) => void;
}) {
  const name = useId();
  const refused = quote.userErrors.filter(({ path }) => path?.[1]?.startsWith('shipping'));
  // A shop without methods asks for no address, and a quote that lacks nothing but one says so.
  if (quote.shippingOptions.length === 0 && refused.length === 0 && destination === null) return null;
  const { fields, rest } = sortedProblems(destination === null ? [] : refused);
  return (
    <section className="part" aria-labelledby={`${name}-title`}>
      <h2 id={`${name}-title`}>{t().cart.delivery}</h2>
      <DestinationChoice destination={destination} problems={fields} onChange={onDestination} />
      <div role="alert">
        {[...new Set([...rest, ...(fields.countryCode === undefined ? [] : [fields.countryCode])])].map((message) => (
          <p key={message} className="notice bad">
            {message}
          </p>
        ))}
      </div>
      {quote.shippingOptions.length > 0 && (
        <fieldset className="methods">
          <legend className="hidden-visually">{t().cart.shipping}</legend>
          {quote.shippingOptions.map((option) => (
            <label key={option.code} className="check">
              <input
                type="radio"
                name={name}
                checked={(method ?? quote.shipping?.code) === option.code}
                onChange={() => onMethod(option.code)}
              />
              <span>
                {option.name}
                <span className="small muted">{daysText(option)}</span>
              </span>
              <span className="amount">{option.price.amount === 0 ? t().cart.free : formatMoney(option.price)}</span>
            </label>
          ))}
        </fieldset>
      )}
    </section>
  );
}
