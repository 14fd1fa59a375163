/** A product of the demo shop; its picture is `gateway/pages/public/products/<picture>.svg`. */
export type DemoProduct = {
  readonly sku: string;
  readonly kind: 'STOCKED' | 'BOOKABLE' | 'DIGITAL';
  /** Slug of its category. */
  readonly category: string;
  /** Which tax rates count for it: `standard` when left out. */
  readonly taxCategory?: 'reduced';
  /** What one weighs where it is shipped. */
  readonly weightGrams?: number;
  /** Name of its picture; the SKU when left out. */
  readonly picture?: string;
  readonly name: string;
  readonly subtitle: string;
  readonly description: string;
  /** Cents of a euro; of a night where it is BOOKABLE. */
  readonly priceMinor: number;
  /** What it cost before. */
  readonly marketPriceMinor?: number;
  /** Pieces; only a STOCKED product has a stock. */
  readonly onHand: number;
  /** BOOKABLE: rooms for each night, guests that one takes, and cents for breakfast for each guest and night. */
  readonly rooms?: { readonly capacity: number; readonly maxGuests: number; readonly breakfastMinor: number };
};

export type DemoAccount = {
  readonly name: string;
  readonly mobile: string;
  readonly password: string;
  readonly roles: readonly ('CUSTOMER' | 'OPERATOR' | 'MERCHANT')[];
};

/** For trying out on one's own machine; never made where NODE_ENV is production. */
export const demoAccounts: readonly DemoAccount[] = [
  { name: 'Mara Lindqvist', mobile: '10000000001', password: 'demo-customer', roles: ['CUSTOMER'] },
  { name: 'Tomás Ferreira', mobile: '10000000002', password: 'demo-customer', roles: ['CUSTOMER'] },
  { name: 'Aiko Sato', mobile: '10000000003', password: 'demo-customer', roles: ['CUSTOMER'] },
  { name: 'Jonas Weber', mobile: '10000000009', password: 'demo-operator', roles: ['CUSTOMER', 'OPERATOR'] },
  // Sells the places to stay, and redeems their codes.
  { name: 'Inès Moreau', mobile: '10000000005', password: 'demo-merchant', roles: ['CUSTOMER', 'MERCHANT'] },
];

/** Where they stand; each after its parent. */
export const demoCategories: readonly { readonly slug: string; readonly name: string; readonly parent?: string }[] = [
  { slug: 'home', name: 'For the home' },
  { slug: 'kitchen', name: 'Kitchen', parent: 'home' },
  { slug: 'living', name: 'Living', parent: 'home' },
  { slug: 'to-wear', name: 'To wear', parent: 'home' },
  { slug: 'to-read-and-give', name: 'To read and to give' },
  { slug: 'stays', name: 'Places to stay' },
];

/** One thing in several forms, each a product of its own. */
export const demoGroup = {
  name: 'Wool socks',
  optionNames: ['Colour', 'Size'],
  colours: [
    { name: 'Oatmeal', code: 'OATMEAL' },
    { name: 'Moss', code: 'MOSS' },
  ],
  /** Pieces of each size in the first colour; the second has ten fewer, so one of them is sold out. */
  sizes: [
    { name: '36–39', code: '36', onHand: 24 },
    { name: '40–43', code: '40', onHand: 30 },
    { name: '44–47', code: '44', onHand: 10 },
  ],
} as const;

/** The forms of the group: its products, with what tells each from the others. */
export const demoForms: readonly { readonly product: DemoProduct; readonly options: readonly { readonly name: string; readonly value: string }[] }[] =
  demoGroup.colours.flatMap((colour, index) =>
    demoGroup.sizes.map((size) => ({
      product: {
        sku: `SOCKS-${colour.code}-${size.code}`,
        kind: 'STOCKED',
        category: 'to-wear',
        weightGrams: 120,
        picture: `SOCKS-${colour.code}`,
        name: `Wool socks, ${colour.name.toLowerCase()}, ${size.name}`,
        subtitle: 'Thick, warm, and darned for life',
        description: 'Knitted from the wool of sheep that graze two hills away. Wear them through and we darn them, as often as it takes.',
        priceMinor: 1_950,
        onHand: size.onHand - 10 * index,
      },
      options: [
        { name: 'Colour', value: colour.name },
        { name: 'Size', value: size.name },
      ],
    })),
  ); // prettier-ignore

