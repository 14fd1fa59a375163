import { type Viewer, isService, isStaff } from '../../shared/auth/viewer.ts';
import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { isCurrency } from '../../shared/values/currencies.ts';
import { type Money, type MoneyJson, maxAmountMinor, moneyFromJson } from '../../shared/values/money.ts';
import { type TextRule, brokenTextRule, lengthOf } from '../../shared/values/text.ts';

export type ProductKind = 'STOCKED' | 'BOOKABLE' | 'DIGITAL';
export type ProductStatus = 'DRAFT' | 'ON_SALE' | 'OFF_SALE' | 'ARCHIVED';

/** Something that can be ordered together with a product; kept as JSON with it. */
export type AddOn = {
  readonly code: string;
  readonly name: string;
  readonly unitPrice: MoneyJson;
  readonly perPerson: boolean;
  readonly perNight: boolean;
};

/** What people write about a product: all that createProduct and updateProduct can set. */
export type ProductContent = {
  readonly name: string;
  readonly subtitle: string | null;
  readonly description: string;
  readonly cover: string | null;
  readonly images: readonly string[];
  readonly price: Money;
  readonly marketPrice: Money | null;
  readonly addOns: readonly AddOn[];
  readonly status: ProductStatus;
  readonly categoryId: string | null;
  /** Which tax rates count for it. */
  readonly taxCategory: string;
  /** Only for what is shipped. */
  readonly weightGrams: number | null;
  /** BOOKABLE: rooms that can be sold for each night; null for the others. */
  readonly capacity: number | null;
  /** BOOKABLE: guests that one room takes; null for the others. */
  readonly maxGuests: number | null;
};

export type Product = ProductContent & {
  readonly id: string;
  readonly sku: string;
  readonly kind: ProductKind;
  readonly sellerId: string | null;
  /** The products that are forms of the same thing; null for none. */
  readonly groupId: string | null;
  /** Units paid for, for the sort by popularity. */
  readonly sold: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
};

export const maxNameLength = 200;
export const maxDescriptionLength = 10_000;
export const maxUrlLength = 500;
export const maxImages = 10;
export const maxAddOns = 20;
export const maxCapacity = 10_000;
export const maxGuestsPerRoom = 100;
export const maxWeightGrams = 100_000_000;
export const defaultTaxCategory = 'standard';
const maxSkuLength = 64;
const maxAddOnCodeLength = 32;

const codeOf = (maxLength: number) => new RegExp(`^[A-Za-z0-9._-]{1,${maxLength}}$`);
const sku = codeOf(maxSkuLength);
const addOnCode = codeOf(maxAddOnCodeLength);
const taxCategoryCode = /^[a-z0-9_-]{1,32}$/;

/** Only kinds with a stock have counters, movements and a low-stock threshold. */
export const hasStock = (kind: ProductKind): boolean => kind === 'STOCKED';

export const checkSku = (text: string): Refusal[] =>
  sku.test(text) ? [] : [problem('sku', `must have 1 to ${maxSkuLength} characters of A-Z a-z 0-9 . _ -`)];

/** Every rule that the content breaks; empty when it is fine. Paths begin with `input`. */
export function checkContent(content: ProductContent): Refusal[] {
  const { name, subtitle, description, cover, images, price, marketPrice, addOns } = content;
  const problems: Refusal[] = [];
  const check = (fine: boolean, path: string, rule: string): void => {
    if (!fine) problems.push(problem(path, rule));
  };
  const checkText = (text: string, path: string, rule: TextRule): void => {
    const broken = brokenTextRule(text, rule);
    if (broken !== null) problems.push(problem(path, broken));
  };
  checkText(name, 'name', nameRule);
  checkText(subtitle ?? '', 'subtitle', { min: 0, max: maxNameLength, lines: false });
  checkText(description, 'description', { min: 0, max: maxDescriptionLength, lines: true });
  check(cover?.isWellFormed() !== false, 'cover', unicodeRule);
  for (const [index, image] of images.entries()) check(image.isWellFormed(), `images.${index}`, unicodeRule);
  check(cover === null || isPicture(cover), 'cover', pictureRule);
  check(images.length <= maxImages, 'images', `are at most ${maxImages}`);
  for (const [index, image] of images.entries()) check(isPicture(image), `images.${index}`, pictureRule);
  check(taxCategoryCode.test(content.taxCategory), 'taxCategory', 'must have 1 to 32 characters of a-z 0-9 _ -');
  problems.push(...checkPrices(price, marketPrice), ...checkAddOns(addOns, price.currency));
  return problems;
}

/** Rooms and guests belong to what is booked by nights, and to nothing else. */
export function checkRooms(kind: ProductKind, rooms: Pick<ProductContent, 'capacity' | 'maxGuests'>): Refusal[] {
  const limits = { capacity: maxCapacity, maxGuests: maxGuestsPerRoom } as const;
  return (['capacity', 'maxGuests'] as const).flatMap((field) => {
    const value = rooms[field];
    if (kind !== 'BOOKABLE') return value === null ? [] : [problem(field, 'is only for BOOKABLE products')];
    const fine = value !== null && value >= 1 && value <= limits[field];
    return fine ? [] : [problem(field, `of a BOOKABLE product must be between 1 and ${limits[field]}`)];
  });
}

