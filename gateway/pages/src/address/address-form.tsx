import { type FormEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Spinner } from '../ui/parts.tsx';
import { type AddressField, type AddressProblems, type Entered, nothingEntered } from './address.ts';
import { countries, rulesOf } from './country-rules.ts';
import { shownLanguage, t } from '../language/catalogue.ts';

/** The country in which the reader's browser is set up, as a first guess. */
const guessedCountry = (): string => new Intl.Locale(navigator.language).maximize().region ?? '';

const autoCompletes: Readonly<Record<AddressField, string>> = {
  countryCode: 'shipping country',
  name: 'shipping name',
  line1: 'shipping address-line1',
  line2: 'shipping address-line2',
  postalCode: 'shipping postal-code',
  city: 'shipping address-level2',
  region: 'shipping address-level1',
  phone: 'shipping tel',
};

const labelOf = (field: AddressField): string => t().address[field === 'countryCode' ? 'country' : field];

/** Asks for an address, with the fields that addresses of its country have. */
export function AddressForm({
  label,
  initial = nothingEntered,
  problems,
  busy,
  press,
  onSubmit,
  children,
}: {
  label: string;
  initial?: Entered;
  problems: AddressProblems;
  busy: boolean;
  press: string;
  onSubmit: (entered: Entered) => void;
  children?: ReactNode;
}) {
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const known = useMemo(countries, [shownLanguage()]);
  const [entered, setEntered] = useState<Entered>(() => ({
    ...initial,
    countryCode: initial.countryCode || guessedCountry(),
  }));
  const rules = rulesOf(entered.countryCode);
  const isAsked = (field: AddressField): boolean =>
    field === 'postalCode' ? rules.hasPostalCode : field === 'region' ? rules.hasRegion : true;
  const isRequired = (field: AddressField): boolean =>
    field === 'postalCode' ? rules.needsPostalCode : field === 'region' ? rules.needsRegion : !['line2', 'phone'].includes(field); // prettier-ignore

  // What was refused is where one goes on.
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [problems]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) onSubmit({ ...entered, ...(!rules.hasPostalCode && { postalCode: '' }), ...(!rules.hasRegion && { region: '' }) }); // prettier-ignore
  };
  const row = (field: AddressField) => {
    const text = labelOf(field);
    const choices =
      field === 'countryCode'
        ? known.map(({ code, name }) => [code, name] as const)
        : field === 'region'
          ? rules.regions.map(({ key, name }) => [key, name] as const)
          : [];
    const problem = problems[field];
    const common = {
      id: `${id}-${field}`,
      required: isRequired(field),
      autoComplete: autoCompletes[field],
      value: entered[field],
      'aria-invalid': problem === undefined ? undefined : true,
      'aria-describedby': problem === undefined ? undefined : `${id}-${field}-problem`,
      onChange: ({ target }: { target: { value: string } }) => setEntered({ ...entered, [field]: target.value }),
    } as const;
    return (
      <div key={field} className={`field of-${field}`}>
        <label htmlFor={`${id}-${field}`}>
          {field === 'region' && !rules.needsRegion ? t().address.optional(text) : text}
        </label>
        {choices.length > 0 ? (
          <select {...common}>
            {!choices.some(([value]) => value === entered[field]) && <option value="">{t().address.choose}</option>}
            {choices.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        ) : (
          <input {...common} type={field === 'phone' ? 'tel' : 'text'} />
        )}
        {problem !== undefined && (
          <p id={`${id}-${field}-problem`} className="small problem">
            {problem}
          </p>
        )}
      </div>
    );
  };
  return (
    <form className="form address-form" onSubmit={submit} aria-label={label} ref={form}>
      {row('countryCode')}
      {row('name')}
      {row('line1')}
      {row('line2')}
      <div className="places">{rules.places.filter(isAsked).map(row)}</div>
      {row('phone')}
      {children}
      <button className="button quiet" disabled={busy}>
        {busy && <Spinner />}
        {press}
      </button>
    </form>
  );
}
