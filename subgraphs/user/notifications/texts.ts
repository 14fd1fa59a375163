import type { Format } from './format.ts';
import type { NotificationKind } from './kinds.ts';
import type { Locale } from '../domain/locale.ts';
import type { Facts } from './notification.ts';

/** Plain text: nothing here is HTML, and whoever makes HTML of it escapes it. */
type Text = (facts: Facts, format: Format) => string;
type TextsOfKind = { readonly title: Text; readonly body: Text };

/** Words of a mail around the texts. */
type Words = {
  readonly greeting: (name: string | null) => string;
  readonly viewOrder: string;
  readonly trackParcel: string;
  readonly order: string;
  readonly parcel: string;
  readonly quantity: string;
  readonly subtotal: string;
  readonly discount: string;
  readonly shipping: string;
  readonly tax: string;
  readonly includedTax: string;
  readonly total: string;
  readonly shippedTo: string;
  readonly stay: (from: string, to: string) => string;
  readonly yourCode: string;
  readonly footer: (shop: string) => string;
};

export type Texts = Readonly<Record<NotificationKind, TextsOfKind>> & { readonly words: Words };

const withNumber = (before: string, { number }: Facts, after: string): string =>
  number === undefined ? `${before} ${after}` : `${before} ${number} ${after}`;
const moneyOf = ({ amountMinor, currency }: Facts, format: Format): string | null =>
  amountMinor === undefined || currency === undefined ? null : format.money(amountMinor, currency);

const english: Texts = {
  words: {
    greeting: (name) => (name === null ? 'Hello,' : `Hello ${name},`),
    viewOrder: 'View order',
    trackParcel: 'Track parcel',
    order: 'Your order',
    parcel: 'In this parcel',
    quantity: 'Qty',
    subtotal: 'Subtotal',
    discount: 'Discount',
    shipping: 'Shipping',
    tax: 'Tax',
    includedTax: 'Tax included',
    total: 'Total',
    shippedTo: 'Ships to',
    stay: (from, to) => `${from} to ${to}`,
    yourCode: 'Your code',
    footer: (shop) => `You receive this message because you have an account or an order at ${shop}.`,
  },
  ORDER_PAID: {
    title: (facts) => withNumber('Order', facts, 'is paid'),
    body: () => 'Thank you. We have your payment and are preparing your order.',
  },
  CHECK_IN_CODE: {
    title: (facts) => withNumber('Booking', facts, 'is paid: your check-in code'),
    body: () =>
      'Thank you. We have your payment. Show the check-in code of your booking on arrival, and to nobody before.',
  },
  ORDER_SHIPPED: {
    title: (facts) => withNumber('Order', facts, 'is on its way'),
    body: ({ carrier, trackingNumber }) =>
      [
        'We have handed your parcel over',
        carrier === undefined ? '' : ` to ${carrier}`,
        trackingNumber === undefined ? '.' : `. Its tracking number is ${trackingNumber}.`,
      ].join(''),
  },
  ORDER_DELIVERED: {
    title: (facts) => withNumber('Order', facts, 'was delivered'),
    body: () => 'Your parcel has arrived.',
  },
  ORDER_CANCELLED: {
    title: (facts) => withNumber('Order', facts, 'was cancelled'),
    body: () => 'What you have paid for it goes back the way it came; we tell you when it does.',
  },
  ORDER_EXPIRED: {
    title: (facts) => withNumber('Order', facts, 'has expired'),
    body: () => 'It was not paid in time, so nothing is sent. Money that still arrives goes back by itself.',
  },
  ORDER_REFUNDED: {
    title: (facts, format) => {
      const money = moneyOf(facts, format);
      return withNumber(money === null ? 'Money for order' : `${money} for order`, facts, 'went back to you');
    },
    body: () => 'It went back the way you paid. Depending on your bank it can take a few days until you see it.',
  },
  RETURN_DECIDED: {
    title: ({ returnNumber, approved }) =>
      `Return ${returnNumber ?? ''} was ${approved === true ? 'approved' : 'declined'}`.replace('  ', ' '),
    body: ({ approved, reason }) =>
      [
        approved === true
          ? 'Please send the goods back to us. Your money goes back once they are here.'
          : 'We can’t take the goods back.',
        ...(reason === undefined ? [] : [`Our reason: ${reason}`]),
      ].join('\n'),
  },
  PAYMENT_ACTION_NEEDED: {
    title: (facts) => withNumber('Order', facts, 'waits for your payment'),
    body: (facts, format) => {
      const money = moneyOf(facts, format);
      return facts.until === undefined || money === null
        ? 'The payment did not work, and nothing was charged. You can pay in another way while the order is open.'
        : `Please transfer ${money} by ${format.moment(facts.until)}. The order’s page shows the account and the reference.`;
    },
  },
  PASSWORD_RESET: {
    title: () => 'Your code for a new password',
    body: () => 'A new password was asked for. If that was not you, do nothing: without the code your password stays.',
  },
  INVITATION: {
    title: () => 'You are invited',
    body: () => 'An account was made for you. Set its password with your mobile number and this code.',
  },
  EMAIL_VERIFICATION: {
    title: () => 'Confirm your e-mail address',
    body: () => 'Enter this code to confirm that this mailbox is yours. If you did not ask for it, do nothing.',
  },
  LOW_STOCK: {
    title: ({ product }) => `${product ?? 'A product'} is running out`,
    body: ({ available }, format) => `${format.number(available ?? 0)} left.`,
  },
  WEBHOOK_DISABLED: {
    title: ({ endpoint }) => `Your webhook endpoint${endpoint === undefined ? '' : ` at ${endpoint}`} was switched off`,
    body: ({ isGone }) =>
      [
        isGone === true ? 'It answered that it wants to hear nothing more.' : 'It has taken no message for three days.',
        'It hears of nothing that happens from now on. Switch it on again as soon as it takes messages.',
      ].join('\n'),
  },
};

