import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, parse } from 'graphql';
import { breakingChanges, digestOf } from '../../schema/api-baseline.ts';

const sdl = readFileSync(new URL('../../schema/api.graphql', import.meta.url), 'utf8');
const api = buildSchema(sdl);
const digest = digestOf(api);

test('the digest of the API is the API but for its words, a definition a line', () => {
  expect(breakingChanges(api, buildSchema(digest))).toEqual([]);
  expect(breakingChanges(buildSchema(digest), api)).toEqual([]);
  expect(digestOf(buildSchema(digest))).toBe(digest);
  expect(digest.split('\n')).toHaveLength(parse(sdl).definitions.length + 1);
  expect(digest).not.toContain('"""');
});

describe('against the digest', () => {
  test.each([
    ['a removed field', 'nickname:String notifications(', 'notifications(', 'User.nickname was removed.'],
    ['a type of another kind', 'scalar LocalDate\n', 'enum LocalDate{TODAY}\n', 'LocalDate changed from a Scalar type to an Enum type.'], // prettier-ignore
    ['another type of a field', 'type Money{amount:SafeInt!', 'type Money{amount:Float!', 'Money.amount changed type from SafeInt! to Float!.'], // prettier-ignore
    ['a field that may be null now', 'type Money{amount:SafeInt!', 'type Money{amount:SafeInt ', 'Money.amount changed type from SafeInt! to SafeInt.'], // prettier-ignore
    ['a new argument that is required', 'wallet(currency:String):Wallet}', 'wallet(currency:String of:ID!):Wallet}', 'A required arg of on User.wallet was added.'], // prettier-ignore
    ['an argument that is required now', 'wallet(currency:String):Wallet}', 'wallet(currency:String!):Wallet}', 'User.wallet arg currency has changed type from String to String!.'], // prettier-ignore
    [
      'a removed argument',
      'wallet(currency:String):Wallet}',
      'wallet:Wallet}',
      'User.wallet arg currency was removed.',
    ],
    ['a new input field that is required', 'input MoneyInput{', 'input MoneyInput{rate:Float!', 'A required field rate on input type MoneyInput was added.'], // prettier-ignore
    [
      'a removed input field',
      'remark:String shippingAddress',
      'shippingAddress',
      'PlaceOrderInput.remark was removed.',
    ],
    ['a removed value', 'enum LedgerDirection{CREDIT DEBIT}', 'enum LedgerDirection{CREDIT}', 'DEBIT was removed from enum type LedgerDirection.'], // prettier-ignore
    ['a removed member of a union', 'union OrderError=ApprovalRequiredError|', 'union OrderError=', 'ApprovalRequiredError was removed from union type OrderError.'], // prettier-ignore
    ['a removed interface', 'type ForbiddenError implements UserError{', 'type ForbiddenError{', 'ForbiddenError no longer implements interface UserError.'], // prettier-ignore
    ['another default of an argument', 'delayedJobs(overdueOnly:Boolean=false)', 'delayedJobs(overdueOnly:Boolean=true)', 'Query.delayedJobs arg overdueOnly has changed defaultValue from false to true.'], // prettier-ignore
    ['another default of an input field', 'direction:SortDirection!=DESC', 'direction:SortDirection!=ASC', 'ProductOrder.direction has changed defaultValue from "DESC" to "ASC".'], // prettier-ignore
    ['a default that an input field had', 'perNight:Boolean!=false', 'perNight:Boolean ', 'AddOnInput.perNight has changed defaultValue from false to none.'], // prettier-ignore
  ])('%s is found and named', (_what, from, to, message) => {
    expect(digest.split(from)).toHaveLength(2);
    const changed = buildSchema(digest.replace(from, to));
    expect(breakingChanges(buildSchema(digest), changed)).toEqual([message]);
  });

  test('a removed type is found and named', () => {
    const changed = buildSchema(digest.replace('NotFoundError|ReplayFailedError', 'NotFoundError').replace(/^type ReplayFailedError .*\n/m, '')); // prettier-ignore
    expect(breakingChanges(buildSchema(digest), changed)).toEqual([
      'ReplayFailedError was removed.',
      'ReplayFailedError was removed from union type DeadLetterError.',
    ]);
  });

  test.each([
    ['a new field', 'type Money{', 'type Money{inWords:String '],
    ['a new argument that may be left out', 'wallet(currency:String):Wallet}', 'wallet(currency:String of:ID):Wallet}'],
    ['a new value', 'enum LedgerDirection{', 'enum LedgerDirection{NONE '],
    ['a field that is never null now', 'nickname:String notifications(', 'nickname:String!notifications('],
  ])('%s breaks nothing', (_what, from, to) => {
    expect(digest.split(from)).toHaveLength(2);
    expect(breakingChanges(buildSchema(digest), buildSchema(digest.replace(from, to)))).toEqual([]);
  });
});
