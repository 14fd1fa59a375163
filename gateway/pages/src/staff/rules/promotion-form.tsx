import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import {
  type PromotionKind,
  type PromotionsQuery,
  SavePromotionDocument,
} from '../../../../../schema/generated/operations.ts';
import { decimalText, isCurrency } from '../../../../../subgraphs/shared/values/currencies.ts';
import { perform } from '../../client.ts';
import { useCategories } from '../../shop/categories.tsx';
import { SelectField, Switch, TextField } from '../../ui/text-field.tsx';
import { useDeed } from '../use-deed.ts';
import { AmountField, NumberField } from '../amount-field.tsx';
import { amountOf, dayOf, momentOf, optionalNumberOf, percentOf, ppmOf, textOf } from './numbers.ts';
import { RuleButtons } from './rule-list.tsx';

type Promotion = PromotionsQuery['promotions']['edges'][number]['node'];

const kinds: readonly (readonly [PromotionKind, string])[] = [
  ['PERCENT', 'Percent off'],
  ['FIXED', 'Amount off'],
  ['FREE_SHIPPING', 'Free shipping'],
  ['BUY_X_GET_Y', 'Buy some, get some'],
];

const currencyOf = (promotion: Promotion | null): string =>
  promotion?.value?.currency ?? promotion?.minimumSubtotal?.currency ?? 'EUR';

const noCurrency = 'Type the code of a currency, e.g. EUR.';

type Entered = ReturnType<typeof enteredOf>;

function enteredOf(promotion: Promotion | null) {
  const currency = currencyOf(promotion);
  const decimal = (money: { amount: number } | null | undefined) => (money ? decimalText(money.amount, currency) : '');
  const usual: PromotionKind = 'PERCENT';
  const valuePpm = promotion?.valuePpm ?? null;
  return {
    currency,
    name: promotion?.name ?? '',
    kind: promotion?.kind ?? usual,
    code: promotion?.code ?? '',
    percent: valuePpm === null ? '' : percentOf(valuePpm),
    value: decimal(promotion?.value),
    buy: textOf(promotion?.buyQuantity ?? null),
    get: textOf(promotion?.getQuantity ?? null),
    minimum: decimal(promotion?.minimumSubtotal),
    limit: textOf(promotion?.usageLimit ?? null),
    perCustomer: textOf(promotion?.usagePerCustomer ?? null),
    ends: dayOf(promotion?.endsAt ?? null),
    combinable: promotion?.combinable ?? false,
    active: promotion?.active ?? true,
    categoryIds: promotion?.categoryIds ?? [],
  };
}

/** All of it: what is left out is taken away. */
function inputOf(entered: Entered, promotion: Promotion | null) {
  const { kind, currency } = entered;
  // What is no percentage is refused, and never left out.
  const valuePpm = entered.percent.trim() === '' ? null : (ppmOf(entered.percent) ?? -1);
  const endsAt = momentOf(entered.ends, promotion?.endsAt ?? null);
  return {
    name: entered.name.trim(),
    kind,
    combinable: entered.combinable,
    active: entered.active,
    ...(entered.code.trim() !== '' && { code: entered.code.trim() }),
    ...((kind === 'PERCENT' || kind === 'BUY_X_GET_Y') && valuePpm !== null && { valuePpm }),
    ...(kind === 'FIXED' && { value: amountOf(entered.value, currency) }),
    ...(kind === 'BUY_X_GET_Y' && {
      buyQuantity: optionalNumberOf(entered.buy),
      getQuantity: optionalNumberOf(entered.get),
    }),
    ...(entered.minimum.trim() !== '' && { minimumSubtotal: amountOf(entered.minimum, currency) }),
    usageLimit: optionalNumberOf(entered.limit),
    usagePerCustomer: optionalNumberOf(entered.perCustomer),
    ...(endsAt !== null && { endsAt }),
    ...(entered.categoryIds.length > 0 && { categoryIds: entered.categoryIds }),
    ...(promotion?.productIds && { productIds: promotion.productIds }),
    expectedVersion: promotion?.version ?? 0,
  };
}

