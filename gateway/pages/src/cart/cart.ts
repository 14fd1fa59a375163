import { useSyncExternalStore } from 'react';

/** What somebody means to buy. Names, prices and stock are asked of the API whenever the cart is shown. */
export type CartLine = { readonly productId: string; readonly quantity: number };

const storageKey = 'cart';
/** As many lines as an order may have. */
const maxLines = 100;
export const maxPieces = 10_000;

const listeners = new Set<() => void>();
let lines: readonly CartLine[] = read();

function read(): readonly CartLine[] {
  try {
    const stored = JSON.parse(localStorage.getItem(storageKey) ?? '[]') as unknown;
    return Array.isArray(stored) ? stored.filter(isLine).slice(0, maxLines) : [];
  } catch {
    return [];
  }
}

const isLine = (value: unknown): value is CartLine => {
  const { productId, quantity } = (value ?? {}) as Partial<CartLine>;
  return typeof productId === 'string' && Number.isInteger(quantity) && (quantity ?? 0) > 0;
};

function keep(changed: readonly CartLine[]): void {
  lines = changed;
  try {
    localStorage.setItem(storageKey, JSON.stringify(changed));
  } catch {
    // Storage is switched off: the cart lives as long as the page.
  }
  for (const listener of listeners) listener();
}

// Another tab changed it.
window.addEventListener('storage', (event) => {
  if (event.key !== storageKey && event.key !== null) return;
  lines = read();
  for (const listener of listeners) listener();
});

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};
export const useCart = (): readonly CartLine[] => useSyncExternalStore(subscribe, () => lines);

/** Puts pieces of a product into the cart, beside those that are in it. False when it is full. */
export function addToCart(productId: string, quantity: number): boolean {
  const known = lines.find((line) => line.productId === productId);
  if (known !== undefined) {
    setQuantity(productId, known.quantity + quantity);
    return true;
  }
  if (lines.length >= maxLines) return false;
  keep([...lines, { productId, quantity }]);
  return true;
}

/** Zero takes the product out. */
export function setQuantity(productId: string, quantity: number): void {
  const wanted = Math.min(maxPieces, Math.max(0, Math.trunc(quantity)));
  keep(
    wanted === 0
      ? lines.filter((line) => line.productId !== productId)
      : lines.map((line) => (line.productId === productId ? { productId, quantity: wanted } : line)),
  );
}

/** Takes out what was ordered. */
export const removeFromCart = (productIds: readonly string[]): void =>
  keep(lines.filter((line) => !productIds.includes(line.productId)));
