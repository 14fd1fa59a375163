import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

/** Staff list the sagas of a state, newest first. */
export class SagaListsMigration extends Migration {
  override async up(): Promise<void> {
    if (await schemaHas(this, { table: 'saga', index: 'saga_state' })) return;
    await this.execute('alter table saga add index saga_state (state, id)');
  }
}
