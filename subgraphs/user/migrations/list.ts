import type { NamedMigration } from '../../shared/database/database.ts';

/** In the order in which they are applied. */
export const migrations: readonly NamedMigration[] = [
  { name: '001-users', load: async () => (await import('./001-users.ts')).Users },
  { name: '002-mobiles-as-digits', load: async () => (await import('./002-mobiles-as-digits.ts')).MobilesAsDigits },
  { name: '003-sign-in-places', load: async () => (await import('./003-sign-in-places.ts')).SignInPlaces },
  { name: '004-name-keys', load: async () => (await import('./004-name-keys.ts')).NameKeys },
  { name: '2026-12-01-addresses', load: async () => (await import('./2026-12-01-addresses.ts')).Addresses },
  {
    name: '2026-12-01-administration',
    load: async () => (await import('./2026-12-01-administration.ts')).Administration,
  },
  { name: '2026-12-01-events', load: async () => (await import('./2026-12-01-events.ts')).Events },
  { name: '2026-12-01-identities', load: async () => (await import('./2026-12-01-identities.ts')).Identities },
  { name: '2026-12-01-recovery', load: async () => (await import('./2026-12-01-recovery.ts')).Recovery },
  { name: '2026-12-01-webhooks', load: async () => (await import('./2026-12-01-webhooks.ts')).Webhooks },
  {
    name: '2026-12-01-notifications',
    load: async () => (await import('./2026-12-01-notifications.ts')).Notifications,
  },
  {
    name: '2026-12-01-notification-lanes',
    load: async () => (await import('./2026-12-01-notification-lanes.ts')).NotificationLanes,
  },
  { name: '2026-12-01-erasure', load: async () => (await import('./2026-12-01-erasure.ts')).Erasures },
  { name: '2026-12-01-erasure-pass', load: async () => (await import('./2026-12-01-erasure-pass.ts')).ErasurePass },
  { name: '2026-12-01-email-search', load: async () => (await import('./2026-12-01-email-search.ts')).EmailSearch },
  {
    name: '2026-12-01-webhook-customers',
    load: async () => (await import('./2026-12-01-webhook-customers.ts')).WebhookCustomers,
  },
];
