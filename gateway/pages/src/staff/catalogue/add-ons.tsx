import { Switch, TextField } from '../../ui/text-field.tsx';
import { AmountField } from '../amount-field.tsx';
import type { EnteredAddOn } from './product-fields.ts';

const mostAddOns = 20;

/** What can be ordered with a product. */
export function AddOns({
  addOns,
  currency,
  onChange,
}: {
  addOns: readonly EnteredAddOn[];
  currency: string;
  onChange: (addOns: EnteredAddOn[]) => void;
}) {
  const set = (index: number, changed: Partial<EnteredAddOn>) =>
    onChange(addOns.map((addOn, place) => (place === index ? { ...addOn, ...changed } : addOn)));
  return (
    <>
      {addOns.map((addOn, index) => (
        <fieldset key={index} className="rate">
          <legend className="hidden-visually">Add-on {index + 1}</legend>
          <div className="fields">
            <TextField label="Add-on" required maxLength={200} value={addOn.name} onChange={(name) => set(index, { name })} />
            <TextField label="Its code" required maxLength={32} pattern="[A-Za-z0-9._\-]+" value={addOn.code} onChange={(code) => set(index, { code })} />
            <AmountField label={`Its price, ${currency}`} required currency={currency} value={addOn.price} onChange={(price) => set(index, { price })} />
          </div>
          <div className="choices">
            <Switch label="For each guest" value={addOn.perPerson} onChange={(perPerson) => set(index, { perPerson })} />
            <Switch label="For each night" value={addOn.perNight} onChange={(perNight) => set(index, { perNight })} />
            <button type="button" className="link" onClick={() => onChange(addOns.filter((_, place) => place !== index))}>
              Take it away<span className="hidden-visually"> {addOn.name}</span>
            </button>
          </div>
        </fieldset>
      ))}
      {addOns.length < mostAddOns && (
        <p>
          <button type="button" className="link" onClick={() => onChange([...addOns, { code: '', name: '', price: '', perPerson: false, perNight: false }])}>
            Offer something with it
          </button>
        </p>
      )}
    </>
  );
} // prettier-ignore
