import { randomUUID } from 'node:crypto';
import { type Fleet, fleetAdmin } from '../fleet/fleet.ts';
import type { Api, Person } from './api.ts';
import { createProductDocument, creditDocument, registerDocument } from './documents.ts';
import type { CreditTold, Journal } from './journal.ts';
import { type Watch, watchOrders } from './watching.ts';

export type Product = { readonly id: string; readonly kind: 'STOCKED' | 'BOOKABLE'; readonly onHand: number };
export type Buyer = {
  readonly index: number;
  readonly person: Person;
  readonly watch: Watch;
  /** Orders that are under way now. */
  busy: number;
  /** Orders that have a stream of their own. */
  readonly followed: Map<string, { readonly lastSeq: () => number }>;
};

/** People and things before the first fault. */
export type Shop = {
  readonly fleet: Fleet;
  readonly api: Api;
  readonly journal: Journal;
  readonly staff: Person;
  readonly buyers: readonly Buyer[];
  readonly products: readonly Product[];
  /** Cards are charged when staff capture. */
  readonly manualCapture: boolean;
  /** No new orders, no patience for those that are under way. */
  closing: boolean;
};

const plentiful = 10;
const scarce = 1;
const scarceOnHand = 25;
const plentifulOnHand = 100_000;
/** Each credit is small: a shop may have a limit on what one member of staff gives away. */
const creditMinor = 30_000;
const firstCredits = 3;

/** Opens a shop on a new fleet: a member of staff, products, buyers with money and a socket each. */
export async function openShop(
  fleet: Fleet,
  options: { api: Api; journal: Journal; buyers: number; manualCapture: boolean },
): Promise<Shop> {
  const { api, journal, manualCapture } = options;
  const staff: Person = { ...fleetAdmin, address: '10.1.0.1', id: '', token: '' };
  await api.signIn(staff);
  const products = [
    ...Array.from({ length: plentiful }, () => ({ kind: 'STOCKED' as const, onHand: plentifulOnHand })),
    ...Array.from({ length: scarce }, () => ({ kind: 'STOCKED' as const, onHand: scarceOnHand })),
    { kind: 'BOOKABLE' as const, onHand: 0 },
  ];
  const shop: Shop = {
    fleet,
    api,
    journal,
    staff,
    manualCapture,
    closing: false,
    products: await Promise.all(
      products.map(async (product, index) => ({ ...product, id: await createProduct(api, staff, { ...product, index }) })),
    ),
    buyers: await Promise.all(Array.from({ length: options.buyers }, (_, index) => openBuyer(fleet, { api, journal, index }))),
  }; // prettier-ignore
  for (let round = 0; round < firstCredits; round += 1)
    await Promise.all(shop.buyers.map((buyer) => credit(shop, buyer)));
  return shop;
}

async function createProduct(
  api: Api,
  staff: Person,
  { kind, onHand, index }: Omit<Product, 'id'> & { index: number },
): Promise<string> {
  const rooms = kind === 'BOOKABLE' ? { capacity: 200, maxGuests: 2 } : {};
  const input = {
    sku: `TORTURE-${index}`,
    kind,
    name: `Product ${index}`,
    description: 'For torture.',
    price: { amount: 500 + 137 * index, currency: 'EUR' },
    initialOnHand: onHand,
    ...rooms,
  };
  type Created = { createProduct: { product: { id: string } | null } };
  const created = await api.ask<Created>({
    document: createProductDocument,
    variables: { input, idempotencyKey: randomUUID() },
    person: staff,
  });
  const id = created?.createProduct.product?.id;
  if (id === undefined) throw new Error(`no product: ${JSON.stringify(created)}`);
  return id;
}

async function openBuyer(
  fleet: Fleet,
  { api, journal, index }: { api: Api; journal: Journal; index: number },
): Promise<Buyer> {
  const person: Person = {
    mobile: `1770000${String(index).padStart(4, '0')}`,
    password: 'many a slip twixt cup and lip',
    address: `10.2.${Math.floor(index / 250)}.${(index % 250) + 1}`,
    id: '',
    token: '',
  };
  type Registered = { register: { user: { id: string } | null; tokens: { accessToken: string } | null } };
  const { mobile, password } = person;
  const registered = await api.ask<Registered>({
    document: registerDocument,
    variables: { input: { name: `Buyer ${index}`, mobile, password } },
    person,
  });
  const { user, tokens } = registered?.register ?? {};
  if (user && tokens) {
    person.id = user.id;
    person.token = tokens.accessToken;
  } else {
    // The answer to an earlier try may have been lost: then the account is there.
    await api.signIn(person);
  }
  if (person.token === '') throw new Error(`no buyer: ${JSON.stringify(registered)}`);
  const watch = watchOrders({ wsUrl: fleet.wsUrl, api, person, journal });
  return { index, person, watch, busy: 0, followed: new Map() };
}

/** Gives a buyer money to spend. */
export async function credit(shop: Shop, buyer: Buyer): Promise<void> {
  const told = { key: randomUUID(), buyer: buyer.index, amountMinor: creditMinor, acknowledged: false };
  shop.journal.credits.push(told);
  await askForCredit(shop, told);
}

/** Asks for a credit, again with its key when it was asked for before. */
export async function askForCredit({ api, buyers, staff }: Shop, told: CreditTold): Promise<void> {
  type Credited = { creditWallet: { wallet: { id: string } | null; userErrors: { code: string }[] } };
  const credited = await api.ask<Credited>({
    document: creditDocument,
    variables: {
      userId: buyers[told.buyer]?.person.id,
      amount: { amount: told.amountMinor, currency: 'EUR' },
      idempotencyKey: told.key,
    },
    person: staff,
  });
  told.acknowledged = Boolean(credited?.creditWallet.wallet);
  if (credited && !told.acknowledged) throw new Error(`no credit: ${JSON.stringify(credited)}`);
}
