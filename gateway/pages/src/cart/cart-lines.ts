/** What somebody means to buy. Names, prices and stock are asked of the API whenever the cart is shown. */
export type CartLine = { readonly productId: string; readonly quantity: number };

/** As many lines as an order may have. */
export const maxLines = 100;
export const maxPieces = 10_000;

const isLine = (value: unknown): value is CartLine => {
  const { productId, quantity } = (value ?? {}) as Partial<CartLine>;
  return typeof productId === 'string' && Number.isInteger(quantity) && (quantity ?? 0) > 0;
};

/** The lines of a cart as it was stored; without what is no line, and empty where it is no cart. */
export function linesIn(text: string | null): readonly CartLine[] {
  let found: unknown;
  try {
    found = JSON.parse(text ?? '[]');
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  return Array.isArray(found) ? found.filter(isLine).slice(0, maxLines) : [];
}

/** Two carts as one: the pieces of each product together, as far as a cart goes. */
export function merged(lines: readonly CartLine[], added: readonly CartLine[]): readonly CartLine[] {
  const pieces = new Map(lines.map(({ productId, quantity }) => [productId, quantity]));
  for (const { productId, quantity } of added) {
    pieces.set(productId, Math.min(maxPieces, (pieces.get(productId) ?? 0) + quantity));
  }
  return [...pieces].slice(0, maxLines).map(([productId, quantity]) => ({ productId, quantity }));
}
