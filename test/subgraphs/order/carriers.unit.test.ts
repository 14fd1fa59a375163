import { expect, it } from '@jest/globals';
import { trackingPage } from '../../../subgraphs/order/domain/carriers.ts';

it.each([
  ['DHL', '00340434161094042557', 'https://www.dhl.com/global-en/home/tracking.html?tracking-id=00340434161094042557'],
  ['ups', '1z 999 aa1 01 2345 6784', 'https://www.ups.com/track?tracknum=1Z999AA10123456784'],
  ['FedEx', '123456789012', 'https://www.fedex.com/fedextrack/?trknbr=123456789012'],
  ['USPS', '9400111899223100001234', 'https://tools.usps.com/go/TrackConfirmAction?tLabels=9400111899223100001234'],
  ['DPD', '01234567890123', 'https://tracking.dpd.de/status/en_US/parcel/01234567890123'],
  ['GLS', '12345678901', 'https://gls-group.eu/EU/en/parcel-tracking?match=12345678901'],
  ['Royal Mail', 'AB123456789GB', 'https://www.royalmail.com/track-your-item#/tracking-results/AB123456789GB'],
  ['La Poste', '6A12345678901', 'https://www.laposte.fr/outils/suivre-vos-envois?code=6A12345678901'],
  ['Japan-Post', '1234-5678-9012', 'https://trackings.post.japanpost.jp/services/srv/search/direct?reqCodeNo1=123456789012&locale=en'],
])('[AP-5] the page of a parcel of %s with the number %s is found', (carrier, number, page) => {
  expect(trackingPage(carrier, number)).toBe(page);
}); // prettier-ignore

it.each([
  ['Aunt Mary', '123456789012'],
  ['UPS', '123456789012'],
  ['DHL', 'call me'],
  ['DHL', '1234567890&next=https://evil.example'],
  ['constructor', '123456789012'],
  ['', ''],
])('[AP-5] of %j no page is made for the number %j', (carrier, number) => {
  expect(trackingPage(carrier, number)).toBeNull();
});
