import { describe, expect, it } from '@jest/globals';
import {
  type PostalAddressInput,
  addressLengths,
  addressRefusals,
  countryCodes,
  labelOf,
  normalisedAddress,
} from '../../../../subgraphs/shared/values/postal-address.ts';

const berlin = { name: 'Ada Lovelace', line1: 'Invalidenstr. 117', city: 'Berlin', postalCode: '10115', countryCode: 'DE' }; // prettier-ignore
const fieldsRefused = (input: PostalAddressInput): unknown[] =>
  addressRefusals(input, ['address']).map(({ path }) => path?.join('.'));
const label = (input: PostalAddressInput): string[] => labelOf(normalisedAddress(input));

/** An address of each kind of country: its label, and what is refused when each optional field is left out. */
const known: Readonly<Record<string, { address: PostalAddressInput; label: string[]; requires: string[] }>> = {
  Germany: {
    address: { ...berlin, company: 'Analytical Engines GmbH', line2: 'Hinterhaus' },
    label: ['Ada Lovelace', 'Analytical Engines GmbH', 'Invalidenstr. 117', 'Hinterhaus', '10115 Berlin', 'GERMANY'],
    requires: ['postalCode'],
  },
  'the United States': {
    address: { name: 'Ada', line1: '350 5th Ave', city: 'New York', region: 'new york', postalCode: '10118-0110', countryCode: 'us' }, // prettier-ignore
    label: ['Ada', '350 5th Ave', 'New York, NY 10118-0110', 'UNITED STATES'],
    requires: ['region', 'postalCode'],
  },
  'the United Kingdom': {
    address: { name: 'Ada', line1: '10 Downing Street', city: 'London', postalCode: 'sw1a 2aa', countryCode: 'GB' },
    label: ['Ada', '10 Downing Street', 'London', 'SW1A 2AA', 'UNITED KINGDOM'],
    requires: ['postalCode'],
  },
  'Japan in Japanese': {
    address: { name: '山田太郎', line1: '千代田1-1', city: '千代田区', region: '東京都', postalCode: '100-0001', countryCode: 'JP' }, // prettier-ignore
    label: ['〒100-0001', '東京都', '千代田区', '千代田1-1', '山田太郎', 'JAPAN'],
    requires: ['region', 'postalCode'],
  },
  'Japan in Latin letters': {
    address: { name: 'Taro Yamada', line1: '1-1 Chiyoda', city: 'Chiyoda-ku', region: 'Tokyo', postalCode: '1000001', countryCode: 'JP' }, // prettier-ignore
    label: ['Taro Yamada', '1-1 Chiyoda', 'Chiyoda-ku, Tokyo', '1000001', 'JAPAN'],
    requires: ['region', 'postalCode'],
  },
  Ireland: {
    address: { name: 'Ada', line1: '1 O’Connell Street', city: 'Dublin', postalCode: 'd01 f5p2', countryCode: 'IE' },
    label: ['Ada', '1 O’Connell Street', 'Dublin', 'D01 F5P2', 'IRELAND'],
    requires: [],
  },
  China: {
    address: { name: '王小明', line1: '中山路1号', city: '合肥市', region: '安徽省', postalCode: '230001', countryCode: 'CN' }, // prettier-ignore
    label: ['230001', '安徽省合肥市', '中山路1号', '王小明', 'CHINA'],
    requires: ['region', 'postalCode'],
  },
  Brazil: {
    address: { name: 'Ada', line1: 'Av. Paulista 1578', city: 'São Paulo', region: 'Sao Paulo', postalCode: '01310-200', countryCode: 'BR' }, // prettier-ignore
    label: ['Ada', 'Av. Paulista 1578', 'São Paulo-SP', '01310-200', 'BRAZIL'],
    requires: ['region', 'postalCode'],
  },
  'Hong Kong': {
    address: { name: 'Ada', line1: '1 Austin Road West', city: 'Tsim Sha Tsui', region: 'kowloon', postalCode: '999077', countryCode: 'HK' }, // prettier-ignore
    label: ['Ada', '1 Austin Road West', 'Tsim Sha Tsui', 'Kowloon', 'HONG KONG'],
    requires: ['region'],
  },
  Singapore: {
    address: { name: 'Ada', line1: '1 Raffles Place', city: 'Singapore', postalCode: '048616', countryCode: 'SG' },
    label: ['Ada', '1 Raffles Place', 'SINGAPORE 048616', 'SINGAPORE'],
    requires: ['postalCode'],
  },
  Spain: {
    address: { name: 'Ada', line1: 'Gran Vía 1', city: 'Vitoria', region: 'Alava', postalCode: '01001', countryCode: 'ES' }, // prettier-ignore
    label: ['Ada', 'Gran Vía 1', '01001 Vitoria Álava', 'SPAIN'],
    requires: ['region', 'postalCode'],
  },
};

