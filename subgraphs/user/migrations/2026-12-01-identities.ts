import { Migration } from '@mikro-orm/migrations';

/** Names of other systems by which users sign in; each is one user's, and a user has one of each issuer. */
export class Identities extends Migration {
  override async up(): Promise<void> {
    this.addSql(`create table if not exists user_identity (
      type varchar(16) not null, issuer varchar(255) not null, subject varchar(255) not null, user_id binary(16) not null,
      linked_at datetime(3) not null, primary key (type, issuer, subject), unique index user_identity_user (user_id, type, issuer)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
