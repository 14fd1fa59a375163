import { randomUUID } from 'node:crypto';
import { type BenchPlatform, benchAdmin } from './bench-platform.ts';

/** Signs a person in. */
export const loginDocument =
  'mutation L($mobile: String!, $password: String!) { login(mobile: $mobile, password: $password) { user { id } tokens { accessToken } userErrors { __typename } } }';
const createDocument =
  'mutation P($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) { product { id } userErrors { __typename } } }';

/** What a benchmark does as the platform's administrator. */
export type Staff = {
  /** Access token. */
  readonly token: string;
  /** Adds a product that costs euros; gives its id. */
  createProduct(input: {
    readonly sku: string;
    readonly name: string;
    readonly description: string;
    readonly priceMinor: number;
    readonly [more: string]: unknown;
  }): Promise<string>;
};

export async function signInStaff(platform: Pick<BenchPlatform, 'gql'>): Promise<Staff> {
  type Signed = { login: { tokens: { accessToken: string } } };
  const token = (await platform.gql<Signed>(loginDocument, benchAdmin)).login.tokens.accessToken;
  return {
    token,
    async createProduct({ priceMinor, ...rest }) {
      const input = { ...rest, price: { amount: priceMinor, currency: 'EUR' } };
      type Created = { createProduct: { product: { id: string } } };
      const created = await platform.gql<Created>(createDocument, { input, key: randomUUID() }, token);
      return created.createProduct.product.id;
    },
  };
}