describe.each(Object.entries(known))('[CH-2] an address in %s', (_, { address, label: expected, requires }) => {
  it('is taken, and its label is the country’s', () => {
    expect(addressRefusals(address, [])).toEqual([]);
    expect(label(address)).toEqual(expected);
  });

  it('lacks nothing but what the country requires', () => {
    const { name, line1, city, countryCode } = address;
    expect(fieldsRefused({ name, line1, city, countryCode })).toEqual(requires.map((field) => `address.${field}`));
  });

  it('stays as it is when it is normalised again', () => {
    const once = normalisedAddress(address);
    expect(normalisedAddress(once)).toEqual(once);
  });
});

describe('[CH-2] an address', () => {
  it.each([
    ['DE', '1011'], ['US', 'ABCDE'], ['GB', '10115'], ['JP', '12345'], ['IE', '1'], ['CN', '12'], ['BR', '1234'], ['CA', '12345'],
  ])('in %s has no postal code like %s', (countryCode, postalCode) => {
    expect(fieldsRefused({ ...berlin, region: 'X', countryCode, postalCode })).toContain('address.postalCode');
  }); // prettier-ignore

  it.each(['AU', 'BR', 'CA', 'IT', 'US'])('in %s has one of its regions', (countryCode) => {
    expect(fieldsRefused({ ...berlin, countryCode, region: 'Atlantis' })).toContain('address.region');
  });

  it('drops what the country has no use for', () => {
    expect(normalisedAddress({ ...berlin, region: 'Berlin' }).region).toBeNull();
    expect(normalisedAddress({ ...berlin, countryCode: 'HK' }).postalCode).toBeNull();
  });

  it.each(['', 'D', 'XX', 'ZZ', 'DEU', 'AC', 'TA'])('is in no country called %j', (countryCode) => {
    expect(fieldsRefused({ ...berlin, countryCode })).toEqual(['address.countryCode']);
  });

  it('can be in each of the 249 countries of ISO 3166-1, and in Kosovo', () => {
    expect(countryCodes.size).toBe(250);
    expect(['DE', 'SD', 'SY', 'AQ', 'XK'].filter((code) => !countryCodes.has(code))).toEqual([]);
  });

  it('has a label in every country, with its name, its street and its city', () => {
    for (const countryCode of countryCodes) {
      const lines = label({ ...berlin, countryCode, city: 'Springfield', region: 'Somewhere' });
      for (const part of ['Ada Lovelace', 'Invalidenstr. 117', 'Springfield'])
        expect([countryCode, lines.filter((line) => line.includes(part)).length]).toEqual([countryCode, 1]);
    }
  });

  it.each([
    ['030 1234567', '+49301234567'],
    ['+1 (212) 555-0100', '+12125550100'],
    ['０３０ １２３４５６７', '+49301234567'],
  ])('has the phone number %s as %s', (phone, stored) => {
    expect(addressRefusals({ ...berlin, phone }, [])).toEqual([]);
    expect(normalisedAddress({ ...berlin, phone }).phone).toBe(stored);
  });

  it.each(['123', 'call me', '+49', '+1 212 555 0100 ext 5', '030 1234567; drop table address'])(
    'has no phone number %j',
    (phone) => {
      expect(fieldsRefused({ ...berlin, phone })).toEqual(['address.phone']);
    },
  );

  it.each(Object.entries(addressLengths))('has a %s of at most %d characters of one line', (field, max) => {
    expect(fieldsRefused({ ...berlin, [field]: '1'.repeat(max + 1) })).toContain(`address.${field}`);
    expect(fieldsRefused({ ...berlin, [field]: '1\n2' })).toContain(`address.${field}`);
  });

  it.each(['name', 'line1', 'city'])('needs a %s of which something is seen', (field) => {
    for (const text of ['', '  ', '\u200b']) expect(fieldsRefused({ ...berlin, [field]: text })).toEqual([`address.${field}`]); // prettier-ignore
  });
});
