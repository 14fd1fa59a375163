import { demoAddresses, demoPromotions, demoShippingMethods, demoTaxRates } from './demo-rules.ts';
import { type DemoProduct, demoCategories, demoForms, demoGroup, demoProducts } from './demo-shop.ts';
import { type Act, seedDocuments } from './seed-documents.ts';

/** The demo shop's categories, products, and the group of those that are forms of one. A merchant sells the places to stay. */
export async function seedCatalogue(run: Act, runAsMerchant: Act): Promise<void> {
  const categories = new Map<string, string | undefined>();
  for (const { slug, name, parent } of demoCategories) {
    const parentId = parent === undefined ? null : categories.get(parent);
    const variables = { slug, name, parentId, idempotencyKey: `seed-${slug}` };
    const saved = await run('product', slug, { query: seedDocuments.saveCategory, variables });
    categories.set(slug, saved?.category?.id);
  }
  const create = async (product: DemoProduct): Promise<string | undefined> => {
    const input = { ...inputOf(product), categoryId: categories.get(product.category) };
    const variables = { input, idempotencyKey: `seed-${product.sku}` };
    const act = product.kind === 'BOOKABLE' ? runAsMerchant : run;
    const created = await act('product', product.sku, { query: seedDocuments.createProduct, variables });
    return created?.product?.id;
  };
  const forms: object[] = [];
  // The shelf shows the newest of them: that is to be the first form.
  for (const { product, options } of demoForms.toReversed())
    forms.unshift({ productId: await create(product), options });
  const { name, optionNames } = demoGroup;
  const variables = { name, optionNames, products: forms, idempotencyKey: 'seed-group' };
  await run('product', name, { query: seedDocuments.saveProductGroup, variables });
  for (const product of demoProducts) await create(product);
  console.log(`seeded: ${demoProducts.length + forms.length} products in ${demoCategories.length} categories`);
}

/** How the demo shop ships and taxes, and its coupon. */
export async function seedRules(run: Act): Promise<void> {
  for (const input of demoShippingMethods) {
    const variables = { input, idempotencyKey: `seed-${input.code}` };
    await run('order', input.code, { query: seedDocuments.saveShippingMethod, variables });
  }
  for (const input of demoTaxRates) {
    const variables = { input, idempotencyKey: `seed-${input.countryCode}-${input.category}` };
    await run('order', input.name, { query: seedDocuments.saveTaxRate, variables });
  }
  for (const input of demoPromotions) {
    const variables = { input, idempotencyKey: `seed-${input.code}` };
    await run('order', input.code, { query: seedDocuments.savePromotion, variables });
  }
  console.log(
    `seeded: ${demoShippingMethods.length} shipping methods, ${demoTaxRates.length} tax rates, coupon ${demoPromotions.map(({ code }) => code).join(', ')}`,
  );
}

/** The default address of a demo account; `index` is its place among them. */
export async function seedAddress(run: Act, person: { id: string; name: string; index: number }): Promise<void> {
  const place = demoAddresses[person.index];
  if (place === undefined) return;
  const variables = { address: { name: person.name, ...place }, idempotencyKey: `seed-${person.id}` };
  await run('user', `the address of ${person.name}`, { query: seedDocuments.saveAddress, variables });
}

function inputOf({ rooms, ...product }: DemoProduct) {
  const { sku, kind, name, subtitle, description, priceMinor, marketPriceMinor, onHand } = product;
  const euros = (amount: number) => ({ amount, currency: 'EUR' });
  const cover = `/products/${product.picture ?? sku}.svg`;
  return {
    sku,
    kind,
    name,
    subtitle,
    description,
    cover,
    images: [cover],
    price: euros(priceMinor),
    marketPrice: marketPriceMinor === undefined ? null : euros(marketPriceMinor),
    taxCategory: product.taxCategory ?? 'standard',
    ...(product.weightGrams !== undefined && { weightGrams: product.weightGrams }),
    initialOnHand: onHand,
    ...(rooms && {
      capacity: rooms.capacity,
      maxGuests: rooms.maxGuests,
      addOns: [{ code: 'BREAKFAST', name: 'Breakfast', unitPrice: euros(rooms.breakfastMinor), perPerson: true, perNight: true }], // prettier-ignore
    }),
  };
}
