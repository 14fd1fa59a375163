import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Transfer, accountId, between, checkTransfer, shardOf } from '../../../subgraphs/payment/domain/ledger.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';

const wallet = { ownerId: newId(), currency: 'EUR' };
const transfer = (moves: Transfer['moves']): Transfer => ({
  reference: 'test:1',
  reason: 'test',
  paymentId: null,
  orderId: null,
  moves,
});

describe('a transfer', () => {
  test('between any two accounts sums to zero', () => {
    const kinds = fc.constantFrom('AVAILABLE', 'HELD', 'SALES', 'CREDITS', 'TOP_UPS');
    fc.assert(
      fc.property(kinds, kinds, fc.bigInt({ min: 1n, max: 2n ** 53n }), (from, to, amountMinor) => {
        fc.pre(from !== to);
        const moves = between(wallet, { from, to }, amountMinor);
        expect(moves.reduce((sum, move) => sum + move.amountMinor, 0n)).toBe(0n);
        checkTransfer(transfer(moves));
      }),
    );
  });

  test.each<[string, Transfer['moves']]>([
    ['makes money', [between(wallet, { from: 'CREDITS', to: 'AVAILABLE' }, 5n)[1]!, between(wallet, { from: 'SALES', to: 'HELD' }, 4n)[0]!]],
    ['has one side', [between(wallet, { from: 'CREDITS', to: 'AVAILABLE' }, 5n)[1]!]],
    ['moves nothing', between(wallet, { from: 'CREDITS', to: 'AVAILABLE' }, 0n)],
    ['goes from an account to itself', between(wallet, { from: 'HELD', to: 'HELD' }, 5n)],
    ['changes the currency', [between(wallet, { from: 'HELD', to: 'SALES' }, 5n)[0]!, between({ ...wallet, currency: 'USD' }, { from: 'HELD', to: 'SALES' }, 5n)[1]!]],
  ])('that %s is refused', (_, moves) => {
    expect(() => checkTransfer(transfer(moves))).toThrow(RangeError);
  }); // prettier-ignore
});

describe('an account', () => {
  test('has the same id each time, and another one for another owner, kind or currency', () => {
    const ids = [
      accountId({ kind: 'AVAILABLE', ...wallet }),
      accountId({ kind: 'HELD', ...wallet }),
      accountId({ kind: 'AVAILABLE', ...wallet, currency: 'USD' }),
      accountId({ kind: 'AVAILABLE', ...wallet, ownerId: newId() }),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(accountId({ kind: 'AVAILABLE', ...wallet })).toBe(ids[0]);
  });

  test('of the house has 16 shards, and each customer one of them', () => {
    const shards = new Set(Array.from({ length: 2_000 }, () => shardOf(newId())));
    expect(shards.size).toBe(16);
    expect(shardOf(wallet.ownerId)).toBe(shardOf(wallet.ownerId));
  });
});
