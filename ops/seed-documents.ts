import { callerHeaders } from '../subgraphs/shared/auth/caller-headers.ts';
import { identitySigner } from '../subgraphs/shared/auth/identity.ts';
import type { Role } from '../subgraphs/shared/auth/viewer.ts';
import { CallError } from '../subgraphs/shared/calls/link.ts';
import type { Runtime } from '../subgraphs/shared/process/runtime.ts';
import { traceparentOf } from '../subgraphs/shared/process/telemetry.ts';
import type { SubgraphName } from '../subgraphs/shared/values/subgraph-names.ts';
import type { Subgraphs } from './platform-parts.ts';

const userErrors = 'userErrors { __typename ... on UserError { code message } }';

/** The mutations that seeding runs. */
export const seedDocuments = {
  createProduct: `mutation SeedProduct($input: CreateProductInput!, $idempotencyKey: String!) {
    createProduct(input: $input, idempotencyKey: $idempotencyKey) { product { id } ${userErrors} }
  }`,
  saveCategory: `mutation SeedCategory($slug: String!, $name: String!, $parentId: ID, $idempotencyKey: String!) {
    saveCategory(slug: $slug, name: $name, parentId: $parentId, idempotencyKey: $idempotencyKey) { category { id } ${userErrors} }
  }`,
  saveProductGroup: `mutation SeedGroup($name: String!, $optionNames: [String!]!, $products: [GroupedProductInput!]!, $idempotencyKey: String!) {
    saveProductGroup(name: $name, optionNames: $optionNames, products: $products, idempotencyKey: $idempotencyKey) { ${userErrors} }
  }`,
  saveShippingMethod: `mutation SeedShipping($input: ShippingMethodInput!, $idempotencyKey: String!) {
    saveShippingMethod(input: $input, idempotencyKey: $idempotencyKey) { ${userErrors} }
  }`,
  saveTaxRate: `mutation SeedTax($input: TaxRateInput!, $idempotencyKey: String!) {
    saveTaxRate(input: $input, idempotencyKey: $idempotencyKey) { ${userErrors} }
  }`,
  savePromotion: `mutation SeedPromotion($input: PromotionInput!, $idempotencyKey: String!) {
    savePromotion(input: $input, idempotencyKey: $idempotencyKey) { ${userErrors} }
  }`,
  saveAddress: `mutation SeedAddress($address: PostalAddressInput!, $idempotencyKey: String!) {
    saveAddress(address: $address, label: "Home", idempotencyKey: $idempotencyKey) { ${userErrors} }
  }`,
  creditWallet: `mutation SeedWallet($userId: ID!, $amount: MoneyInput!, $idempotencyKey: String!) {
    creditWallet(userId: $userId, amount: $amount, reason: "Welcome", idempotencyKey: $idempotencyKey) { ${userErrors} }
  }`,
} as const;

type Asked = { readonly query: string; readonly variables: Readonly<Record<string, unknown>> };
type Payload = {
  readonly userErrors: readonly { readonly message: string }[];
  readonly product?: { readonly id: string } | null;
  readonly category?: { readonly id: string } | null;
};

/** Runs a mutation; its payload. Throws when it is refused; `what` names it then. */
export type Act = (name: SubgraphName, what: string, asked: Asked) => Promise<Payload | undefined>;

/** How to run mutations as somebody, straight at the subgraphs. */
export function actAs({
  runtime,
  subgraphs,
}: {
  runtime: Runtime;
  subgraphs: Subgraphs;
}): (person: { readonly id: string; readonly roles: readonly Role[] }) => Act {
  const sign = identitySigner(runtime.config.identitySecret, runtime.now);
  return ({ id, roles }) => {
    const sessionId = runtime.newId();
    return async (name, what, asked) => {
      const headers = {
        [callerHeaders.app]: 'gateway',
        [callerHeaders.token]: runtime.config.serviceTokens.get('gateway'),
        [callerHeaders.identity]: await sign({ kind: 'user', userId: id, roles, sessionId }),
        [callerHeaders.trace]: traceparentOf(runtime.newId().replaceAll('-', '')),
      };
      const result = await subgraphs.link(name).execute({ ...asked, headers });
      if (result.errors) throw new CallError(name, result.errors);
      const [payload] = Object.values(result.data as Record<string, Payload>);
      const messages = payload?.userErrors.map(({ message }) => message) ?? [];
      if (messages.length > 0) throw new Error(`${what} was not seeded: ${messages.join('; ')}`);
      return payload;
    };
  };
}
