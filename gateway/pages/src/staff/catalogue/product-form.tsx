import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import { useLocation } from 'wouter';
import {
  CreateProductDocument,
  type ProductKind,
  type ProductStatus,
  UpdateProductDocument,
  type UpdateProductInput,
} from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { useCategories } from '../../shop/categories.tsx';
import { SelectField, TextField } from '../../ui/text-field.tsx';
import { Alert } from '../deed-button.tsx';
import { useDeed } from '../use-deed.ts';
import { AmountField, NumberField } from '../amount-field.tsx';
import { AddOns } from './add-ons.tsx';
import { type StaffProduct, changesOf, enteredOf, newProductOf } from './product-fields.ts';
import { statusWords } from './words.ts';
import { TextArea } from './text-area.tsx';

const kinds: readonly (readonly [ProductKind, string])[] = [
  ['STOCKED', 'Goods, counted'],
  ['BOOKABLE', 'A stay, by nights'],
  ['DIGITAL', 'Digital'],
];

/**
 * All that staff can say of a product. Without one it makes a new one. What is typed stays until it is saved, also when somebody
 * else changes the product meanwhile. `onSaved` resolves to the product as it is stored now.
 */
export function ProductForm({
  product: stored,
  onSaved,
}: {
  product: StaffProduct | null;
  onSaved: () => Promise<StaffProduct | null>;
}) {
  const client = useClient();
  const [, go] = useLocation();
  const { busy, problem, once, clear } = useDeed(() => undefined);
  const [wrong, setWrong] = useState<string | null>(null);
  /** What the form was filled with. */
  const [product, setProduct] = useState(stored);
  const [entered, setEntered] = useState(() => enteredOf(stored));
  const set = (changed: Partial<typeof entered>) => setEntered({ ...entered, ...changed });
  const categories = useCategories();
  const fill = (now: StaffProduct | null) => {
    setProduct(now);
    setEntered(enteredOf(now));
    setWrong(null);
    clear();
  };
  const isNew = product === null;
  const statuses = (Object.keys(statusWords) as ProductStatus[]).filter((status) => !isNew || status !== 'ARCHIVED');

  const save = async (input: UpdateProductInput) => {
    let now: StaffProduct | null = null;
    const isDone = await once(`update-product-${input.id}`, input, 'The product is saved.', async (idempotencyKey) => {
      const answer = await perform(client, UpdateProductDocument, { input, idempotencyKey });
      // Waited for before anybody hears that it is saved: what is typed after that is kept.
      now = await onSaved();
      return answer.updateProduct;
    });
    if (isDone && now !== null) fill(now);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const input = isNew ? newProductOf(entered) : changesOf(entered, product);
    setWrong(typeof input === 'string' ? input : null);
    if (typeof input === 'string') return;
    if ('id' in input) {
      void save(input);
      return;
    }
    void once('create-product', input, 'The product is made.', async (idempotencyKey) => {
      const answer = await perform(client, CreateProductDocument, { input, idempotencyKey });
      const made = answer.createProduct.product;
      if (made !== null) go(`/staff/products/${made.id}`);
      return answer.createProduct;
    });
  };

  return (
    <form className="form" onSubmit={submit} aria-label={product?.name ?? 'A new product'}>
      <div className="fields">
        {isNew && <TextField label="SKU" required maxLength={64} value={entered.sku} onChange={(sku) => set({ sku })} />}
        {isNew && <SelectField label="What it is" value={entered.kind} choices={kinds} onChange={(kind) => set({ kind })} />}
        <TextField label="Name" required maxLength={200} value={entered.name} onChange={(name) => set({ name })} />
        <TextField label="Line under the name" maxLength={200} value={entered.subtitle} onChange={(subtitle) => set({ subtitle })} />
        <SelectField label="Status" value={entered.status} choices={statuses.map((status) => [status, statusWords[status][0]] as const)} onChange={(status) => set({ status })} />
      </div>
      <TextArea label="Description" required maxLength={10_000} value={entered.description} onChange={(description) => set({ description })} />
      <div className="fields">
        <AmountField label={`Price${entered.kind === 'BOOKABLE' ? ' of a night' : ''}, ${entered.currency}`} required currency={entered.currency} least={1} value={entered.price} onChange={(price) => set({ price })} />
        <AmountField label="Price to compare with" currency={entered.currency} value={entered.marketPrice} onChange={(marketPrice) => set({ marketPrice })} />
        {isNew && <TextField label="Currency" required maxLength={3} pattern="[A-Z]{3}" value={entered.currency} onChange={(currency) => set({ currency: currency.toUpperCase() })} />}
        <SelectField label="Category" value={entered.categoryId} choices={[['', 'None'], ...categories.map(({ id, name }) => [id, name] as const)]} onChange={(categoryId) => set({ categoryId })} />
        <TextField label="Tax category" required maxLength={32} pattern="[a-z0-9_\-]+" value={entered.taxCategory} onChange={(taxCategory) => set({ taxCategory })} />
        {entered.kind === 'STOCKED' && <NumberField label="Weight in grams" value={entered.weight} onChange={(weight) => set({ weight })} />}
        {entered.kind === 'STOCKED' && isNew && <NumberField label="Pieces here" required value={entered.onHand} onChange={(onHand) => set({ onHand })} />}
        {entered.kind === 'STOCKED' && !isNew && <NumberField label="Little is left at" required value={entered.threshold} onChange={(threshold) => set({ threshold })} />}
        {entered.kind === 'BOOKABLE' && <NumberField label="Rooms" required value={entered.capacity} onChange={(capacity) => set({ capacity })} />}
        {entered.kind === 'BOOKABLE' && <NumberField label="Guests in a room" required value={entered.maxGuests} onChange={(maxGuests) => set({ maxGuests })} />}
        <TextField label="Picture for lists" maxLength={500} placeholder="https://… or /products/…" value={entered.cover} onChange={(cover) => set({ cover })} />
      </div>
      <TextArea label="Further pictures, one a line" rows={2} value={entered.images} onChange={(images) => set({ images })} />
      <AddOns addOns={entered.addOns} currency={entered.currency} onChange={(addOns) => set({ addOns })} />
      {stored !== null && stored.version !== product?.version && !busy && (
        <div className="notice wait">
          <p>Somebody has changed this product since you opened the form. What you see here is what you have typed.</p>
          <button type="button" className="button quiet" onClick={() => fill(stored)}>
            Show what is stored
          </button>
        </div>
      )}
      <Alert problem={wrong ?? problem} />
      <p>
        <button className="button" disabled={busy}>
          {isNew ? 'Make it' : 'Save'}
        </button>
      </p>
    </form>
  );
} // prettier-ignore
