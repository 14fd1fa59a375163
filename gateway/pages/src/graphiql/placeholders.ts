import { newIdempotencyKey } from '../intents.ts';
import { notePayment } from './activity.ts';

/** What the examples' variables may name, and which example brings it. */
const bringers = {
  PRODUCT_ID: 'Products',
  CURRENCY: 'Products',
  ORDER_ID: 'PlaceOrder',
  PAYMENT_ID: 'CreatePayment',
} as const;
type Remembered = keyof typeof bringers;

const remembered = new Map<Remembered, string>();

type Answer = {
  products?: { edges?: { node?: { id?: string; price?: { currency?: string } } }[] };
  placeOrder?: { order?: { id?: string } | null };
  createPayment?: { payment?: { id?: string; attempts?: { clientParams?: { confirmUrl?: string } | null }[] } | null };
};

/** Keeps the ids of an answer for later examples. */
export function remember(data: unknown): void {
  const { products, placeOrder, createPayment } = (data ?? {}) as Answer;
  const product = products?.edges?.[0]?.node;
  const found: [Remembered, string | undefined][] = [
    ['PRODUCT_ID', product?.id],
    ['CURRENCY', product?.price?.currency],
    ['ORDER_ID', placeOrder?.order?.id],
    ['PAYMENT_ID', createPayment?.payment?.id],
  ];
  const confirmUrl = createPayment?.payment?.attempts?.at(-1)?.clientParams?.confirmUrl;
  if (typeof confirmUrl === 'string') notePayment(confirmUrl);
  for (const [name, value] of found) if (typeof value === 'string') remembered.set(name, value);
}

/** Replaces the words of `bringers`, `NEW_KEY` and `NEW_MOBILE` in variables. Throws what to run first. */
export function fillIn(variables: unknown): unknown {
  if (Array.isArray(variables)) return variables.map(fillIn);
  if (variables instanceof Object) {
    return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, fillIn(value)]));
  }
  if (variables === 'NEW_KEY') return newIdempotencyKey();
  if (variables === 'NEW_MOBILE') return newMobile();
  if (typeof variables !== 'string' || !(variables in bringers)) return variables;
  const name = variables as Remembered;
  const value = remembered.get(name);
  if (value === undefined)
    throw new Error(`Run “${bringers[name]}” first: its answer brings ${name}. Or write a value of your own.`);
  return value;
}

const newMobile = (): string =>
  `1${Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => String(byte % 10)).join('')}`;
