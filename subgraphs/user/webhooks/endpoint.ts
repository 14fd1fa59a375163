import { type Viewer, isAdmin, requireUser } from '../../shared/auth/viewer.ts';
import { type Refusal, forbiddenError, notFoundError, validationError } from '../../shared/errors/errors.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { eventNames, merchantEventNames } from './catalogue.ts';
import { maxEndpoints } from './policy.ts';

/** Who has endpoints: the platform (`ownerId` is null), for which administrators act, or a merchant. */
export type Owner = { readonly userId: string; readonly ownerId: string | null };

/** For whom a viewer acts; null for one who has no endpoints. Throws UNAUTHENTICATED for nobody. */
export function ownerFor(viewer: Viewer): Owner | null {
  const { userId, roles } = requireUser(viewer);
  if (isAdmin(viewer)) return { userId, ownerId: null };
  return roles.includes('MERCHANT') ? { userId, ownerId: userId } : null;
}

export const forOwners = (): Refusal => forbiddenError('Only administrators and merchants have webhook endpoints.');

/** What `saveWebhookEndpoint` is asked. */
export type EndpointInput = {
  readonly id?: string | null;
  readonly url: string;
  readonly events: readonly string[];
  readonly description?: string | null;
  readonly active?: boolean | null;
};

const maxDescriptionLength = 256;

export const descriptionOf = ({ description }: EndpointInput): string | null =>
  description?.normalize('NFC').trim() || null;

/** What is wrong with the input by itself; of the URL, `addressProblem` says it. */
export function endpointRefusals({ events, description }: EndpointInput, { ownerId }: Owner): Refusal[] {
  const names: readonly string[] = ownerId === null ? eventNames : merchantEventNames;
  const broken = brokenTextRule((description ?? '').normalize('NFC'), {
    min: 0,
    max: maxDescriptionLength,
    lines: false,
  });
  return [
    ...(events.length === 0 ? [validationError('Name at least one event.', ['events'])] : []),
    ...events.flatMap((name, index) =>
      names.includes(name) ? [] : [validationError('There is no such event: see webhookEvents.', ['events', String(index)])],
    ),
    ...(broken === null ? [] : [validationError(`It ${broken}.`, ['description'])]),
  ]; // prettier-ignore
}

export const unknownEndpoint = (id: string): Refusal => notFoundError('You have no such webhook endpoint.', id, ['id']);
export const unknownDelivery = (id: string): Refusal =>
  notFoundError('Your webhook endpoints have no such delivery.', id, ['deliveryId']);
export const tooManyEndpoints = (): Refusal =>
  validationError(`There are at most ${maxEndpoints} webhook endpoints: remove one first.`, ['url']);
export const inactiveEndpoint = (path: string): Refusal =>
  validationError('The endpoint is not active: save it with active: true first.', [path]);
