import { isStaff } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import {
  type Refusal,
  RefusedError,
  conflictError,
  forbiddenError,
  isDuplicateKey,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { recordAct } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import type { OrderDeps } from '../deps.ts';
import {
  type ShippingMethodInput,
  type TaxRateInput,
  checkShippingMethod,
  checkTaxRate,
  maxShippingMethods,
  maxTaxRates,
  overlapRefusal,
} from '../domain/pricing/check-price-rules.ts';
import type { ShippingMethod } from '../domain/pricing/shipping.ts';
import type { TaxRate } from '../domain/pricing/tax.ts';
import {
  countRules,
  insertMethod,
  insertRate,
  listRates,
  lockMethod,
  lockRate,
  lockRules,
  updateMethod,
  updateRate,
} from '../price-rule-store.ts';
import type { Asker } from './context.ts';

type Deps = Pick<OrderDeps, 'db' | 'now' | 'newId' | 'priceBook' | 'kickRelay'>;
type Given<Input> = { readonly id?: string | null; readonly input: Input; readonly idempotencyKey?: string | null };
type Outcome<Rule> = {
  readonly rule: Rule | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

/** Makes a shipping method, or replaces all of the one with this id. Orders keep what they were placed with. */
export const saveShippingMethod = (deps: Deps, asker: Asker, given: Given<ShippingMethodInput>) =>
  saveRule<ShippingMethod, ShippingMethodInput>(deps, asker, given, {
    operation: 'saveShippingMethod',
    action: 'shipping_method.saved',
    what: 'shipping method',
    check: checkShippingMethod,
    lock: lockMethod,
    async save(tx, method, isNew) {
      if (isNew) await requireSpace(tx, 'shipping_method', maxShippingMethods);
      try {
        await (isNew ? insertMethod(tx, method) : updateMethod(tx, method));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        throw new RefusedError(validationError('code: another method has this code.', ['input', 'code']));
      }
    },
  });

/** Makes a tax rate, or replaces all of the one with this id. Orders keep what they were placed with. */
export const saveTaxRate = (deps: Deps, asker: Asker, given: Given<TaxRateInput>) =>
  saveRule<TaxRate, TaxRateInput>(deps, asker, given, {
    operation: 'saveTaxRate',
    action: 'tax_rate.saved',
    what: 'tax rate',
    check: (input, before) => checkTaxRate(input, before?.validFrom ?? deps.now()),
    lock: lockRate,
    async save(tx, rate, isNew) {
      const refusal = overlapRefusal(rate, await listRates(tx, rate.countryCode));
      if (refusal) throw new RefusedError(refusal);
      if (isNew) await requireSpace(tx, 'tax_rate', maxTaxRates);
      await (isNew ? insertRate(tx, rate) : updateRate(tx, rate));
    },
  });

type Kind<Rule, Input> = {
  readonly operation: string;
  readonly action: 'shipping_method.saved' | 'tax_rate.saved';
  readonly what: string;
  check(
    input: Input,
    before: Rule | null,
  ): { readonly content: Omit<Rule, 'id' | 'version'> } | { readonly refusals: readonly Refusal[] };
  lock(tx: Sql, id: string): Promise<Rule | null>;
  save(tx: Sql, rule: Rule, isNew: boolean): Promise<void>;
};

async function saveRule<
  Rule extends { readonly id: string; readonly version: number },
  Input extends { readonly expectedVersion?: number | null | undefined },
>(deps: Deps, asker: Asker, given: Given<Input>, kind: Kind<Rule, Input>): Promise<Outcome<Rule>> {
  const { input } = given;
  const givenId = given.id ?? null;
  const missing = () => new RefusedError(notFoundError(`There is no such ${kind.what}.`, givenId ?? undefined, ['id']));
  return orRefusals(
    async (): Promise<Outcome<Rule>> => {
      if (!isStaff(asker.viewer)) throw new RefusedError(forbiddenError('Only staff may do this.'));
      if (givenId !== null && !isId(givenId)) throw missing();
      const id = givenId ?? deps.newId();
      const claim = {
        ownerId: asker.viewer.userId,
        operation: kind.operation,
        key: given.idempotencyKey,
        input: { id: givenId, input },
      };
      const { replayed, rule } = await deps.db.transaction(async (tx) => {
        const claimed = await claimKey(tx, claim, { id });
        const before = claimed.replayed || givenId !== null ? await kind.lock(tx, claimed.result.id) : null;
        if (claimed.replayed) return { replayed: true, rule: before };
        if (givenId !== null && before === null) throw missing();
        const checked = kind.check(input, before);
        if ('refusals' in checked) throw new RefusedError(...checked.refusals);
        await lockRules(tx);
        const expectedVersion = input.expectedVersion ?? null;
        const actualVersion = before?.version ?? 0;
        if (expectedVersion !== null && expectedVersion !== actualVersion)
          throw new RefusedError(
            conflictError(`The ${kind.what} was changed since you read it.`, { expectedVersion, actualVersion }),
          );
        const after = { ...checked.content, id, version: actualVersion + 1 } as Rule;
        await kind.save(tx, after, givenId === null);
        const { action } = kind;
        await recordAct(tx, deps, asker, {
          action,
          subject: `${action.slice(0, action.indexOf('.'))}:${id}`,
          before,
          after,
        });
        return { replayed: false, rule: after };
      });
      if (!replayed) {
        deps.priceBook.changed();
        deps.kickRelay();
      }
      return { rule, replayed, userErrors: [] };
    },
    (userErrors) => ({ rule: null, replayed: false, userErrors }),
  );
}

async function requireSpace(tx: Sql, table: 'shipping_method' | 'tax_rate', max: number): Promise<void> {
  if ((await countRules(tx, table)) >= max)
    throw new RefusedError(validationError(`There are ${max} already, which is the most; change one of them.`, ['id']));
}
