import type { ProductStatus } from '../../../../../schema/generated/operations.ts';

/** How a product stands, in words and as a badge. */
export const statusWords: Readonly<Record<ProductStatus, readonly [text: string, tone: string]>> = {
  ON_SALE: ['On sale', 'good'],
  OFF_SALE: ['Off sale', ''],
  DRAFT: ['Draft', 'wait'],
  ARCHIVED: ['Removed', 'bad'],
};
