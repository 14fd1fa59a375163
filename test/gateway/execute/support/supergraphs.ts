import { print } from 'graphql';
import { typeDefsOf } from '../../../../schema/type-defs.ts';
import { type SubgraphName, subgraphNames } from '../../../../subgraphs/shared/values/subgraph-names.ts';
import type { SubgraphSdl } from './federation.ts';
import type { WorldSize } from './world.ts';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@requires", "@external", "@provides", "@shareable", "@override", "@interfaceObject", "@inaccessible"])
`;
const sdl = (name: string, text: string): SubgraphSdl => ({
  name,
  sdl: link + text,
});

/** Interfaces and unions over entities of several subgraphs: lists of mixed types, fields that only some members have. */
const abstractTypes: readonly SubgraphSdl[] = [
  sdl(
    'catalogue',
    `
    type Query { search(text: String, first: Int = 3): [Result] node(id: ID!): Node nodes: [Node!] best: Result! shelf: [[Node]!] }
    interface Node { id: ID! label(upper: Boolean): String }
    union Result = Book | Film | Note
    type Book implements Node @key(fields: "id") { id: ID! label(upper: Boolean): String title: String! pages: Int sequel: Book related: [Result!] }
    type Film implements Node @key(fields: "id") { id: ID! label(upper: Boolean): String title: String minutes: Int! stars: [Person!] }
    type Note { text: String! about: Node size(in: Unit! = CM): Float }
    type Person implements Node @key(fields: "id") { id: ID! label(upper: Boolean): String name: String }
    enum Unit { CM INCH }
    `,
  ),
  sdl(
    'reviews',
    `
    type Book @key(fields: "id") { id: ID! reviews(first: Int): [Review!] rating: Float }
    type Film @key(fields: "id") { id: ID! reviews(first: Int): [Review] rating: String }
    type Person @key(fields: "id") { id: ID! reviews: [Review!]! }
    type Review { stars: Int! text(max: Int = 10): String author: Person subject: Subject! }
    union Subject = Book | Film
    `,
  ),
  sdl(
    'prices',
    `
    type Book @key(fields: "id") { id: ID! price(currency: String = "EUR"): Money! }
    type Film @key(fields: "id") { id: ID! price(currency: String = "EUR"): Money }
    type Money { amount: Int! currency: String! rates: [Float!] }
    `,
  ),
];

/** Several keys, compound and nested ones, with a chain of subgraphs that each know another key. */
const keys: readonly SubgraphSdl[] = [
  sdl(
    'halls',
    `
    type Query { halls: [Hall!]! seat: Seat seats(row: Int!): [Seat] }
    type Hall @key(fields: "id") { id: ID! name: String rows: [Row!] }
    type Row { number: Int! seats: [Seat!] }
    type Seat @key(fields: "id") @key(fields: "code place { hall { id } number }") { id: ID! code: ID! place: Place! kind: String }
    type Place @shareable { hall: Hall! number: ID! }
    `,
  ),
  sdl(
    'tickets',
    `
    type Query { tickets: [Ticket!] }
    type Ticket @key(fields: "id") { id: ID! seat: Seat price: Int! holder: Visitor }
    type Seat @key(fields: "code place { hall { id } number }") { code: ID! place: Place! free: Boolean! tickets: [Ticket!] }
    type Place @shareable { hall: Hall! number: ID! }
    type Hall @key(fields: "id", resolvable: false) { id: ID! }
    type Visitor @key(fields: "mail") { mail: ID! visits: Int }
    `,
  ),
  sdl(
    'visitors',
    `
    type Visitor @key(fields: "mail") @key(fields: "id") { mail: ID! id: ID! name: String! friends: [Visitor!] }
    type Hall @key(fields: "id") { id: ID! visitors: [Visitor] }
    `,
  ),
  sdl('badges', `type Visitor @key(fields: "id") { id: ID! badge: String level: Int! }`),
];

/** Chains of @requires through nested objects, lists and interfaces; conflicting shapes of what is required. */
const requires: readonly SubgraphSdl[] = [
  sdl(
    'products',
    `
    type Query { products(first: Int): [Product!] product(id: ID): Product box: Box }
    type Product @key(fields: "id") { id: ID! weight: Float size: Size parts: [Part!]! tags: [String] maker: Maker cover: Cover }
    type Size { width: Int! height: Int unit: String }
    type Part { name: String! weight: Int maker: Maker }
    type Maker @key(fields: "id") { id: ID! country: String }
    type Box { contents: [Product] lid: Size }
    interface Cover { colour: String }
    type Paper implements Cover { colour: String grams: Int! }
    type Cloth implements Cover { colour: String thread: String }
    `,
  ),
  sdl(
    'shipping',
    `
    type Product @key(fields: "id") {
      id: ID!
      weight: Float @external
      size: Size @external
      parts: [Part!]! @external
      tags: [String] @external
      volume: String @requires(fields: "size { width height }")
      shipping(express: Boolean): String @requires(fields: "weight size { width } parts { name weight }")
      label: String! @requires(fields: "tags")
    }
    type Size @external { width: Int! height: Int }
    type Part @external { name: String! weight: Int }
    type Maker @key(fields: "id") { id: ID! zone: Int }
    `,
  ),
  sdl(
    'taxes',
    `
    type Product @key(fields: "id") {
      id: ID!
      volume: String @external
      maker: Maker @external
      cover: Cover @external
      tax: String @requires(fields: "volume maker { country }")
      customs: [String!] @requires(fields: "volume cover { colour ... on Paper { grams } }")
    }
    type Maker @key(fields: "id") { id: ID! country: String @external taxed: Boolean @requires(fields: "country") }
    interface Cover { colour: String }
    type Paper implements Cover @external { colour: String grams: Int! }
    type Cloth implements Cover @external { colour: String }
    `,
  ),
];

/** Required fields that take arguments: given there or not, below others, and otherwise for another type. */
const requiredArguments: readonly SubgraphSdl[] = [
  sdl(
    'map',
    `
    type Query { places: [Place!]! stations: [Station!]! }
    interface Place { id: ID! }
    type Station implements Place @key(fields: "id") { id: ID! near: [Place!]! }
    type Lake implements Place @key(fields: "id") { id: ID! }
    `,
  ),
  sdl(
    'sensors',
    `
    interface Place { id: ID! level(on: Int): Int }
    type Station implements Place @key(fields: "id") { id: ID! level(on: Int): Int heat(unit: Unit = C, days: Int): Int probe(number: Int): Probe probes(first: Int): [Probe!] }
    type Lake implements Place @key(fields: "id") { id: ID! level(on: Int): Int depth(at: Int!): Int }
    type Probe { value(round: Boolean): Int }
    enum Unit { C F }
    `,
  ),
  sdl(
    'alarms',
    `
    type Station @key(fields: "id") {
      id: ID!
      level(on: Int): Int @external
      heat(unit: Unit = C, days: Int): Int @external
      probe(number: Int): Probe @external
      probes(first: Int): [Probe!] @external
      alarm: Int @requires(fields: "level heat(days: 2)")
      fire(loud: Boolean): Int! @requires(fields: "level heat(days: 2) probe(number: 1) { value(round: true) }")
      report: Int @requires(fields: "heat(days: 2) level probes { value }")
    }
    type Lake @key(fields: "id") {
      id: ID!
      level(on: Int): Int @external
      depth(at: Int!): Int @external
      flood: Int @requires(fields: "level(on: 3) depth(at: 1)")
    }
    type Probe @external { value(round: Boolean): Int }
    enum Unit { C F }
    `,
  ),
];

/**
 * An interface that other subgraphs extend as one object. Without `@requires` on such an object: Apollo's planner 2.14
 * spends seconds on `... on Clip { title rank }` then and fails with a RangeError.
 */
const interfaceObjects: readonly SubgraphSdl[] = [
  sdl(
    'media',
    `
    type Query { feed: [Media!] first: Media album: Album! picture: Picture }
    interface Media @key(fields: "id") { id: ID! title: String owner: Owner }
    type Picture implements Media @key(fields: "id") { id: ID! title: String owner: Owner width: Int! }
    type Clip implements Media @key(fields: "id") { id: ID! title: String owner: Owner seconds: Int }
    type Song implements Media @key(fields: "id") { id: ID! title: String owner: Owner artists: [String!] }
    type Album { media: [Media] cover: Media! best: Best }
    union Best = Picture | Song
    type Owner @key(fields: "id") { id: ID! name: String! }
    `,
  ),
  sdl(
    'social',
    `
    type Query { popular: [Media!]! latest: Media }
    type Media @interfaceObject @key(fields: "id") { id: ID! likes: Int! comments(first: Int): [Comment!] shared: Boolean }
    type Comment { text: String by: Owner on: Media }
    type Owner @key(fields: "id") { id: ID! favourites: [Media!] }
    `,
  ),
  sdl(
    'ranking',
    `
    type Media @interfaceObject @key(fields: "id") { id: ID! rank(list: String): String }
    `,
  ),
];

/** Fields that several subgraphs resolve, moved ones, provided ones, and value types that are put together. */
const sharing: readonly SubgraphSdl[] = [
  sdl(
    'accounts',
    `
    type Query { me: User users: [User] settings: Settings! @shareable }
    type User @key(fields: "id") { id: ID! name: String @shareable email: String address: Address @shareable score: Int }
    type Address @shareable { street: String city: City zip: String! }
    type City @shareable { name: String! }
    type Settings { theme: String @shareable flags: [Flag!] @shareable locale: String window: Window @shareable }
    type Window { width: Int }
    type Flag @shareable { key: String! on: Boolean }
    `,
  ),
  sdl(
    'posts',
    `
    type Query { posts(tag: String): [Post!]! settings: Settings! @shareable }
    type Post @key(fields: "id") { id: ID! body: String! author: User @provides(fields: "name") editors: [User!] reply: Post }
    type User @key(fields: "id") { id: ID! name: String @external posts: [Post!] score: Int @override(from: "accounts") }
    type Settings { theme: String @shareable flags: [Flag!] @shareable pageSize: Int window: Window @shareable }
    type Window { height: Int }
    type Flag @shareable { key: String! on: Boolean }
    `,
  ),
  sdl(
    'stats',
    `
    type User @key(fields: "id") { id: ID! address: Address @shareable visits: [Int] }
    type Address @shareable { street: String city: City zip: String! }
    type City { name: String! @shareable }
    type Post @key(fields: "id") { id: ID! reads: Int! trend: [Float] }
    `,
  ),
];

/** Every leaf, lists of lists, all combinations of null, hidden types, the root again below a field, mutations. */
const values: readonly SubgraphSdl[] = [
  sdl(
    'grid',
    `
    scalar JSON
    type Query { grid(size: Int! = 2, kinds: [Kind!] = [A], filter: Filter): Grid grids: [[Grid!]!]! cube: [[[Cell]!]]! anything: JSON }
    type Mutation { put(id: ID!, cells: [Int!]): PutResult! clear: Boolean }
    type Grid @key(fields: "id") { id: ID! name: String! a: [Int] b: [Int!] c: [Int]! d: [Int!]! cells: [[Cell]] strict: [[Cell!]!]! kind: Kind kinds: [Kind!] raw: JSON! again: Query }
    type Cell { x: Int y: Float! constructor: String toString: Boolean neighbours: [Cell!] kind(of: Kind! = B): Kind! grid: Grid }
    type PutResult { grid: Grid query: Query! ok: Boolean! }
    enum Kind { A B C HIDDEN @inaccessible }
    input Filter { kind: Kind = A text: [String!] nested: Filter from: Int! = 1 }
    `,
  ),
  sdl(
    'marks',
    `
    scalar JSON
    type Query { marks(of: [Kind]): [Mark] }
    type Mutation { mark(grid: ID!, kind: Kind): Mark unmark: Grid! }
    type Grid @key(fields: "id") { id: ID! marks(kind: Kind, filter: Filter): [Mark!] count: Int! secret: String @inaccessible }
    type Mark { note: String! grid: Grid! kind: Kind data(depth: Int): JSON }
    enum Kind { A B C HIDDEN @inaccessible }
    input Filter { kind: Kind = A text: [String!] nested: Filter from: Int! = 1 }
    `,
  ),
  sdl(
    'empty',
    `type Grid @key(fields: "id") { id: ID! owner: Owner! ownerName: String } type Owner { name: String! mail: ID }`,
  ),
];

/**
 * The same few entities at many places, of which only the key is known until others ask about each: objects that become
 * one. Also such as may not: below a value that two subgraphs answer parts of, and with objects of their own.
 */
const repeats: readonly SubgraphSdl[] = [
  sdl(
    'orders',
    `
    type Query { orders: [Order!] baskets: [[Line!]]! shelves: [[Product]!]! items: [Item]! rows: [[Item!]!] wishes: Wishes! groups: [Group!]! }
    type Order @key(fields: "id") { id: ID! lines: [Line]! gifts: [Product!] owner: Buyer summary: Summary! @shareable }
    type Line @shareable { product: Product! instead: Product quantity: Int! }
    type Summary { best: Product @shareable pieces: Int }
    type Group { buyers: [Buyer!] leader: Buyer! orders: [[Order]] }
    type Wishes { lists: [[Product!]]! lines: [Line!] buyers: [Buyer] first: Product! second: Product }
    type Remark { product: String! stars: Int }
    type Product @key(fields: "id") { id: ID! }
    type Buyer @key(fields: "id country") { id: ID! country: String }
    union Item = Product | Buyer | Remark
    `,
  ),
  sdl(
    'products',
    `
    type Query { newest: [Line!] @shareable }
    type Product @key(fields: "id") { id: ID! name: String! weight: Int sizes: [Float] }
    type Line @shareable { product: Product! instead: Product quantity: Int! }
    type Order @key(fields: "id") { id: ID! parcels: [[Line!]!] summary: Summary! @shareable }
    type Summary { best: Product @shareable heaviest: [Product!] }
    `,
  ),
  sdl(
    'shipping',
    `
    type Product @key(fields: "id") {
      id: ID!
      weight: Int @external
      name: String! @external
      free: Boolean!
      parcel: String @requires(fields: "weight")
      label(upper: Boolean): String! @requires(fields: "name weight")
    }
    `,
  ),
  sdl(
    'buyers',
    `
    type Buyer @key(fields: "id country") { id: ID! country: String name: String! mail(of: String): String likes: [Product!] }
    type Order @key(fields: "id") { id: ID! note: String paid: Boolean! }
    type Product @key(fields: "id") { id: ID! stars: Int likes: Int! }
    `,
  ),
];

/** Fields that a subgraph promises for some types only: asked for under one name, they can't be, so the plan has aliases. */
const renames: readonly SubgraphSdl[] = [
  sdl(
    'store',
    `
    type Query { items: [Item!]! shown: [[Shown]!] first: Item }
    interface Item { id: ID! }
    union Shown = Chair | Lamp | Sofa
    type Chair implements Item @key(fields: "id") { id: ID! colour: String! @shareable next: Item }
    type Lamp implements Item @key(fields: "id") { id: ID! colour: String next: Item! @shareable }
    type Sofa { colour: String parts: [Item!]! @shareable }
    `,
  ),
  sdl(
    'sizes',
    `
    type Chair @key(fields: "id") { id: ID! width(in: String): Int! @shareable maker: Maker! @shareable legs: [Leg!] }
    type Lamp @key(fields: "id") { id: ID! width(in: String): Int maker: Maker legs: [Leg!]! @shareable }
    type Maker @shareable { name: String town: Town }
    type Town @shareable { name: String! mail: String }
    type Leg @shareable { length: Float of: String }
    `,
  ),
  sdl(
    'colours',
    `
    type Chair implements Item @key(fields: "id") { id: ID! colour: String @shareable width(in: String): Int @shareable maker: Maker @shareable }
    type Lamp implements Item @key(fields: "id") { id: ID! next: Item @shareable legs: [Leg!] @shareable }
    interface Item { id: ID! }
    type Maker @shareable { name: String town: Town }
    type Town @shareable { name: String! mail: String }
    type Leg @shareable { length: Float of: String }
    type Sofa { parts: [Item!] @shareable }
    `,
  ),
];

const platformSdl = (name: SubgraphName): SubgraphSdl => ({ name, sdl: print(typeDefsOf(name)) });

/** Name → subgraphs. The last is this platform's own. */
export const supergraphs = {
  abstractTypes,
  keys,
  requires,
  requiredArguments,
  interfaceObjects,
  sharing,
  values,
  repeats,
  renames,
  platform: subgraphNames.map(platformSdl),
} satisfies Record<string, readonly SubgraphSdl[]>;

/** Where the usual size of the world isn't what the supergraph is for. */
export const sizes: Readonly<Record<string, WorldSize>> = {
  repeats: { poolSize: 2, minLength: 2, maxLength: 4 },
  requiredArguments: { poolSize: 4, minLength: 1, maxLength: 3 },
  renames: { poolSize: 3, minLength: 2, maxLength: 3 },
};