/** A coupon, or a promotion that applies by itself. What is stored is compared with what the form was filled with. */
export function PromotionForm({
  promotion: shown,
  onSaved,
  onClose,
}: {
  promotion: Promotion | null;
  onSaved: () => void;
  onClose: () => void;
}) {
  const client = useClient();
  const categories = useCategories();
  const { busy, problem, once } = useDeed(onSaved);
  const [promotion] = useState(shown);
  const [entered, setEntered] = useState(() => enteredOf(promotion));
  const set = (changed: Partial<typeof entered>) => setEntered({ ...entered, ...changed });
  const { kind, currency } = entered;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const variables = { id: promotion?.id ?? null, input: inputOf(entered, promotion) };
    void once('save-promotion', variables, 'The promotion is saved.', async (idempotencyKey) => {
      const answer = await perform(client, SavePromotionDocument, { ...variables, idempotencyKey });
      return answer.savePromotion;
    }).then((isDone) => isDone && onClose());
  };
  return (
    <form className="form" onSubmit={submit} aria-label={promotion?.name ?? 'A new promotion'}>
      <div className="fields">
        <TextField label="Name on the order" required maxLength={200} value={entered.name} onChange={(name) => set({ name })} />
        <SelectField label="What it takes off" value={kind} choices={kinds} onChange={(next) => set({ kind: next })} />
        <TextField label="Code (empty: by itself)" maxLength={32} value={entered.code} onChange={(code) => set({ code: code.toUpperCase() })} />
        {(kind === 'PERCENT' || kind === 'BUY_X_GET_Y') && (
          <TextField label={kind === 'PERCENT' ? 'Percent' : 'Percent off what is got (empty: all)'} required={kind === 'PERCENT'} inputMode="decimal" pattern="\d{1,3}([.,]\d{1,4})?" value={entered.percent} onChange={(percent) => set({ percent })} />
        )}
        {promotion === null && <TextField label="Currency" required maxLength={3} wrong={isCurrency(currency) ? null : noCurrency} value={currency} onChange={(code) => set({ currency: code.toUpperCase() })} />}
        {kind === 'FIXED' && (
          <AmountField label={`Amount, ${currency}`} required currency={currency} least={1} value={entered.value} onChange={(value) => set({ value })} />
        )}
        {kind === 'BUY_X_GET_Y' && (
          <>
            <NumberField label="Buy" required value={entered.buy} onChange={(buy) => set({ buy })} />
            <NumberField label="Get" required value={entered.get} onChange={(get) => set({ get })} />
          </>
        )}
        <AmountField label={`From an order of, ${currency}`} currency={currency} least={1} value={entered.minimum} onChange={(minimum) => set({ minimum })} />
        <NumberField label="Orders in all (empty: any)" value={entered.limit} onChange={(limit) => set({ limit })} />
        <NumberField label="Orders per customer (empty: any)" value={entered.perCustomer} onChange={(perCustomer) => set({ perCustomer })} />
        <TextField label="Ends before" type="date" value={entered.ends} onChange={(ends) => set({ ends })} />
      </div>
      <details>
        <summary>Only for some categories</summary>
        {categories.map(({ id, name }) => (
          <Switch
            key={id}
            label={name}
            value={entered.categoryIds.includes(id)}
            onChange={(chosen) => set({ categoryIds: chosen ? [...entered.categoryIds, id] : entered.categoryIds.filter((one) => one !== id) })}
          />
        ))}
      </details>
      <Switch label="Can be combined with others" value={entered.combinable} onChange={(combinable) => set({ combinable })} />
      <Switch label="Switched on" value={entered.active} onChange={(active) => set({ active })} />
      <RuleButtons busy={busy} problem={problem} onClose={onClose} />
    </form>
  );
} // prettier-ignore
