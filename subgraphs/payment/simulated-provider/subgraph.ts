import type { NamedMigration } from '../../shared/database/database.ts';
import { InitialSimulatedMigration } from './migrations/2026-11-21-initial.ts';
import { DisputesWonMigration } from './migrations/2026-11-30-disputes-won.ts';
import { OwnDoingsMigration } from './migrations/2026-11-30-own-doings.ts';
import { SimulatedCaptureMigration } from './migrations/2026-11-23-capture.ts';
import { RefundStatusMigration } from './migrations/2026-11-22-refund-status.ts';

const migrations: readonly NamedMigration[] = [
  { name: '2026-11-21-initial', class: InitialSimulatedMigration },
  { name: '2026-11-22-refund-status', class: RefundStatusMigration },
  { name: '2026-11-23-capture', class: SimulatedCaptureMigration },
  { name: '2026-11-30-own-doings', class: OwnDoingsMigration },
  { name: '2026-11-30-disputes-won', class: DisputesWonMigration },
];

/** The simulated provider's own schema: a foreign system's, that our services never read. */
export const simulatedSchema = { name: 'simulated', entities: [] as readonly unknown[], migrations } as const;
