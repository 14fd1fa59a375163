import { expect, test } from '@jest/globals';
import { orderTypes, registerOrderTypes } from '../../../subgraphs/order/types/registry.ts';
import { aType } from './fixtures.ts';

test('every type is found by its code', () => {
  const types = orderTypes();
  for (const type of types.all) expect(types.find(type.code)).toBe(type);
  expect(types.all.map(({ code }) => code)).toEqual(['STANDARD', 'DIGITAL', 'BOOKING']);
});

test('registering a code twice is an error', () => {
  const [one, two] = [aType({ numberPrefix: 'AA' }), aType({ numberPrefix: 'BB' })];
  expect(() => registerOrderTypes(one, two)).toThrow('order type STANDARD is registered twice');
});

test('registering a number prefix twice is an error', () => {
  expect(() => registerOrderTypes(aType(), aType({ code: 'OTHER' }))).toThrow('number prefix SO is registered twice');
});

test('an unknown type is not found, and an error where a stored order has it', () => {
  const types = orderTypes();
  expect(types.find('NONE')).toBeNull();
  expect(() => types.get('NONE')).toThrow('order type NONE is not registered');
});

test('number prefixes are one to four capitals, and time and life of every type are within reason', () => {
  for (const type of orderTypes().all) {
    expect(type.numberPrefix).toMatch(/^[A-Z]{1,4}$/);
    expect(type.deliveryLifeSeconds).toBeGreaterThan(0);
  }
});
