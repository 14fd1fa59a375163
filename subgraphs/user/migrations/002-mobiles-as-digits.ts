import { Migration } from '@mikro-orm/migrations';

/**
 * Mobile numbers without `+` and `00`, as they are compared from now on. Where two accounts have what is one number, the
 * one that has it in digits, or else the older one, keeps it; the others keep their spelling, which no login finds.
 */
export class MobilesAsDigits extends Migration {
  override async up(): Promise<void> {
    this.addSql(
      "update ignore user_account set mobile = regexp_replace(mobile, '^[+]*(00)*', '') where mobile like '+%' or mobile like '00%' order by id",
    );
  }
}
