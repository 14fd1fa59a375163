import { Migration } from '@mikro-orm/migrations';

/** From where people signed in before: their own failures are counted apart from those of strangers. */
export class SignInPlaces extends Migration {
  override async up(): Promise<void> {
    this.addSql(`create table if not exists sign_in_place (
      user_id binary(16) not null, place_hash binary(32) not null, last_used_at datetime(3) not null,
      primary key (user_id, place_hash), index sign_in_place_age (last_used_at)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