const german: Texts = {
  words: {
    greeting: (name) => (name === null ? 'Guten Tag,' : `Guten Tag ${name},`),
    viewOrder: 'Bestellung ansehen',
    trackParcel: 'Sendung verfolgen',
    order: 'Ihre Bestellung',
    parcel: 'In diesem Paket',
    quantity: 'Menge',
    subtotal: 'Zwischensumme',
    discount: 'Rabatt',
    shipping: 'Versand',
    tax: 'Steuern',
    includedTax: 'Enthaltene Steuern',
    total: 'Gesamt',
    shippedTo: 'Lieferadresse',
    stay: (from, to) => `${from} bis ${to}`,
    yourCode: 'Ihr Code',
    footer: (shop) => `Sie erhalten diese Nachricht, weil Sie bei ${shop} ein Konto oder eine Bestellung haben.`,
  },
  ORDER_PAID: {
    title: (facts) => withNumber('Bestellung', facts, 'ist bezahlt'),
    body: () => 'Vielen Dank. Ihre Zahlung ist eingegangen; wir bereiten Ihre Bestellung vor.',
  },
  CHECK_IN_CODE: {
    title: (facts) => withNumber('Buchung', facts, 'ist bezahlt: Ihr Check-in-Code'),
    body: () =>
      'Vielen Dank. Ihre Zahlung ist eingegangen. Zeigen Sie den Check-in-Code Ihrer Buchung bei der Ankunft, und vorher niemandem.',
  },
  ORDER_SHIPPED: {
    title: (facts) => withNumber('Bestellung', facts, 'ist unterwegs'),
    body: ({ carrier, trackingNumber }) =>
      [
        'Wir haben Ihr Paket',
        carrier === undefined ? ' übergeben' : ` an ${carrier} übergeben`,
        trackingNumber === undefined ? '.' : `. Die Sendungsnummer lautet ${trackingNumber}.`,
      ].join(''),
  },
  ORDER_DELIVERED: {
    title: (facts) => withNumber('Bestellung', facts, 'wurde zugestellt'),
    body: () => 'Ihr Paket ist angekommen.',
  },
  ORDER_CANCELLED: {
    title: (facts) => withNumber('Bestellung', facts, 'wurde storniert'),
    body: () =>
      'Was Sie dafür bezahlt haben, geht auf dem gleichen Weg zurück; wir melden uns, sobald das geschehen ist.',
  },
  ORDER_EXPIRED: {
    title: (facts) => withNumber('Bestellung', facts, 'ist abgelaufen'),
    body: () =>
      'Sie wurde nicht rechtzeitig bezahlt, deshalb wird nichts geliefert. Geld, das noch eintrifft, geht von selbst zurück.',
  },
  ORDER_REFUNDED: {
    title: (facts, format) => {
      const money = moneyOf(facts, format);
      return withNumber(money === null ? 'Geld für Bestellung' : `${money} für Bestellung`, facts, 'erstattet');
    },
    body: () =>
      'Das Geld geht auf dem Weg zurück, auf dem Sie bezahlt haben. Je nach Bank dauert es einige Tage, bis Sie es sehen.',
  },
  RETURN_DECIDED: {
    title: ({ returnNumber, approved }) =>
      `Rücksendung ${returnNumber ?? ''} ${approved === true ? 'angenommen' : 'abgelehnt'}`.replace('  ', ' '),
    body: ({ approved, reason }) =>
      [
        approved === true
          ? 'Bitte senden Sie die Ware an uns zurück. Ihr Geld geht zurück, sobald sie hier ist.'
          : 'Wir können die Ware nicht zurücknehmen.',
        ...(reason === undefined ? [] : [`Unsere Begründung: ${reason}`]),
      ].join('\n'),
  },
  PAYMENT_ACTION_NEEDED: {
    title: (facts) => withNumber('Bestellung', facts, 'wartet auf Ihre Zahlung'),
    body: (facts, format) => {
      const money = moneyOf(facts, format);
      return facts.until === undefined || money === null
        ? 'Die Zahlung hat nicht geklappt, und nichts wurde abgebucht. Solange die Bestellung offen ist, können Sie anders bezahlen.'
        : `Bitte überweisen Sie ${money} bis ${format.moment(facts.until)}. Konto und Verwendungszweck stehen auf der Seite der Bestellung.`;
    },
  },
  PASSWORD_RESET: {
    title: () => 'Ihr Code für ein neues Passwort',
    body: () =>
      'Ein neues Passwort wurde angefordert. Waren Sie das nicht, müssen Sie nichts tun: Ohne den Code bleibt Ihr Passwort.',
  },
  INVITATION: {
    title: () => 'Sie sind eingeladen',
    body: () => 'Für Sie wurde ein Konto angelegt. Setzen Sie sein Passwort mit Ihrer Mobilnummer und diesem Code.',
  },
  EMAIL_VERIFICATION: {
    title: () => 'Bestätigen Sie Ihre E-Mail-Adresse',
    body: () =>
      'Bestätigen Sie mit diesem Code, dass dieses Postfach Ihnen gehört. Haben Sie ihn nicht angefordert, müssen Sie nichts tun.',
  },
  LOW_STOCK: {
    title: ({ product }) => `${product ?? 'Ein Produkt'} geht zur Neige`,
    body: ({ available }, format) => `Noch ${format.number(available ?? 0)} vorhanden.`,
  },
  WEBHOOK_DISABLED: {
    title: ({ endpoint }) =>
      `Ihr Webhook-Endpunkt${endpoint === undefined ? '' : ` bei ${endpoint}`} wurde abgeschaltet`,
    body: ({ isGone }) =>
      [
        isGone === true
          ? 'Er hat geantwortet, dass er nichts mehr hören will.'
          : 'Er hat seit drei Tagen keine Nachricht angenommen.',
        'Von dem, was ab jetzt geschieht, erfährt er nichts. Schalten Sie ihn wieder ein, sobald er Nachrichten annimmt.',
      ].join('\n'),
  },
};

export const textsOf: Readonly<Record<Locale, Texts>> = { EN: english, DE: german };
