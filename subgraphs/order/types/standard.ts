import { z } from 'zod';
import { brokenTextRule } from '../../shared/values/text.ts';
import { defineOrderType } from './define-order-type.ts';

const maxGiftMessageLength = 500;

/** What a buyer may add: a message on the gift's card, and the day on which it should arrive. */
const extension = z
  .strictObject({
    giftMessage: z
      .string()
      .max(maxGiftMessageLength)
      .refine((text) => brokenTextRule(text, { min: 1, max: maxGiftMessageLength, lines: true }) === null, {
        error: 'must have characters that can be seen, and no control characters but line ends and tabs',
      })
      .describe('Printed on a card that goes with the goods.')
      .optional(),
    wishDate: z.iso.date().describe('The day on which it should arrive.').optional(),
  })
  .describe('What goes with a standard order.');

/** Goods of a shop: stocked products are shipped by staff (`fulfilOrder`), digital ones need no shipping. */
export const standard = defineOrderType({
  code: 'STANDARD',
  name: 'Standard order',
  numberPrefix: 'SO',
  extension,
});
