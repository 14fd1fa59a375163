import { z } from 'zod';
import { addDays } from '../../shared/values/local-date.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { defineOrderType } from './define-order-type.ts';

const maxGiftMessageLength = 500;
/** How far ahead a wish may be. */
const maxDaysAhead = 366;

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

type Extension = z.infer<typeof extension>;

/** Goods of a shop: stocked products are shipped by staff (`fulfilOrder`), digital ones need no shipping. */
export const standard = defineOrderType({
  code: 'STANDARD',
  name: 'Standard order',
  numberPrefix: 'SO',
  extension,
  validate: ({ extension: given, today }) => {
    const { wishDate } = (given ?? {}) as Extension;
    if (wishDate === undefined) return [];
    const path = ['input', 'extension', 'wishDate'];
    if (wishDate < today) return [{ cause: 'WISH_DATE_PAST', message: `${wishDate} is over.`, path }];
    return wishDate > addDays(today, maxDaysAhead)
      ? [{ cause: 'WISH_DATE_TOO_FAR', message: `The date may be at most ${maxDaysAhead} days ahead.`, path }]
      : [];
  },
});
