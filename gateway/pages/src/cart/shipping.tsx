import { useId } from 'react';
import { formatMoney } from '../format.ts';
import type { Quote } from '../types.ts';
import { type Address, AddressForm } from './address-form.tsx';

type Option = Quote['shippingOptions'][number];

function daysText({ minDays, maxDays }: Option): string {
  if (maxDays === null) return minDays === null ? '' : `, from ${minDays} days`;
  return minDays === null || minDays === maxDays
    ? `, ${maxDays} ${maxDays === 1 ? 'day' : 'days'}`
    : `, ${minDays}–${maxDays} days`;
}

/** Where it goes and how, for a shop that has shipping methods and a cart with something to ship. */
export function Shipping({
  quote,
  shipTo,
  onShipTo,
  method,
  onMethod,
}: {
  quote: Quote;
  shipTo: Address | null;
  onShipTo: (address: Address | null) => void;
  /** The one that was chosen; null for the one that the quote has. */
  method: string | null;
  onMethod: (code: string) => void;
}) {
  const name = useId();
  const refused = quote.userErrors.filter(({ path }) => path?.[1]?.startsWith('shipping'));
  // A shop without methods asks for no address, and a quote that lacks nothing but one says so.
  if (quote.shippingOptions.length === 0 && refused.length === 0 && shipTo === null) return null;
  const problems = shipTo === null ? [] : refused;
  return (
    <div className="form">
      <AddressForm shipTo={shipTo} onShipTo={onShipTo} />
      <div role="alert">
        {problems.map(({ message }) => (
          <p key={message} className="notice bad">
            {message}
          </p>
        ))}
      </div>
      {quote.shippingOptions.length > 0 && (
        <fieldset className="chips">
          <legend>Shipping</legend>
          {quote.shippingOptions.map((option) => (
            <label key={option.code}>
              <input
                type="radio"
                name={name}
                checked={(method ?? quote.shipping?.code) === option.code}
                onChange={() => onMethod(option.code)}
              />
              <span>
                {option.name}, {formatMoney(option.price)}
                {daysText(option)}
              </span>
            </label>
          ))}
        </fieldset>
      )}
    </div>
  );
}
