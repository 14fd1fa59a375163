import { LRUCache } from 'lru-cache';
import type { ServiceCaller } from '../../subgraphs/shared/calls/link.ts';
import { newTraceId } from '../../subgraphs/shared/process/telemetry.ts';
import { deadlineIn } from '../../subgraphs/shared/time/deadline.ts';
import { decimalText, minorDigits } from '../../subgraphs/shared/values/currencies.ts';
import { escaped } from './page-html.ts';
import type { ProductHead } from './product-heads.ts';
import type { Language } from './src/language/catalogue.ts';
import { de } from './src/language/de.ts';
import { type Messages, en } from './src/language/en.ts';

type Price = { readonly amount: number; readonly currency: string };
type Card = {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly subtitle: string | null;
  readonly cover: string | null;
  readonly kind: string;
  readonly price: Price;
  readonly group: { readonly id: string; readonly name: string } | null;
};
export type Shelf = { readonly cards: readonly Card[]; readonly categories: readonly { readonly name: string }[] };
/** What everybody sees on the shop's first screen; null while the product service can't be asked. */
export type FirstShelf = () => Promise<Shelf | null>;

const keptMs = 60_000;
/** The page works without: its reader isn't kept waiting for it. */
const timeoutMs = 500;
/** As many as the page's script asks for, and as many of them as a first screen has. */
const askedProducts = 24;
const shownCards = 6;

const query = `query FirstShelf {
  products(first: ${askedProducts}, filter: { status: [ON_SALE] }) {
    edges { node { id sku name subtitle cover kind price { amount currency } group { id name } } }
  }
  categories { name parent { id } }
}`;
type Answer = {
  products: { edges: { node: Card }[] };
  categories: { name: string; parent: { id: string } | null }[];
};

/** Asks the product service as somebody who isn't signed in, once a minute. */
export function openFirstShelf(call: ServiceCaller): FirstShelf {
  const kept = new LRUCache<'shelf', Shelf>({ max: 1, ttl: keptMs });
  return async () => {
    const known = kept.get('shelf');
    if (known !== undefined) return known;
    try {
      const asked = { query, variables: {}, traceId: newTraceId(), deadline: deadlineIn(timeoutMs) };
      const { products, categories } = await call<Answer>('product', asked);
      const all = products.edges.map(({ node }) => node);
      // The forms of one thing are one card, as on the page itself.
      const cards = all.filter(
        ({ group }, index) => group === null || all.findIndex((other) => other.group?.id === group.id) === index,
      );
      const shelf = {
        cards: cards.slice(0, shownCards),
        categories: categories.filter(({ parent }) => parent === null),
      };
      kept.set('shelf', shelf);
      return shelf;
    } catch {
      // The service is away, which its readiness tells: the page says it to its reader.
      return null;
    }
  };
}

const wordsOf = (language: Language): Messages => (language === 'de' ? de : en);

function priceText({ amount, currency }: Price, language: Language): string {
  const digits = minorDigits(currency);
  const options = { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits } as const; // prettier-ignore
  return new Intl.NumberFormat(language, options).format(decimalText(amount, currency) as Intl.StringNumericLiteral);
}

/** The first picture is what is looked at: it comes before the scripts. */
const pictureHtml = (cover: string | null, name: string, { className = '', isFirst = false } = {}): string =>
  `<div class="picture ${className}" aria-hidden="true">${cover === null ? escaped(name.trim().charAt(0).toUpperCase()) : `<img src="${escaped(cover)}" alt=""${isFirst ? ' fetchpriority="high"' : ''} />`}</div>`;

/** A page as it comes: what is read at once, until its script has asked for the same. `main` replaces the built page's. */
function withMain(built: string, words: Messages, main: string): string {
  const { frame } = words;
  const head = `<nav aria-label="${escaped(frame.mainNavigation)}"><a href="/" aria-current="page">${escaped(frame.shop)}</a><a href="/orders">${escaped(frame.orders)}</a><a href="/cart">${escaped(frame.cart)}</a></nav><div class="who"><a class="button quiet" href="/orders">${escaped(frame.signIn)}</a></div>`;
  return built
    .replace(/(<span class="brand">[\s\S]*?<\/span>)/, (brand) => `${brand}${head}`)
    .replace(/<main class="wrap">[\s\S]*?<\/main>/, () => `<main class="wrap" data-first>${main}</main>`);
}

/** The shop with the first of its shelf. */
export function shopHtml(built: string, { cards, categories }: Shelf, language: Language): string {
  const words = wordsOf(language);
  const { shop } = words;
  const chips = [shop.everything, ...categories.map(({ name }) => name)]
    .map(
      (name, index) =>
        `<li><button class="chip" disabled${index === 0 ? ' aria-current="true"' : ''}>${escaped(name)}</button></li>`,
    ) // prettier-ignore
    .join('');
  const filters = `<form class="filters"><div class="field search"><input type="search" placeholder="${escaped(shop.search)}" aria-label="${escaped(shop.search)}" disabled /></div><label class="switch"><input type="checkbox" disabled /><span>${escaped(shop.inStock)}</span></label><div class="field sort"><select aria-label="${escaped(shop.sortBy)}" disabled><option>${escaped(shop.newest)}</option></select></div><nav class="categories" aria-label="${escaped(shop.categories)}"><ul>${chips}</ul></nav></form>`;
  const items = cards.map((card, index) => {
    const { id, cover, subtitle, group, kind, price } = card;
    const name = group?.name ?? card.name;
    const press = group !== null ? shop.choose : kind === 'BOOKABLE' ? shop.chooseDates : shop.addToCart;
    return `<li class="card product">${pictureHtml(cover, name, { isFirst: index === 0 })}<div class="text"><h3><a href="/products/${escaped(id)}">${escaped(name)}</a></h3>${subtitle === null ? '' : `<p class="small muted subtitle">${escaped(subtitle)}</p>`}<p class="price"><strong>${escaped(priceText(price, language))}</strong>${kind === 'BOOKABLE' ? `<span class="small muted">${escaped(shop.aNight)}</span>` : ''}</p>${group === null && kind !== 'BOOKABLE' ? '<p class="small"><span class="badge">&nbsp;</span></p>' : ''}<a class="button quiet" href="/products/${escaped(id)}">${escaped(press)}</a></div></li>`;
  });
  const main = `<section class="hero"><h1>${escaped(shop.title)}</h1><p class="lead">${escaped(shop.lead)}</p></section><section>${filters}<ul class="products">${items.join('')}</ul></section>`;
  return withMain(built, words, main);
}

/** A product's page with what its head knows. */
export function productHtml(built: string, { shown }: ProductHead, language: Language): string {
  const words = wordsOf(language);
  const { name, subtitle, description, cover, kind, price } = shown;
  const main = `<article class="product-page"><nav class="back" aria-label="${escaped(words.shop.whereThisIs)}"><a href="/">${escaped(words.frame.shop)}</a></nav>${pictureHtml(cover, name, { className: 'card', isFirst: true })}<div class="about"><h1>${escaped(name)}</h1>${subtitle === null ? '' : `<p class="lead">${escaped(subtitle)}</p>`}<p class="price"><strong>${escaped(priceText(price, language))}</strong>${kind === 'BOOKABLE' ? `<span class="small muted">${escaped(words.shop.aNight)}</span>` : ''}</p>${kind === 'BOOKABLE' ? '' : '<p><span class="badge">&nbsp;</span></p>'}<p class="description">${escaped(description)}</p></div></article>`;
  return withMain(built, words, main);
}