/** Only goods are weighed. */
export function checkWeight(kind: ProductKind, { weightGrams }: Pick<ProductContent, 'weightGrams'>): Refusal[] {
  if (weightGrams === null) return [];
  if (kind !== 'STOCKED') return [problem('weightGrams', 'is only for STOCKED products')];
  const fine = weightGrams >= 0 && weightGrams <= maxWeightGrams;
  return fine ? [] : [problem('weightGrams', `must be between 0 and ${maxWeightGrams}`)];
}

function checkPrices(price: Money, marketPrice: Money | null): Refusal[] {
  const problems: Refusal[] = [];
  const amount = ({ amount: minor }: Money) => minor >= 1n && minor <= maxAmountMinor;
  if (!amount(price)) problems.push(problem('price.amount', `must be between 1 and ${maxAmountMinor} minor units`));
  if (!isCurrency(price.currency))
    problems.push(problem('price.currency', 'must be a currency code of ISO 4217, e.g. EUR'));
  if (marketPrice === null) return problems;
  if (!amount(marketPrice))
    problems.push(problem('marketPrice.amount', `must be between 1 and ${maxAmountMinor} minor units`));
  if (marketPrice.currency !== price.currency)
    problems.push(problem('marketPrice.currency', "must be the price's currency"));
  return problems;
}

function checkAddOns(addOns: readonly AddOn[], currency: string): Refusal[] {
  const problems: Refusal[] = [];
  if (addOns.length > maxAddOns) problems.push(problem('addOns', `must have at most ${maxAddOns} entries`));
  const codes = new Set<string>();
  for (const [index, { code, name, unitPrice }] of addOns.entries()) {
    const at = `addOns.${index}`;
    if (!addOnCode.test(code)) {
      problems.push(problem(`${at}.code`, `must have 1 to ${maxAddOnCodeLength} characters of A-Z a-z 0-9 . _ -`));
    }
    if (codes.has(code)) problems.push(problem(`${at}.code`, 'is used by another add-on of this product'));
    codes.add(code);
    const broken = brokenTextRule(name, nameRule);
    if (broken !== null) problems.push(problem(`${at}.name`, broken));
    if (unitPrice.amount < 0) problems.push(problem(`${at}.unitPrice.amount`, 'must be 0 or more minor units'));
    if (unitPrice.currency !== currency)
      problems.push(problem(`${at}.unitPrice.currency`, "must be the price's currency"));
  }
  return problems;
}

const problem = (path: string, rule: string): Refusal =>
  validationError(`${path} ${rule}.`, ['input', ...path.split('.')]);

const nameRule: TextRule = { min: 1, max: maxNameLength, lines: false };
const unicodeRule = 'is not valid Unicode';
const pictureRule = `is an https URL or a path that begins with one /, at most ${maxUrlLength} characters`;

/** Only https, or a path of this site; `//host` and `/\host` would lead to another one. */
function isPicture(text: string): boolean {
  if (lengthOf(text) > maxUrlLength || /[\s\p{Cc}\\]/u.test(text)) return false;
  return text.startsWith('/') ? !text.startsWith('//') : text.startsWith('https://') && URL.canParse(text);
}

/** An add-on as the API gives it, with nothing in it that we don't know. */
export const addOnOf = (input: AddOn): AddOn => ({
  code: input.code,
  name: input.name.trim(),
  unitPrice: { amount: input.unitPrice.amount, currency: input.unitPrice.currency },
  perPerson: input.perPerson,
  perNight: input.perNight,
});

export const moneyOrNull = (input: MoneyJson | null | undefined): Money | null => (input ? moneyFromJson(input) : null);

const isMerchant = (viewer: Viewer): boolean => viewer.kind === 'user' && viewer.roles.includes('MERCHANT');
const isSeller = (viewer: Viewer, sellerId: string | null): boolean =>
  viewer.kind === 'user' && sellerId !== null && viewer.userId === sellerId;

/** Who may make products at all: staff and merchants. */
export const maySell = (viewer: Viewer): boolean => isStaff(viewer) || isMerchant(viewer);

/** Staff may change every product and its stock, a merchant their own. */
export const mayEdit = (viewer: Viewer, product: Pick<Product, 'sellerId'>): boolean =>
  isStaff(viewer) || (isMerchant(viewer) && isSeller(viewer, product.sellerId));

/** Staff, services and the seller see every status; all others what is or was meant for the public. */
export const seesAll = (viewer: Viewer, sellerId: string | null): boolean =>
  isStaff(viewer) || isService(viewer) || isSeller(viewer, sellerId);

/** Who may look a product up by id or SKU. */
export const maySee = (viewer: Viewer, product: Pick<Product, 'sellerId' | 'status'>): boolean =>
  product.status === 'ON_SALE' || product.status === 'OFF_SALE' || seesAll(viewer, product.sellerId);

/**
 * Who gets a product that another subgraph refers to. An order goes on to show what was bought after that was archived,
 * and only signed-in people have orders; archived products were public once, drafts never.
 */
export const mayResolve = (viewer: Viewer, product: Pick<Product, 'sellerId' | 'status'>): boolean =>
  maySee(viewer, product) || (product.status === 'ARCHIVED' && viewer.kind === 'user');
