import { useSyncExternalStore } from 'react';
import { currentSession, onSession, useSession } from '../session.ts';
import { type CartLine, linesIn, maxLines, maxPieces, merged } from './cart-lines.ts';

export { type CartLine, maxPieces };

const guestKey = 'cart';
/** A cart belongs to who filled it: on a shared device the next one finds it empty. */
const keyOf = (userId: string | null): string => (userId === null ? guestKey : `${guestKey}:${userId}`);
const ownKey = (): string => keyOf(currentSession()?.user.id ?? null);

const listeners = new Set<() => void>();
/** By key, as last read or written: the same object until it changes. */
const carts = new Map<string, readonly CartLine[]>();

function read(key: string): readonly CartLine[] {
  const known = carts.get(key);
  if (known !== undefined) return known;
  const lines = linesIn(stored(key));
  carts.set(key, lines);
  return lines;
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    // Storage is switched off: the cart lives as long as the page.
    return null;
  }
}

function keep(key: string, lines: readonly CartLine[]): void {
  carts.set(key, lines);
  try {
    if (lines.length === 0) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(lines));
  } catch {
    // As above, or it is full.
  }
  for (const listener of listeners) listener();
}

// Another tab changed it.
window.addEventListener('storage', ({ key }) => {
  if (key === null) carts.clear();
  else if (!carts.delete(key)) return;
  for (const listener of listeners) listener();
});

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

/** The cart of who is signed in, or of this browser while nobody is. */
export function useCart(): readonly CartLine[] {
  const key = keyOf(useSession()?.user.id ?? null);
  return useSyncExternalStore(subscribe, () => read(key));
}

/** What was put into the cart before the sign-in joins what the account has in it. */
function takeOverGuestCart(): void {
  const key = ownKey();
  const guest = read(guestKey);
  if (key === guestKey || guest.length === 0) return;
  keep(key, merged(read(key), guest));
  keep(guestKey, []);
}
// Before any page hears of the sign-in: none may see the account's cart without it.
onSession(takeOverGuestCart);
takeOverGuestCart();

/** Puts pieces of a product into the cart, beside those that are in it. False when it is full. */
export function addToCart(productId: string, quantity: number): boolean {
  const lines = read(ownKey());
  if (lines.length >= maxLines && !lines.some((line) => line.productId === productId)) return false;
  keep(ownKey(), merged(lines, [{ productId, quantity }]));
  return true;
}

/** Zero takes the product out. */
export function setQuantity(productId: string, quantity: number): void {
  const wanted = Math.min(maxPieces, Math.max(0, Math.trunc(quantity)));
  const lines = read(ownKey());
  keep(
    ownKey(),
    wanted === 0
      ? lines.filter((line) => line.productId !== productId)
      : lines.map((line) => (line.productId === productId ? { productId, quantity: wanted } : line)),
  );
}

/** Takes out what was ordered. */
export const removeFromCart = (productIds: readonly string[]): void =>
  keep(ownKey(), read(ownKey()).filter((line) => !productIds.includes(line.productId))); // prettier-ignore
