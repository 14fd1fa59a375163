import { sql as raw } from 'kysely';
import { writerOf } from '../../../subgraphs/shared/database/reader.ts';
import { change } from '../../../subgraphs/shared/database/tables.ts';
import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import { nameKeyOf } from '../../../subgraphs/user/domain/user.ts';
import type { NotificationKind } from '../../../subgraphs/user/notifications/kinds.ts';
import { NotificationDeliveryRecord, NotificationRecord } from '../../../subgraphs/user/notifications/records.ts';
import { AuditEntryRecord, UserAccountRecord, tables } from '../../../subgraphs/user/records.ts';
import type { StoredOrder } from '../../../subgraphs/order/stored-order.ts';
import type { Batch } from './batch.ts';
import type { Chance } from './chance.ts';
import type { PlainDatabase } from './plain-database.ts';

const accountRow = writerOf(UserAccountRecord);
const notificationRow = writerOf(NotificationRecord);
const deliveryRow = writerOf(NotificationDeliveryRecord);
const auditRow = writerOf(AuditEntryRecord);

const firstNames = ['Ada', 'Bela', 'Chiara', 'David', 'Elif', 'Farid', 'Grete', 'Hugo', 'Ines', 'Jonas', 'Karla', 'Lars', 'Mira', 'Nils', 'Olga', 'Pia', 'Quentin', 'Rosa', 'Sven', 'Tilda']; // prettier-ignore
const lastNames = ['Adler', 'Brandt', 'Claus', 'Dietz', 'Ebert', 'Falk', 'Graf', 'Hahn', 'Ihle', 'Jung', 'Krug', 'Lenz', 'Mohr', 'Noll', 'Otto', 'Paul', 'Ries', 'Sommer', 'Thiel', 'Voss']; // prettier-ignore
/** One message in so many can't be sent: its address is gone. */
const deadShare = 0.005;
/** Numbers below it are left to what the platform tells while the databases are filled. */
const beforeSeq = 1_000;
const streamsOfInsert = 1_000;
/** Notifications that are older would be deleted soon. */
const keptNotificationMs = 360 * 86_400_000;

/** Customers, merchants and staff, and what they were told and did. */
export class People {
  readonly customers: string[] = [];
  readonly merchants: string[] = [];
  readonly staff: string[] = [];
  readonly #chance: Chance;
  readonly #told = new Map<string, number>();
  #count = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  join(batch: Batch, roles: 'CUSTOMER' | 'CUSTOMER,MERCHANT' | 'CUSTOMER,OPERATOR', at: Date): void {
    const id = this.#chance.idAt(at);
    const name = `${this.#chance.pick(firstNames)} ${this.#chance.pick(lastNames)}`;
    this.#count += 1;
    batch.add('user', 'user_account', accountRow({
      id, name, nameKey: nameKeyOf(name), nickname: null, gender: 'UNSPECIFIED', mobile: `8613${String(this.#count).padStart(9, '0')}`, email: null, verifiedEmail: null, avatar: null, info: null,
      roles, highestRole: roles === 'CUSTOMER' ? 'CUSTOMER' : roles === 'CUSTOMER,MERCHANT' ? 'MERCHANT' : 'OPERATOR', status: 'ACTIVE', locale: null, createdAt: at, updatedAt: at, version: 1,
    })); // prettier-ignore
    (roles === 'CUSTOMER' ? this.customers : roles === 'CUSTOMER,MERCHANT' ? this.merchants : this.staff).push(id);
  }

  tell(batch: Batch, order: StoredOrder, kind: NotificationKind, { at, now }: { at: Date; now: Date }): void {
    if (now.getTime() - at.getTime() > keptNotificationMs) return;
    const userId = order.customerId;
    const seq = (this.#told.get(userId) ?? beforeSeq) + 1;
    this.#told.set(userId, seq);
    const id = this.#chance.idAt(at);
    const facts = { number: order.number, amountMinor: Number(order.totalMinor), currency: order.currency };
    batch.add('user', 'notification', notificationRow({ id, userId, seq, kind, eventId: this.#chance.idAt(at), orderId: order.id, facts, inApp: true, createdAt: at, readAt: this.#chance.is(0.6) ? at : null })); // prettier-ignore
    const isDead = this.#chance.is(deadShare);
    batch.add('user', 'notification_delivery', deliveryRow({
      notificationId: id, channel: 'EMAIL', state: isDead ? 'DEAD' : 'SENT', attempts: isDead ? 5 : 1, isCode: false, address: null, secret: null, expiresAt: null,
      lastError: isDead ? 'no such address' : null, nextTryAt: null, claimedBy: null, changedAt: at,
    })); // prettier-ignore
  }

  act(batch: Batch, order: StoredOrder, { action, actorId, at }: { action: string; actorId: string; at: Date }): void {
    batch.add('user', 'audit_entry', auditRow({ id: this.#chance.idAt(at), at, actorId, action, subject: `order:${order.id}`, beforeValue: null, afterValue: { number: order.number }, traceId: order.traceId })); // prettier-ignore
  }

  /** Saves how far each person's notifications are numbered. The platform may have told the administrator something meanwhile. */
  async saveStreams(user: PlainDatabase): Promise<void> {
    const rows = [...this.#told].map(([userId, lastSeq]) => ({ user_id: idToBytes(userId), last_seq: lastSeq }));
    for (let from = 0; from < rows.length; from += streamsOfInsert) {
      const streams = tables.insertInto('notification_stream').values(rows.slice(from, from + streamsOfInsert));
      await change(user.em(), streams.onDuplicateKeyUpdate({ last_seq: raw<number>`values(last_seq)` }));
    }
  }
}
