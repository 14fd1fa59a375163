import { expect, test } from '@jest/globals';
import { orderTypes, registerOrderTypes } from '../../../subgraphs/order/types/registry.ts';
import { aType } from './fixtures.ts';

test('every type is found by its code', () => {
  const types = orderTypes({ creditTopUp: async () => undefined });
  for (const type of types.all) expect(types.find(type.code)).toBe(type);
  expect(types.all.map(({ code }) => code)).toEqual(['STANDARD', 'DIGITAL', 'BOOKING', 'PREPAY', 'TOPUP']);
});

test('[ZO-1] registering a code twice is an error', () => {
  const [one, two] = [aType({ numberPrefix: 'AA' }), aType({ numberPrefix: 'BB' })];
  expect(() => registerOrderTypes(one, two)).toThrow('order type STANDARD is registered twice');
});

test('registering a number prefix twice is an error', () => {
  expect(() => registerOrderTypes(aType(), aType({ code: 'OTHER' }))).toThrow('number prefix SO is registered twice');
});

test.each([
  ['code', { code: 'lower' }],
  ['code', { code: '' }],
  ['numberPrefix', { numberPrefix: 'S' }],
  ['numberPrefix', { numberPrefix: 'S0' }],
  ['paymentWindowSeconds', { paymentWindowSeconds: 0 }],
  ['paymentWindowSeconds', { paymentWindowSeconds: 30 * 86_400 + 1 }],
  ['returnWindowDays', { returnWindowDays: -1 }],
  ['returnWindowDays', { returnWindowDays: 1.5 }],
  ['deliveryLifeSeconds', { deliveryLifeSeconds: 0 }],
])('[ZO-1] a type with a wrong %s (%j) is not registered', (setting, change) => {
  expect(() => registerOrderTypes(aType(change))).toThrow(`: ${setting} must be`);
});

test('[ZO-1] an unknown type is not found, and an error where a stored order has it', () => {
  const types = orderTypes({ creditTopUp: async () => undefined });
  expect(types.find('NONE')).toBeNull();
  expect(() => types.get('NONE')).toThrow('order type NONE is not registered');
});

test('number prefixes are two capitals, and time and life of every type are within reason', () => {
  for (const type of orderTypes({ creditTopUp: async () => undefined }).all) {
    expect(type.numberPrefix).toMatch(/^[A-Z]{2}$/);
    expect(type.deliveryLifeSeconds).toBeGreaterThan(0);
  }
});

test('money for the wallet is bought with a top-up and with nothing else, and a top-up takes nothing else', () => {
  const money = { sku: 'TOPUP-10', name: 'Ten euros' };
  const mug = { sku: 'MUG', name: 'Mug' };
  for (const type of orderTypes({ creditTopUp: async () => undefined }).all) {
    if (type.productKind !== null && type.productKind !== 'DIGITAL') continue;
    const refusing = type.code === 'TOPUP' ? mug : money;
    const taking = type.code === 'TOPUP' ? money : mug;
    expect([type.refuses(refusing), type.refuses(taking)]).toEqual([expect.stringContaining(refusing.name), null]);
  }
});
