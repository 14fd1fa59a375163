import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import {
  type PromotionKind,
  type PromotionsQuery,
  SavePromotionDocument,
} from '../../../../../schema/generated/operations.ts';
import { decimalText, minorFromDecimal } from '../../../../../subgraphs/shared/values/currencies.ts';
import { perform } from '../../client.ts';
import { useCategories } from '../../shop/categories.tsx';
import { SelectField, Switch, TextField } from '../../ui/text-field.tsx';
import { useDeed } from '../use-deed.ts';
import { numberOf, percentOf, ppmOf, textOf } from './numbers.ts';
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

type Entered = ReturnType<typeof enteredOf>;

function enteredOf(promotion: Promotion | null) {
  const decimal = (money: { amount: number } | null | undefined) =>
    money ? decimalText(money.amount, currencyOf(promotion)) : '';
  const usual: PromotionKind = 'PERCENT';
  const valuePpm = promotion?.valuePpm ?? null;
  return {
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
    ends: promotion?.endsAt?.slice(0, 10) ?? '',
    combinable: promotion?.combinable ?? false,
    active: promotion?.active ?? true,
    categoryIds: promotion?.categoryIds ?? [],
  };
}

/** All of it: what is left out is taken away. */
function inputOf(entered: Entered, promotion: Promotion | null) {
  const { kind } = entered;
  const currency = currencyOf(promotion);
  const money = (text: string) => {
    const amount = minorFromDecimal(text, currency);
    return amount === null ? null : { amount, currency };
  };
  const valuePpm = ppmOf(entered.percent);
  return {
    name: entered.name.trim(),
    kind,
    combinable: entered.combinable,
    active: entered.active,
    ...(entered.code.trim() !== '' && { code: entered.code.trim() }),
    ...((kind === 'PERCENT' || kind === 'BUY_X_GET_Y') && valuePpm !== null && { valuePpm }),
    ...(kind === 'FIXED' && { value: money(entered.value) }),
    ...(kind === 'BUY_X_GET_Y' && { buyQuantity: numberOf(entered.buy), getQuantity: numberOf(entered.get) }),
    ...(entered.minimum !== '' && { minimumSubtotal: money(entered.minimum) }),
    usageLimit: numberOf(entered.limit),
    usagePerCustomer: numberOf(entered.perCustomer),
    ...(entered.ends !== '' && { endsAt: new Date(`${entered.ends}T00:00:00`).toISOString() }),
    ...(entered.categoryIds.length > 0 && { categoryIds: entered.categoryIds }),
    ...(promotion?.productIds && { productIds: promotion.productIds }),
    expectedVersion: promotion?.version ?? 0,
  };
}

/** A coupon, or a promotion that applies by itself. */
export function PromotionForm({
  promotion,
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
  const currency = currencyOf(promotion);
  const [entered, setEntered] = useState(() => enteredOf(promotion));
  const set = (changed: Partial<typeof entered>) => setEntered({ ...entered, ...changed });
  const { kind } = entered;
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
        {kind === 'FIXED' && (
          <TextField label={`Amount, ${currency}`} required inputMode="decimal" value={entered.value} onChange={(value) => set({ value })} />
        )}
        {kind === 'BUY_X_GET_Y' && (
          <>
            <TextField label="Buy" required inputMode="numeric" value={entered.buy} onChange={(buy) => set({ buy })} />
            <TextField label="Get" required inputMode="numeric" value={entered.get} onChange={(get) => set({ get })} />
          </>
        )}
        <TextField label={`From an order of, ${currency}`} inputMode="decimal" value={entered.minimum} onChange={(minimum) => set({ minimum })} />
        <TextField label="Orders in all (empty: any)" inputMode="numeric" value={entered.limit} onChange={(limit) => set({ limit })} />
        <TextField label="Orders per customer (empty: any)" inputMode="numeric" value={entered.perCustomer} onChange={(perCustomer) => set({ perCustomer })} />
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
