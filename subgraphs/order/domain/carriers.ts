/** A carrier whose page of a parcel can be made from the parcel's number. */
type Carrier = { readonly numbers: RegExp; readonly page: (number: string) => string };

/** By name as staff write it, without case, spaces and hyphens. */
const carriers: Readonly<Record<string, Carrier>> = {
  DHL: { numbers: /^(?:JJD\d{10,22}|\d{10,20})$/, page: (number) => `https://www.dhl.com/global-en/home/tracking.html?tracking-id=${number}` },
  UPS: { numbers: /^1Z[0-9A-Z]{16}$/, page: (number) => `https://www.ups.com/track?tracknum=${number}` },
  FEDEX: { numbers: /^(?:\d{12}|\d{15}|\d{20}|\d{22})$/, page: (number) => `https://www.fedex.com/fedextrack/?trknbr=${number}` },
  USPS: { numbers: /^(?:\d{20,22}|[A-Z]{2}\d{9}US)$/, page: (number) => `https://tools.usps.com/go/TrackConfirmAction?tLabels=${number}` },
  DPD: { numbers: /^\d{14}$/, page: (number) => `https://tracking.dpd.de/status/en_US/parcel/${number}` },
  GLS: { numbers: /^(?:\d{11,12}|[0-9A-Z]{8})$/, page: (number) => `https://gls-group.eu/EU/en/parcel-tracking?match=${number}` },
  ROYALMAIL: { numbers: /^[A-Z]{2}\d{9}GB$/, page: (number) => `https://www.royalmail.com/track-your-item#/tracking-results/${number}` },
  LAPOSTE: { numbers: /^[0-9A-Z]{11,15}$/, page: (number) => `https://www.laposte.fr/outils/suivre-vos-envois?code=${number}` },
  JAPANPOST: { numbers: /^(?:\d{11,12}|[A-Z]{2}\d{9}JP)$/, page: (number) => `https://trackings.post.japanpost.jp/services/srv/search/direct?reqCodeNo1=${number}&locale=en` },
}; // prettier-ignore

/** The carrier's page of a parcel; null for a carrier, or a form of number, that is not known here. */
export function trackingPage(carrier: string, trackingNumber: string): string | null {
  const known = Object.entries(carriers).find(([name]) => name === carrier.toUpperCase().replaceAll(/[\s-]/g, ''))?.[1];
  const number = trackingNumber.toUpperCase().replaceAll(/[\s-]/g, '');
  return known?.numbers.test(number) ? known.page(number) : null;
}
