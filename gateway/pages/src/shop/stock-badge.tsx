import type { ProductKind } from '../../../../schema/generated/operations.ts';
import { t } from '../language/catalogue.ts';

const fewLeft = 5;

/** How many can still be bought. `available` null: the product has no stock to run out. */
export function StockBadge({ kind, available }: { kind: ProductKind; available: number | null }) {
  if (kind === 'DIGITAL') return <span className="badge">{t().shop.download}</span>;
  if (kind === 'BOOKABLE') return null;
  if (available === null) return null;
  if (available <= 0) return <span className="badge bad">{t().shop.soldOut}</span>;
  if (available <= fewLeft) return <span className="badge wait">{t().shop.onlyLeft(available)}</span>;
  return <span className="badge good">{t().shop.left(available)}</span>;
}
