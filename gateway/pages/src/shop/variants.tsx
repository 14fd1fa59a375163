import { useId } from 'react';
import { useLocation } from 'wouter';
import type { ProductQuery } from '../../../../schema/generated/operations.ts';
import { t } from '../language/catalogue.ts';

type Product = NonNullable<ProductQuery['product']>;
type Group = NonNullable<Product['group']>;
type Form = Group['products'][number];
type Options = Product['options'];

const valueOf = (options: Options, name: string): string | undefined =>
  options.find((option) => option.name === name)?.value;

/** The form that has this value and otherwise is as close as can be to the one that is shown. */
export function formWith(
  forms: readonly Form[],
  shown: Options,
  { name, value }: { name: string; value: string },
): Form | undefined {
  const likeness = (form: Form) => shown.filter((option) => valueOf(form.options, option.name) === option.value).length;
  return forms.filter((form) => valueOf(form.options, name) === value).toSorted((a, b) => likeness(b) - likeness(a))[0];
}

/** Chooses between the forms of one thing, option by option. Each form has a page of its own. */
export function Variants({ product, group }: { product: Product; group: Group }) {
  const id = useId();
  const [, navigate] = useLocation();
  const forms = group.products.filter(({ status }) => status === 'ON_SALE');
  if (forms.length < 2) return null;
  return group.optionNames.map((name) => {
    const values = [...new Set(forms.map(({ options }) => valueOf(options, name)))].filter(
      (value) => value !== undefined,
    );
    const chosen = valueOf(product.options, name);
    return (
      <fieldset key={name} className="chips variants">
        <legend>
          {name}: <strong>{chosen}</strong>
        </legend>
        {values.map((value) => {
          const form = formWith(forms, product.options, { name, value });
          const isSoldOut = form?.stock?.available === 0;
          return (
            <label key={value} className={isSoldOut ? 'sold-out' : undefined}>
              <input
                type="radio"
                name={`${id}-${name}`}
                checked={value === chosen}
                onChange={() => form !== undefined && navigate(`/products/${form.id}`, { replace: true })}
              />
              <span>
                {value}
                {isSoldOut && <span className="hidden-visually">{t().shop.soldOutToo}</span>}
              </span>
            </label>
          );
        })}
      </fieldset>
    );
  });
}
