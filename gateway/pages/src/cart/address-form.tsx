import { type FormEvent, useId, useState } from 'react';
import type { QuoteOrderQueryVariables } from '../../../../schema/generated/operations.ts';

export type Address = NonNullable<QuoteOrderQueryVariables['input']['shippingAddress']>;

type Entered = { name: string; line1: string; postalCode: string; city: string; region: string; countryCode: string };

const nothing: Entered = { name: '', line1: '', postalCode: '', city: '', region: '', countryCode: '' };
const fields: readonly [field: keyof Entered, label: string, autoComplete: string, isRequired: boolean][] = [
  ['name', 'Recipient', 'shipping name', true],
  ['line1', 'Street and number', 'shipping address-line1', true],
  ['postalCode', 'Postal code', 'shipping postal-code', false],
  ['city', 'City', 'shipping address-level2', true],
  ['region', 'State or region, where addresses have one', 'shipping address-level1', false],
  ['countryCode', 'Country code, e.g. DE', 'shipping country', true],
];

/** Asks where the order goes. Which fields a country needs the server says. */
export function AddressForm({
  shipTo,
  onShipTo,
}: {
  shipTo: Address | null;
  onShipTo: (address: Address | null) => void;
}) {
  const id = useId();
  const [entered, setEntered] = useState(nothing);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { postalCode, region, countryCode, ...rest } = entered;
    onShipTo({
      ...rest,
      countryCode: countryCode.trim().toUpperCase(),
      ...(postalCode.trim() !== '' && { postalCode }),
      ...(region.trim() !== '' && { region }),
    });
  };
  if (shipTo !== null) {
    return (
      <p>
        Ship to {shipTo.name}, {shipTo.line1}, {shipTo.postalCode ?? ''} {shipTo.city}, {shipTo.countryCode}.{' '}
        <button type="button" className="link" onClick={() => onShipTo(null)}>
          Change the address
        </button>
      </p>
    );
  }
  return (
    <form className="form" onSubmit={submit} aria-label="Where it is shipped to">
      <p className="small muted">Left empty, it goes to the default address of your address book.</p>
      {fields.map(([field, label, autoComplete, isRequired]) => (
        <div key={field} className="field">
          <label htmlFor={`${id}-${field}`}>{label}</label>
          <input
            id={`${id}-${field}`}
            required={isRequired}
            autoComplete={autoComplete}
            value={entered[field]}
            onChange={({ target }) => setEntered({ ...entered, [field]: target.value })}
          />
        </div>
      ))}
      <button className="button quiet">Ship to this address</button>
    </form>
  );
}
