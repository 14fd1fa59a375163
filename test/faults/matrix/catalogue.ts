import { setTimeout as sleep } from 'node:timers/promises';
import { type Person, newKey } from '../../support/shop.ts';
import { kindOf } from './judge.ts';
import { send } from './clients.ts';
import type { Stage } from './stage.ts';

const freshWithinMs = 5_000;
const againMs = 100;
const readDocument = 'query Product($id: ID!) { product(id: $id) { name version } }';
const renameDocument = `mutation Rename($input: UpdateProductInput!, $key: String!) {
  updateProduct(input: $input, idempotencyKey: $key) { product { name } userErrors { ... on UserError { code message } } }
}`;

type Product = { readonly name: string; readonly version: number };

/** Staff who change a product before everybody's eyes: what is shown to all is kept in Redis, and may not be out of date. */
export type Catalogue = {
  /** Changes it once more, if that can be done now. */
  tryToChange(): Promise<void>;
  /** Changes it, and everybody sees so within 5 s. */
  end(violations: Set<string>): Promise<void>;
};

let changes = 0;

export async function openCatalogue(stage: Stage, staff: Person, productId: string): Promise<Catalogue> {
  const { shop } = stage;
  const read = async (token?: string): Promise<Product | undefined> => {
    const { body } = await send(shop, readDocument, { id: productId }, token);
    return (body.data?.['product'] as Product | undefined) ?? undefined;
  };
  /** The new name, or why it was not changed. */
  async function change(): Promise<{ name: string } | { refusal: string }> {
    const known = await read(staff.token);
    if (!known) return { refusal: 'it could not be read' };
    const name = `changed ${(changes += 1)} times`;
    const input = { id: productId, expectedVersion: known.version, name };
    const got = await send(shop, renameDocument, { input, key: newKey() }, staff.token);
    const kind = kindOf(got);
    return kind === 'works' ? { name } : { refusal: kind };
  }
  await read(); // kept from now on
  return {
    async tryToChange() {
      await change().catch(() => undefined); // without an answer: its clients are judged elsewhere
    },
    async end(violations) {
      const deadlineMs = performance.now() + freshWithinMs;
      const inTime = () => performance.now() < deadlineMs;
      let changed = await change();
      // A change that was begun while the fault lasted may have been done meanwhile.
      while ('refusal' in changed && inTime()) {
        await sleep(againMs);
        changed = await change();
      }
      if ('refusal' in changed) {
        violations.add(`the catalogue could not be changed after the return: ${changed.refusal}`);
        return;
      }
      let shown = await read();
      while (shown?.name !== changed.name && inTime()) {
        await sleep(againMs);
        shown = await read();
      }
      if (shown?.name !== changed.name)
        violations.add(
          `the catalogue is out of date: everybody sees "${shown?.name}", staff made it "${changed.name}"`,
        );
    },
  };
}
