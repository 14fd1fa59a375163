import type { MoneyJson } from '../../shared/values/money.ts';
import { type Format, formatOf } from './format.ts';
import { type Locale, languageOf } from '../domain/locale.ts';
import type { NotificationKind } from './kinds.ts';
import type { Notification } from './notification.ts';
import type { OrderFacts } from './order-facts.ts';
import { textsOf } from './texts.ts';

/** One row of an order's list: what it is, and how many. */
type Line = {
  readonly title: string;
  readonly detail: string | null;
  readonly quantity: string;
  readonly amount: string | null;
};

/** What a message says, in plain text: of it mails and SMS are made. */
export type Message = {
  readonly kind: NotificationKind;
  readonly language: string;
  readonly subject: string;
  readonly greeting: string;
  readonly paragraphs: readonly string[];
  readonly code: { readonly label: string; readonly value: string } | null;
  readonly order: { readonly heading: string; readonly quantity: string; readonly lines: readonly Line[] } | null;
  readonly sums: readonly { readonly label: string; readonly amount: string; readonly isTotal: boolean }[];
  readonly address: { readonly heading: string; readonly lines: readonly string[] } | null;
  /** The first one is the main one. */
  readonly links: readonly { readonly label: string; readonly url: string }[];
  readonly footer: string;
};

export type MessageInput = {
  readonly notification: Notification;
  readonly name: string;
  readonly locale: Locale;
  /** Null for what is about none. */
  readonly order: OrderFacts | null;
  /** The one-time code that it carries. */
  readonly code: string | null;
  readonly shop: string;
  readonly publicUrl: string;
};

/** Title and text of a notification, as its person's list shows them. No code is ever among them. */
export function textOf(
  { kind, facts }: Pick<Notification, 'kind' | 'facts'>,
  locale: Locale,
): { title: string; body: string } {
  const texts = textsOf[locale][kind];
  const format = formatOf(locale);
  return { title: texts.title(facts, format), body: texts.body(facts, format) };
}

/** Kinds of which the mail has all that was bought, with what it costs. */
const withSums: ReadonlySet<string> = new Set(['ORDER_PAID', 'CHECK_IN_CODE', 'ORDER_CANCELLED']);

/** Kinds whose mail may go to somebody who has no account: no text of the account's owner goes there. */
const toStrangers: ReadonlySet<string> = new Set(['EMAIL_VERIFICATION', 'INVITATION']);

export function messageOf(input: MessageInput): Message {
  const { notification, locale, order, shop, publicUrl } = input;
  const { kind, orderId } = notification;
  const { words } = textsOf[locale];
  const format = formatOf(locale);
  // An event of an earlier release has no number.
  const facts = { ...notification.facts, number: notification.facts.number ?? order?.number };
  const { title, body } = textOf({ kind, facts }, locale);
  const code = kind === 'CHECK_IN_CODE' ? (order?.confirmationCode ?? null) : input.code;
  const { trackingUrl } = facts;
  return {
    kind,
    language: languageOf[locale],
    subject: title,
    greeting: words.greeting(toStrangers.has(kind) ? null : input.name),
    paragraphs: body.split('\n'),
    code: code === null ? null : { label: words.yourCode, value: code },
    order: order && orderOf(order, input, format),
    sums: order && withSums.has(kind) ? sumsOf(order, locale, format) : [],
    address:
      order?.shippingAddress && kind === 'ORDER_PAID'
        ? { heading: words.shippedTo, lines: order.shippingAddress.formatted }
        : null,
    links: [
      ...(trackingUrl === undefined ? [] : [{ label: words.trackParcel, url: trackingUrl }]),
      ...(orderId === null ? [] : [{ label: words.viewOrder, url: `${publicUrl}/orders/${orderId}` }]),
    ],
    footer: words.footer(shop),
  };
}

/** What was bought; of a shipment what is in it. Other kinds need no list. */
function orderOf(order: OrderFacts, { notification, locale }: MessageInput, format: Format): Message['order'] {
  const { words } = textsOf[locale];
  const { kind, facts } = notification;
  if (kind === 'ORDER_SHIPPED') {
    const parcel = order.fulfilments.find(({ id }) => id === facts.fulfilmentId);
    const lines = (parcel?.lines ?? []).map(({ quantity, line }) => ({ title: line.title, detail: null, quantity: format.number(quantity), amount: null })); // prettier-ignore
    return { heading: words.parcel, quantity: words.quantity, lines };
  }
  if (!withSums.has(kind)) return null;
  const lines = order.lines.map((line) => {
    const stay = line.stayFrom && line.stayTo ? words.stay(format.day(line.stayFrom), format.day(line.stayTo)) : null;
    return {
      title: line.title,
      detail: stay ?? line.subtitle,
      quantity: format.number(line.quantity),
      amount: format.money(line.subtotal.amount, line.subtotal.currency),
    };
  });
  return { heading: words.order, quantity: words.quantity, lines };
}

function sumsOf(order: OrderFacts, locale: Locale, format: Format): Message['sums'] {
  const { words } = textsOf[locale];
  const sum = (label: string, { amount, currency }: MoneyJson, isTotal = false) => ({ label, amount: format.money(amount, currency), isTotal }); // prettier-ignore
  const { subtotal, discountTotal, shippingTotal, taxTotal, total, pricesIncludeTax } = order;
  const minus = { ...discountTotal, amount: -discountTotal.amount };
  const tax = taxTotal.amount === 0 ? [] : [sum(pricesIncludeTax ? words.includedTax : words.tax, taxTotal)];
  return [
    sum(words.subtotal, subtotal),
    ...(discountTotal.amount === 0 ? [] : [sum(words.discount, minus)]),
    ...(shippingTotal.amount === 0 ? [] : [sum(words.shipping, shippingTotal)]),
    ...(pricesIncludeTax ? [] : tax),
    sum(words.total, total, true),
    ...(pricesIncludeTax ? tax : []),
  ];
}
