import DataLoader from 'dataloader';
import type { Database } from '../shared/database/database.ts';
import { isId } from '../shared/values/ids.ts';
import { readAddresses } from './addresses/address-store.ts';
import type { Address } from './addresses/address.ts';
import type { User } from './domain/user.ts';
import { type LinkedIdentity, readIdentities } from './identities/identity-store.ts';
import { readDeliveries } from './notifications/delivery-store.ts';
import type { Delivery } from './notifications/notification.ts';
import { readUsers } from './store.ts';

/** Made for each request, so that nobody sees what was loaded for somebody else. */
export type Loaders = {
  readonly user: DataLoader<string, User | null>;
  readonly addresses: DataLoader<string, readonly Address[]>;
  readonly identities: DataLoader<string, readonly LinkedIdentity[]>;
  /** Of a notification. */
  readonly deliveries: DataLoader<string, readonly Delivery[]>;
};

const maxBatchSize = 100;

export const createLoaders = (db: Database): Loaders => ({
  user: new DataLoader(
    async (ids) => {
      const users = await readUsers(db.em(), ids.filter(isId));
      return ids.map((id) => users.get(id) ?? null);
    },
    { maxBatchSize },
  ),
  identities: new DataLoader(
    async (userIds) => {
      const identities = Map.groupBy(await readIdentities(db.em(), userIds), ({ userId }) => userId);
      return userIds.map((id) => identities.get(id) ?? []);
    },
    { maxBatchSize },
  ),
  addresses: new DataLoader(
    async (userIds) => {
      const addresses = Map.groupBy(await readAddresses(db.em(), userIds), ({ userId }) => userId);
      return userIds.map((id) => addresses.get(id) ?? []);
    },
    { maxBatchSize },
  ),
  deliveries: new DataLoader(
    async (notificationIds) => {
      const deliveries = Map.groupBy(await readDeliveries(db.em(), notificationIds), (each) => each.notificationId);
      return notificationIds.map((id) => deliveries.get(id) ?? []);
    },
    { maxBatchSize },
  ),
});
