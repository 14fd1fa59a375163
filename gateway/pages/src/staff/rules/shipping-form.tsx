import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import { type PriceRulesQuery, SaveShippingMethodDocument } from '../../../../../schema/generated/operations.ts';
import { decimalText, isCurrency } from '../../../../../subgraphs/shared/values/currencies.ts';
import { perform } from '../../client.ts';
import { Switch, TextField } from '../../ui/text-field.tsx';
import { useDeed } from '../use-deed.ts';
import { AmountField, NumberField } from '../amount-field.tsx';
import { amountOf, optionalNumberOf, textOf } from './numbers.ts';
import { RuleButtons } from './rule-list.tsx';

type Method = PriceRulesQuery['shippingMethods'][number];
type Rate = { price: string; weight: string; subtotal: string };

const noRate: Rate = { price: '', weight: '', subtotal: '' };

/** A shipping method: where it goes, and what it costs. The first rate that fits counts. */
export function ShippingForm({
  method: shown,
  onSaved,
  onClose,
}: {
  method: Method | null;
  onSaved: () => void;
  onClose: () => void;
}) {
  const client = useClient();
  const { busy, problem, once } = useDeed(onSaved);
  // What is stored is compared with what the form was filled with.
  const [method] = useState(shown);
  const [currency, setCurrency] = useState(method?.rates[0]?.price.currency ?? 'EUR');
  const decimal = (amount: number | null) => (amount === null ? '' : decimalText(amount, currency));
  const [entered, setEntered] = useState({
    code: method?.code ?? '',
    name: method?.name ?? '',
    description: method?.description ?? '',
    countries: method?.countries.join(', ') ?? '',
    taxCategory: method?.taxCategory ?? 'standard',
    minDays: textOf(method?.minDays ?? null),
    maxDays: textOf(method?.maxDays ?? null),
    active: method?.active ?? true,
  });
  const [rates, setRates] = useState<readonly Rate[]>(
    method?.rates.map(({ price, upToWeightGrams, fromSubtotal }) => ({
      price: decimal(price.amount),
      weight: textOf(upToWeightGrams),
      subtotal: decimal(fromSubtotal),
    })) ?? [noRate],
  );
  const set = (changed: Partial<typeof entered>) => setEntered({ ...entered, ...changed });
  const setRate = (index: number, changed: Partial<Rate>) =>
    setRates(rates.map((rate, at) => (at === index ? { ...rate, ...changed } : rate)));

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const variables = {
      id: method?.id ?? null,
      input: {
        code: entered.code.trim(),
        name: entered.name.trim(),
        ...(entered.description.trim() !== '' && { description: entered.description.trim() }),
        countries: entered.countries.toUpperCase().split(/[\s,;]+/).filter((code) => code !== ''),
        taxCategory: entered.taxCategory.trim(),
        minDays: optionalNumberOf(entered.minDays),
        maxDays: optionalNumberOf(entered.maxDays),
        active: entered.active,
        rates: rates.map(({ price, weight, subtotal }) => ({
          price: amountOf(price, currency),
          upToWeightGrams: optionalNumberOf(weight),
          fromSubtotal: subtotal.trim() === '' ? null : amountOf(subtotal, currency).amount,
        })),
        ...(method !== null && { expectedVersion: method.version }),
      },
    };
    void once('save-shipping-method', variables, 'The method is saved.', async (idempotencyKey) => {
      const answer = await perform(client, SaveShippingMethodDocument, { ...variables, idempotencyKey });
      return answer.saveShippingMethod;
    }).then((isDone) => isDone && onClose());
  };
  return (
    <form className="form" onSubmit={submit} aria-label={method?.name ?? 'A new shipping method'}>
      <div className="fields">
        <TextField label="Name" required maxLength={100} value={entered.name} onChange={(name) => set({ name })} />
        <TextField label="Code" required maxLength={32} value={entered.code} onChange={(code) => set({ code })} />
        <TextField label="More for people" maxLength={500} value={entered.description} onChange={(description) => set({ description })} />
        <TextField label="Country codes (empty: all)" value={entered.countries} onChange={(countries) => set({ countries })} />
        <NumberField label="Days, at least" value={entered.minDays} onChange={(minDays) => set({ minDays })} />
        <NumberField label="Days, at most" value={entered.maxDays} onChange={(maxDays) => set({ maxDays })} />
        <TextField label="Tax category" required maxLength={32} value={entered.taxCategory} onChange={(taxCategory) => set({ taxCategory })} />
        <TextField label="Currency" required maxLength={3} wrong={isCurrency(currency) ? null : 'Type the code of a currency, e.g. EUR.'} value={currency} onChange={(code) => setCurrency(code.toUpperCase())} />
      </div>
      {rates.map((rate, index) => (
        <fieldset key={index} className="fields rate">
          <legend className="hidden-visually">Rate {index + 1}</legend>
          <AmountField label="Price" required currency={currency} value={rate.price} onChange={(price) => setRate(index, { price })} />
          <NumberField label="Up to grams (empty: any)" value={rate.weight} onChange={(weight) => setRate(index, { weight })} />
          <AmountField label="From goods of (empty: any)" currency={currency} value={rate.subtotal} onChange={(subtotal) => setRate(index, { subtotal })} />
          {rates.length > 1 && (
            <button type="button" className="link" onClick={() => setRates(rates.filter((_, at) => at !== index))}>
              Remove rate {index + 1}
            </button>
          )}
        </fieldset>
      ))}
      <button type="button" className="link" onClick={() => setRates([...rates, noRate])}>
        One more rate
      </button>
      <Switch label="Offered" value={entered.active} onChange={(active) => set({ active })} />
      <RuleButtons busy={busy} problem={problem} onClose={onClose} />
    </form>
  );
} // prettier-ignore
