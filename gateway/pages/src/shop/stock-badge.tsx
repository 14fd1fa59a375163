import type { ProductKind } from '../../../../schema/generated/operations.ts';

const fewLeft = 5;

/** How many can still be bought. `available` null: the product has no stock to run out. */
export function StockBadge({ kind, available }: { kind: ProductKind; available: number | null }) {
  if (kind === 'DIGITAL') return <span className="badge">Download</span>;
  if (kind === 'BOOKABLE') return null;
  if (available === null) return null;
  if (available <= 0) return <span className="badge bad">Sold out</span>;
  if (available <= fewLeft) return <span className="badge wait">Only {available} left</span>;
  return <span className="badge good">{available} in stock</span>;
}
