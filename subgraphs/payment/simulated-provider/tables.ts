import { type TablesOf, builderFor, inserterFor } from '../../shared/database/tables.ts';
import type { simulatedEntities } from './records.ts';

type SimulatedTables = TablesOf<typeof simulatedEntities>;

export const tables = builderFor<SimulatedTables>();
export const insert = inserterFor<SimulatedTables>();
