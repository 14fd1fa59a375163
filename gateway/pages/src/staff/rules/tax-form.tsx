import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import { type PriceRulesQuery, SaveTaxRateDocument } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { Switch, TextField } from '../../ui/text-field.tsx';
import { useDeed } from '../use-deed.ts';
import { dayOf, momentOf, percentOf, ppmOf } from './numbers.ts';
import { RuleButtons } from './rule-list.tsx';

type Rate = PriceRulesQuery['taxRates'][number];

/** A tax rate of a country, or of a region of it. */
export function TaxForm({ rate: shown, onSaved, onClose }: { rate: Rate | null; onSaved: () => void; onClose: () => void }) {
  const client = useClient();
  const { busy, problem, once } = useDeed(onSaved);
  // What is stored is compared with what the form was filled with.
  const [rate] = useState(shown);
  const [entered, setEntered] = useState({
    name: rate?.name ?? '',
    countryCode: rate?.countryCode ?? '',
    region: rate?.region ?? '',
    category: rate?.category ?? 'standard',
    percent: rate === null ? '' : percentOf(rate.ratePpm),
    ends: dayOf(rate?.validTo ?? null),
    active: rate?.active ?? true,
  });
  const set = (changed: Partial<typeof entered>) => setEntered({ ...entered, ...changed });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const validTo = momentOf(entered.ends, rate?.validTo ?? null);
    const variables = {
      id: rate?.id ?? null,
      input: {
        name: entered.name.trim(),
        countryCode: entered.countryCode.trim().toUpperCase(),
        ...(entered.region.trim() !== '' && { region: entered.region.trim() }),
        category: entered.category.trim(),
        // What is no percentage is refused by the API.
        ratePpm: ppmOf(entered.percent) ?? -1,
        ...(validTo !== null && { validTo }),
        active: entered.active,
        ...(rate !== null && { expectedVersion: rate.version }),
      },
    };
    void once('save-tax-rate', variables, 'The rate is saved.', async (idempotencyKey) => {
      const answer = await perform(client, SaveTaxRateDocument, { ...variables, idempotencyKey });
      return answer.saveTaxRate;
    }).then((isDone) => isDone && onClose());
  };
  return (
    <form className="form" onSubmit={submit} aria-label={rate?.name ?? 'A new tax rate'}>
      <div className="fields">
        <TextField label="Name on the order" required maxLength={100} value={entered.name} onChange={(name) => set({ name })} />
        <TextField label="Country code" required maxLength={2} value={entered.countryCode} onChange={(countryCode) => set({ countryCode })} />
        <TextField label="Region (empty: all)" maxLength={100} value={entered.region} onChange={(region) => set({ region })} />
        <TextField label="Tax category" required maxLength={32} value={entered.category} onChange={(category) => set({ category })} />
        <TextField label="Percent" required inputMode="decimal" pattern="\d{1,3}([.,]\d{1,4})?" value={entered.percent} onChange={(percent) => set({ percent })} />
        <TextField label="Ends before" type="date" value={entered.ends} onChange={(ends) => set({ ends })} />
      </div>
      <Switch label="It counts" value={entered.active} onChange={(active) => set({ active })} />
      <RuleButtons busy={busy} problem={problem} onClose={onClose} />
    </form>
  );
} // prettier-ignore
