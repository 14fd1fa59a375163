import type { NamedMigration } from '../../shared/database/database.ts';
import { simulatedEntities } from './records.ts';

const migrations: readonly NamedMigration[] = [
  {
    name: '2026-11-21-initial',
    load: async () => (await import('./migrations/2026-11-21-initial.ts')).InitialSimulatedMigration,
  },
  {
    name: '2026-11-22-refund-status',
    load: async () => (await import('./migrations/2026-11-22-refund-status.ts')).RefundStatusMigration,
  },
  {
    name: '2026-11-23-capture',
    load: async () => (await import('./migrations/2026-11-23-capture.ts')).SimulatedCaptureMigration,
  },
  {
    name: '2026-11-30-own-doings',
    load: async () => (await import('./migrations/2026-11-30-own-doings.ts')).OwnDoingsMigration,
  },
  {
    name: '2026-11-30-disputes-won',
    load: async () => (await import('./migrations/2026-11-30-disputes-won.ts')).DisputesWonMigration,
  },
];

/** The simulated provider's own schema: a foreign system's, that our services never read. */
export const simulatedSchema = { name: 'simulated', entities: simulatedEntities, migrations } as const;
