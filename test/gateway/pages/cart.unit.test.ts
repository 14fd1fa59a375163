import { expect, test } from '@jest/globals';
import { linesIn, maxLines, maxPieces, merged } from '../../../gateway/pages/src/cart/cart-lines.ts';

const line = (productId: string, quantity: number) => ({ productId, quantity });

test('a stored cart is read as it was written', () => {
  const lines = [line('a', 1), line('b', 20)];
  expect(linesIn(JSON.stringify(lines))).toEqual(lines);
  expect(linesIn(null)).toEqual([]);
});

test.each(['', 'null', '{}', '[', '7', '"cart"'])('what is no cart is an empty one: %j', (text) => {
  expect(linesIn(text)).toEqual([]);
});

test('what is no line is left out, and more lines than an order takes', () => {
  const broken = [line('a', 0), line('b', -1), line('c', 1.5), { productId: 1, quantity: 1 }, null, 'x'];
  expect(linesIn(JSON.stringify([...broken, line('d', 1)]))).toEqual([line('d', 1)]);
  const many = Array.from({ length: maxLines + 1 }, (_, index) => line(String(index), 1));
  expect(linesIn(JSON.stringify(many))).toHaveLength(maxLines);
});

test('two carts are one with the pieces of both', () => {
  expect(merged([line('a', 1), line('b', 2)], [line('b', 3), line('c', 4)])).toEqual([line('a', 1), line('b', 5), line('c', 4)]); // prettier-ignore
  expect(merged([line('a', maxPieces)], [line('a', 1)])).toEqual([line('a', maxPieces)]);
  const many = Array.from({ length: maxLines }, (_, index) => line(String(index), 1));
  expect(merged(many, [line('late', 1)])).toEqual(many);
});
