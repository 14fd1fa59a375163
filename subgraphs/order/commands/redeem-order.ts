import { type UserViewer, isStaff } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { claimKey } from '../../shared/tables/idempotency.ts';
import { typedNumber } from '../../shared/values/ids.ts';
import { announce } from '../announce.ts';
import type { OrderDeps } from '../deps.ts';
import { isConfirmationCode, maxWrongCodes, wrongCodeWindowMs } from '../domain/confirmation-code.ts';
import { decide } from '../domain/order.ts';
import { findIdByNumber } from '../order-store.ts';
import { addWrongCode, countWrongCodes, forgetWrongCodes, openWindow } from '../redeem-throttle-store.ts';
import type { StoredLine, StoredOrder } from '../stored-order.ts';
import { type OrderPayload, changeOrder } from './change-order.ts';
import type { Asker } from './context.ts';

const maxGivenLength = 64;

const refused = (cause: string, message: string): Refusal => ({
  __typename: 'BusinessRejectedError',
  code: 'BUSINESS_REJECTED',
  message,
  path: ['confirmationCode'],
  cause,
});
const wrongCode = refused('WRONG_CONFIRMATION_CODE', 'This is not the confirmation code of the order.');
const tooManyCodes = refused(
  'TOO_MANY_WRONG_CODES',
  `Too many wrong codes for this order; none is looked at for ${wrongCodeWindowMs / 60_000} minutes.`,
);

/**
 * The merchant's check-in: a paid order is COMPLETED by its guest's confirmation code. For the seller of all its lines and
 * staff. A completed order with its right code succeeds again. A wrong code is counted with the order's row locked, so that
 * guesses at the same time are counted one by one, and the count stays although nothing else happens.
 */
export async function redeemOrder(
  deps: OrderDeps,
  asker: Asker,
  input: { number: string; confirmationCode: string; idempotencyKey?: string | null },
): Promise<OrderPayload> {
  const { viewer, traceId } = asker;
  const { number, confirmationCode } = input;
  return orRefusals(
    async () => {
      if (confirmationCode.length > maxGivenLength)
        throw new RefusedError(validationError(`confirmationCode: has at most ${maxGivenLength} characters.`, ['confirmationCode'])); // prettier-ignore
      const orderId = await findId(deps.db.em(), number);
      const at = deps.now();
      let replayed = false;
      let refusal: Refusal | null = null;
      const changed = await deps.db.transaction(async (tx) => {
        const result = await changeOrder(
          tx,
          orderId,
          { actor: { type: 'STAFF', id: viewer.userId }, at, traceId, action: 'order.redeemed' },
          async (order) => {
            authorise(viewer, order);
            refusal = await checkCode(tx, order, confirmationCode, at);
            if (refusal) return { events: [] };
            const claim = { ownerId: viewer.userId, operation: 'redeemOrder', key: input.idempotencyKey, input: { number, confirmationCode } }; // prettier-ignore
            ({ replayed } = await claimKey(tx, claim, { orderId }));
            return replayed ? { events: [] } : decide(order, { type: 'Redeem' }, at);
          },
          true,
        );
        if (!result) throw noSuchOrder(number);
        return result;
      });
      if (refusal) return { order: null, replayed: false, userErrors: [refusal] };
      announce(deps, changed.order, changed.events, changed.isAct);
      return { order: changed.order, replayed, userErrors: [] };
    },
    (userErrors): OrderPayload => ({ order: null, replayed: false, userErrors }),
  );
}

const noSuchOrder = (number: string) =>
  new RefusedError(notFoundError('There is no such order.', number.slice(0, maxGivenLength), ['number']));

async function findId(sql: Sql, number: string): Promise<string> {
  const id = await findIdByNumber(sql, typedNumber(number));
  if (id === null) throw noSuchOrder(number);
  return id;
}

/** The seller and staff, unless they are the customer; the customer is told that it is not for customers, for anybody else there is no such order. */
function authorise(viewer: UserViewer, order: StoredOrder): void {
  const lines = order.lines as readonly StoredLine[];
  if (order.customerId === viewer.userId) throw new RefusedError(forbiddenError('The seller and staff redeem codes.'));
  const sells = viewer.roles.includes('MERCHANT') && lines.every(({ sellerId }) => sellerId === viewer.userId);
  if (!sells && !isStaff(viewer)) throw noSuchOrder(order.number);
}

/** Why the code does not count, or null. Locks nothing more: the order's row is locked already. */
async function checkCode(tx: Sql, order: StoredOrder, given: string, at: Date): Promise<Refusal | null> {
  if (order.confirmationCode === null)
    return refused('NOT_REDEEMABLE', `Orders of type ${order.type} have no confirmation code.`);
  const wrong = await countWrongCodes(tx, order.id, at);
  if (wrong !== null && wrong >= maxWrongCodes) return tooManyCodes;
  if (isConfirmationCode(given, order.confirmationCode)) {
    await forgetWrongCodes(tx, order.id);
    return null;
  }
  if (wrong === null) await openWindow(tx, order.id, new Date(at.getTime() + wrongCodeWindowMs));
  else await addWrongCode(tx, order.id);
  return wrongCode;
}
