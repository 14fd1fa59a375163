import type { Money, Order, Quote } from '../types.ts';
import { t } from '../language/catalogue.ts';

type Priced = Pick<Order, 'subtotal' | 'adjustments' | 'shippingTotal' | 'taxes' | 'pricesIncludeTax'> & {
  readonly shippingMethod?: Order['shippingMethod'];
  readonly shipping?: Quote['shipping'];
};
type Sum = [label: string, money: Money];

/** What makes up a total beside its lines; empty where that is nothing. */
export function parts(order: Priced): Sum[] {
  const method = order.shippingMethod ?? order.shipping ?? null;
  const sums: Sum[] = order.adjustments.map(({ label, amount }): Sum => [label, amount]);
  if (method !== null) sums.push([t().cart.shippingBy(method.name), order.shippingTotal]);
  if (!order.pricesIncludeTax) sums.push(...order.taxes.map(({ name, amount }): Sum => [name, amount]));
  return sums.length > 0 ? [[t().cart.goods, order.subtotal], ...sums] : [];
}

/** The taxes that a total contains. */
export const includedTaxes = ({ taxes }: Pick<Priced, 'taxes'>): Sum[] =>
  taxes.map(({ name, amount }): Sum => [t().cart.ofThat(name), amount]);