export const demoProducts: readonly DemoProduct[] = [
  { sku: 'MUG-STONEWARE', kind: 'STOCKED', category: 'kitchen', weightGrams: 420, name: 'Stoneware mug', subtitle: '350 ml, reactive glaze', description: 'Thrown by hand and glazed in two greens that run into each other, so no two are alike. Holds a third of a litre and keeps it warm.', priceMinor: 1_800, onHand: 120 },
  { sku: 'POUR-OVER-SET', kind: 'STOCKED', category: 'kitchen', weightGrams: 900, name: 'Pour-over coffee set', subtitle: 'Glass carafe, paper filters included', description: 'Carafe and filter cone in one piece of heat-proof glass with a beechwood collar. Makes four cups; comes with a hundred filters.', priceMinor: 4_900, marketPriceMinor: 5_900, onHand: 40 },
  { sku: 'KETTLE-ENAMEL', kind: 'STOCKED', category: 'kitchen', weightGrams: 1_450, name: 'Enamel kettle', subtitle: '2 litres, all hobs', description: 'Steel under two coats of cornflower enamel, with a handle of beech that stays cool. For gas, electric and induction hobs.', priceMinor: 6_400, onHand: 25 },
  { sku: 'BOARD-OLIVE', kind: 'STOCKED', category: 'kitchen', weightGrams: 1_100, name: 'Olive-wood board', subtitle: '40 × 20 cm, oiled', description: 'Cut from one piece of old olive wood, oiled and ready for bread, cheese and knives. Wash by hand and oil twice a year.', priceMinor: 4_200, onHand: 30 },
  { sku: 'APRON-LINEN', kind: 'STOCKED', category: 'kitchen', weightGrams: 380, name: 'Linen apron', subtitle: 'Washed linen, one size', description: 'Heavy washed linen in brick red with a wide pocket. The ties go round once and are long enough to knot in front.', priceMinor: 3_900, onHand: 60 },
  { sku: 'CANDLE-BEESWAX', kind: 'STOCKED', category: 'living', weightGrams: 310, name: 'Beeswax candle', subtitle: 'Burns for 60 hours', description: 'Pure beeswax from hives in the next valley, with a cotton wick. Smells of honey and hardly drips.', priceMinor: 1_450, onHand: 200 },
  { sku: 'PAN-CAST-IRON', kind: 'STOCKED', category: 'kitchen', weightGrams: 2_900, name: 'Cast-iron pan', subtitle: '28 cm, pre-seasoned', description: 'Cast in one piece and seasoned with linseed oil. Gets better with every fried egg and outlives its buyer.', priceMinor: 7_900, marketPriceMinor: 8_900, onHand: 18 },
  { sku: 'BLANKET-WOOL', kind: 'STOCKED', category: 'living', weightGrams: 1_200, name: 'Merino blanket', subtitle: '130 × 180 cm', description: 'Woven from merino wool in three violets with cream stripes. Light enough for the sofa, warm enough for the balcony.', priceMinor: 12_900, onHand: 15 },
  { sku: 'PLANTER-TERRACOTTA', kind: 'STOCKED', category: 'living', weightGrams: 2_400, name: 'Terracotta planter', subtitle: '22 cm, with saucer', description: 'Frost-proof terracotta that breathes, with a hole and a saucer. The plant is not included, the good wishes are.', priceMinor: 2_400, onHand: 80 },
  { sku: 'NOTEBOOK-CLOTH', kind: 'STOCKED', category: 'living', weightGrams: 450, name: 'Cloth-bound notebook', subtitle: 'A5, 192 pages, dotted', description: 'Thread-sewn, so it lies flat on every page. Paper that takes a fountain pen, a ribbon, and a band to keep it shut.', priceMinor: 1_600, onHand: 150 },
  { sku: 'TEA-CANISTER', kind: 'STOCKED', category: 'kitchen', weightGrams: 260, name: 'Tea canister', subtitle: '250 g, double lid', description: 'Painted tin with an inner lid that closes on a cushion of air, as tea merchants use. Keeps a quarter kilo fresh for a year.', priceMinor: 2_750, onHand: 70 },
  { sku: 'LAMP-DESK', kind: 'STOCKED', category: 'living', weightGrams: 3_600, name: 'Brass desk lamp', subtitle: 'Dimmable, warm light', description: 'Turned brass with two joints that stay where they are put, and a dimmer in the foot. The last three of their series.', priceMinor: 14_900, onHand: 3 },
  { sku: 'EBOOK-BREAD', kind: 'DIGITAL', category: 'to-read-and-give', taxCategory: 'reduced', name: 'Slow bread', subtitle: 'E-book, 140 pages, EPUB and PDF', description: 'Sourdough without mystery: twelve loaves, one starter, and a timetable that leaves room for the rest of life.', priceMinor: 990, onHand: 0 },
  { sku: 'TOPUP-20', kind: 'DIGITAL', category: 'to-read-and-give', name: 'Wallet top-up', subtitle: '20 euros to spend here', description: 'Goes into your wallet as soon as it is paid, and pays your next orders, in part or in full.', priceMinor: 2_000, onHand: 0 },
  { sku: 'STAY-LAKE-CABIN', kind: 'BOOKABLE', category: 'stays', taxCategory: 'reduced', name: 'Cabin by the lake', subtitle: 'Sleeps four, jetty and rowing boat', description: 'One room under the roof, one below, a stove between them and the lake in front of the door. Wood is stacked, the boat is oiled.', priceMinor: 11_900, marketPriceMinor: 13_900, onHand: 0, rooms: { capacity: 1, maxGuests: 4, breakfastMinor: 1_250 } },
  { sku: 'STAY-ATTIC-ROOM', kind: 'BOOKABLE', category: 'stays', taxCategory: 'reduced', name: 'Attic room', subtitle: 'Double bed, above the workshop', description: 'A bed under the beams, a window to the north and the smell of sawdust from below. Breakfast comes up the stairs at eight.', priceMinor: 6_400, onHand: 0, rooms: { capacity: 2, maxGuests: 2, breakfastMinor: 950 } },
  { sku: 'STAY-GARDEN-HOUSE', kind: 'BOOKABLE', category: 'stays', taxCategory: 'reduced', name: 'Garden house', subtitle: 'Sleeps three, behind the orchard', description: 'A house of its own between apple trees: kitchen, bath, and a terrace that has the sun until it sets.', priceMinor: 8_900, onHand: 0, rooms: { capacity: 3, maxGuests: 3, breakfastMinor: 1_100 } },
]; // prettier-ignore
