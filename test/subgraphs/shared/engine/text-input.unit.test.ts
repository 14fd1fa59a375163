import { describe, expect, test } from '@jest/globals';
import { brokenTextRule } from '../../../../subgraphs/shared/values/text.ts';
import { checkLength } from '../../../../subgraphs/order/commands/context.ts';
import { checkInput } from '../../../../subgraphs/order/domain/pricing/check-input.ts';
import { checkContent } from '../../../../subgraphs/product/domain/product.ts';
import { checkDeltas, checkSets } from '../../../../subgraphs/product/domain/stock.ts';
import { checkName, checkProfile } from '../../../../subgraphs/user/domain/user.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { money } from '../../../../subgraphs/shared/values/money.ts';

const content = {
  name: 'Mug', subtitle: null, description: '', cover: null, images: [], price: money(100n, 'EUR'), marketPrice: null, addOns: [],
  status: 'ON_SALE', categoryId: null, taxCategory: 'standard', weightGrams: null, capacity: null, maxGuests: null,
} as const; // prettier-ignore
const addOn = (name: string) => ({ code: 'a', name, unitPrice: { amount: 0, currency: 'EUR' }, perPerson: false, perNight: false }); // prettier-ignore
const paths = (refusals: readonly { path?: readonly string[] }[]): string[] => refusals.map(({ path }) => String(path?.at(-1))); // prettier-ignore

/** Every text that people write, as its check has it: whether it is taken. */
const fields: Readonly<Record<string, (text: string) => boolean>> = {
  'a user’s name': (text) => checkName(text, []).ok,
  'a nickname': (text) => 'values' in checkProfile({ nickname: text }),
  'a product’s name': (name) => !paths(checkContent({ ...content, name })).includes('name'),
  'a subtitle': (subtitle) => !paths(checkContent({ ...content, subtitle })).includes('subtitle'),
  'an add-on’s name': (text) => checkContent({ ...content, addOns: [addOn(text)] }).length === 0,
};
const withLines: typeof fields = {
  'what users say of themselves': (info) => 'values' in checkProfile({ info }),
  'a description': (description) => checkContent({ ...content, description }).length === 0,
  'a reason for a change of stock': (reason) => checkDeltas([{ productId: newId(), delta: 1, reason }]).length === 0,
  'a reason for a count': (reason) =>
    checkSets([{ productId: newId(), onHand: 1, expectedOnHand: 1, reason }]).length === 0,
  'a remark': (remark) => {
    const checked = checkInput({ type: 'STANDARD', currency: 'EUR', lines: [{ productId: newId(), quantity: 1 }], remark }, null); // prettier-ignore
    return !('refusals' in checked && paths(checked.refusals).includes('remark'));
  },
  'a note, a reason of an order': (text) => checkLength('note', text, { min: 1, max: 1_024 }).length === 0,
};

describe.each(Object.entries({ ...fields, ...withLines }))('%s', (name, takes) => {
  test.each([
    ['letters of any script', 'Grüße, 東京, مرحبا'],
    ['a letter and its accent apart', 'Cafe\u0301'],
    ['emoji of several code points', '👩‍👩‍👧‍👦'],
    ['a byte order mark beside letters', '\ufeffMug'],
  ])('has %s', (_, text) => {
    expect(takes(text)).toBe(true);
  });

  test.each([
    ['NUL', 'a\u0000b'],
    ['an escape sequence of terminals', '\u001b[31mred'],
    ['a backspace', 'ab\b'],
    ['delete', 'a\u007fb'],
    ['a control character beyond ASCII', 'a\u0085b'],
    ['half of a surrogate pair', 'a\ud800'],
  ])('has no %s', (_, text) => {
    expect(takes(text)).toBe(false);
  });

  test(`has ${name in withLines ? 'lines' : 'one line'}`, () => {
    expect(takes('one\r\n\ttwo')).toBe(name in withLines);
  });
});

test.each(['', '   ', '\u200b\u200d', '\u2800\u2800', '\u00ad', '\u3164', '\n\n'])(
  'of text that has to be there something is seen: %j',
  (text) => {
    for (const lines of [true, false]) {
      expect(brokenTextRule(text, { min: 1, max: 10, lines })).toMatch(/characters/);
      if (!text.includes('\n')) expect(brokenTextRule(text, { min: 0, max: 10, lines })).toBeNull();
    }
  },
);

test('characters are code points', () => {
  expect(brokenTextRule('😀'.repeat(10), { min: 1, max: 10, lines: false })).toBeNull();
  expect(brokenTextRule('😀'.repeat(11), { min: 1, max: 10, lines: false })).toBe('has 1 to 10 characters');
});
