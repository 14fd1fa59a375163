import { Migration } from '@mikro-orm/migrations';

/** Users who were erased here, and where else that is still to be done. */
export class Erasures extends Migration {
  override up(): void {
    this.addSql(`create table if not exists erasure (
      user_id binary(16) not null primary key, trace_id char(32) not null, done_in json not null, attempts int not null default 0,
      requested_at datetime(3) not null, due_at datetime(3) not null, done_at datetime(3) null, index erasure_due (done_at, due_at)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
