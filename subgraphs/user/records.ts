import { defineEntity, p } from '@mikro-orm/core';
import { ErasureRecord } from './erasure/erasure-records.ts';
import { at, bytes, id, text } from '../shared/database/columns.ts';
import { type TablesOf, builderFor, inserterFor } from '../shared/database/tables.ts';
import type { Role } from '../shared/auth/viewer.ts';
import type { Locale } from './domain/locale.ts';
import { notificationEntities } from './notifications/records.ts';
import type { RevocationReason } from './domain/session.ts';
import type { ForeignType } from './identities/identity.ts';
import type { Gender, UserStatus } from './domain/user.ts';
import { OrderSellerRecord, OutgoingDeliveryRecord, WebhookEndpointRecord } from './webhooks/records.ts';

export const UserAccountRecord = defineEntity({
  name: 'UserAccountRecord',
  tableName: 'user_account',
  indexes: [
    { name: 'user_account_name_key', properties: ['nameKey'] },
    { name: 'user_account_email', properties: ['email'] },
    { name: 'user_account_highest_role', properties: ['highestRole', 'id'] },
  ],
  properties: {
    id: id().primary(),
    name: p.string().length(64).collation('utf8mb4_general_ci'),
    nameKey: p.string().length(128).default(''),
    nickname: p.string().length(64).nullable(),
    gender: p.string().length(16).$type<Gender>(),
    mobile: p.string().length(16).nullable().unique('user_account_mobile'),
    email: p.string().length(254).nullable(),
    /** Unique among accounts that have verified theirs; null for all others. */
    verifiedEmail: p.string().length(254).nullable().unique('user_account_verified_email'),
    avatar: p.string().length(512).nullable(),
    info: p.string().length(1024).nullable(),
    roles: p.string().length(64),
    /** By it staff are found. */
    highestRole: p.string().length(16).$type<Role>().default('CUSTOMER'),
    status: p.string().length(16).$type<UserStatus>().default('ACTIVE'),
    /** Null for the shop's. */
    locale: p.string().length(8).$type<Locale>().nullable(),
    createdAt: at(),
    updatedAt: at(),
    version: p.integer(),
  },
  checks: [
    { name: 'user_account_gender', expression: "gender in ('UNSPECIFIED', 'MALE', 'FEMALE')" },
    { name: 'user_account_version', expression: 'version >= 1' },
  ],
});

export const UserPasswordRecord = defineEntity({
  name: 'UserPasswordRecord',
  tableName: 'user_password',
  properties: { userId: id().primary(), passwordHash: p.string().length(160).hidden(), changedAt: at() },
});

export const UserSessionRecord = defineEntity({
  name: 'UserSessionRecord',
  tableName: 'user_session',
  indexes: [
    { name: 'user_session_user', properties: ['userId', 'revokedAt'] },
    { name: 'user_session_expiry', properties: ['expiresAt'] },
    { name: 'user_session_revoked', properties: ['revokedAt'] },
  ],
  properties: {
    id: id().primary(),
    userId: id(),
    client: p.string().length(200).nullable(),
    createdAt: at(),
    refreshedAt: at(),
    expiresAt: at(),
    revokedAt: at().nullable(),
    revokedBecause: text<RevocationReason>(32).nullable(),
  },
});

export const RefreshTokenRecord = defineEntity({
  name: 'RefreshTokenRecord',
  tableName: 'refresh_token',
  indexes: [
    { name: 'refresh_token_session', properties: ['sessionId'] },
    { name: 'refresh_token_expiry', properties: ['expiresAt'] },
  ],
  properties: {
    tokenHash: bytes(32).primary(),
    sessionId: id(),
    issuedAt: at(),
    expiresAt: at(),
    rotatedAt: at().nullable(),
  },
});

export const ServiceCredentialRecord = defineEntity({
  name: 'ServiceCredentialRecord',
  tableName: 'service_credential',
  properties: {
    service: p.string().length(32).primary(),
    app: p.string().length(32).primary(),
    tokenHash: bytes(32).nullable(),
    strict: p.boolean(),
    createdAt: at(),
    rotatedAt: at().nullable(),
    revokedAt: at().nullable(),
  },
});

export const SignInPlaceRecord = defineEntity({
  name: 'SignInPlaceRecord',
  tableName: 'sign_in_place',
  indexes: [{ name: 'sign_in_place_age', properties: ['lastUsedAt'] }],
  properties: {
    userId: id().primary(),
    placeHash: bytes(32).primary(),
    lastUsedAt: at(),
  },
});

/** A user's addresses; its lock lets changes of one book follow each other. */
export const AddressBookRecord = defineEntity({
  name: 'AddressBookRecord',
  tableName: 'address_book',
  properties: {
    userId: id().primary(),
    /** Null for no addresses only. */
    defaultShippingId: id().nullable(),
    defaultBillingId: id().nullable(),
  },
  checks: [
    {
      name: 'address_book_defaults',
      expression: '(default_shipping_id is null) = (default_billing_id is null)',
    },
  ],
});

export const AddressRecord = defineEntity({
  name: 'AddressRecord',
  tableName: 'address',
  indexes: [{ name: 'address_user', properties: ['userId', 'id'] }],
  properties: {
    id: id().primary(),
    userId: id(),
    label: p.string().length(64).nullable(),
    name: p.string().length(100),
    company: p.string().length(100).nullable(),
    line1: p.string().length(200),
    line2: p.string().length(200).nullable(),
    city: p.string().length(100),
    region: p.string().length(100).nullable(),
    postalCode: p.string().length(20).nullable(),
    countryCode: p.string().length(2),
    phone: p.string().length(20).nullable(),
    createdAt: at(),
    updatedAt: at(),
    version: p.integer(),
  },
});

/** A code by which an account sets its password once. */
export const OneTimeCodeRecord = defineEntity({
  name: 'OneTimeCodeRecord',
  tableName: 'one_time_code',
  indexes: [{ name: 'one_time_code_expiry', properties: ['expiresAt'] }],
  properties: {
    userId: id().primary(),
    codeHash: bytes(32),
    tries: p.integer().default(0),
    createdAt: at(),
    expiresAt: at(),
  },
});

/** A code that shows that a mailbox is the user's. */
export const EmailCodeRecord = defineEntity({
  name: 'EmailCodeRecord',
  tableName: 'email_code',
  indexes: [{ name: 'email_code_expiry', properties: ['expiresAt'] }],
  properties: {
    userId: id().primary(),
    email: p.string().length(254),
    codeHash: bytes(32),
    tries: p.integer().default(0),
    createdAt: at(),
    expiresAt: at(),
  },
});

/** That somebody forgot a password: whose account it is, if anybody's, is looked up by the worker. */
export const PasswordResetRequestRecord = defineEntity({
  name: 'PasswordResetRequestRecord',
  tableName: 'password_reset_request',
  properties: { id: id().primary(), mobile: p.string().length(16), requestedAt: at() },
});

/** A name of another system by which a user signs in. */
export const UserIdentityRecord = defineEntity({
  name: 'UserIdentityRecord',
  tableName: 'user_identity',
  indexes: [],
  uniques: [{ name: 'user_identity_user', properties: ['userId', 'type', 'issuer'] }],
  properties: {
    type: text<ForeignType>(16).primary(),
    issuer: p.string().length(255).primary(),
    subject: p.string().length(255).primary(),
    userId: id(),
    linkedAt: at(),
  },
});

/** What staff did. */
export const AuditEntryRecord = defineEntity({
  name: 'AuditEntryRecord',
  tableName: 'audit_entry',
  indexes: [
    { name: 'audit_entry_actor', properties: ['actorId', 'id'] },
    { name: 'audit_entry_action', properties: ['action', 'id'] },
  ],
  properties: {
    id: id().primary(),
    at: at(),
    actorId: id().nullable(),
    action: p.string().length(64),
    subject: p.string().length(128),
    beforeValue: p.json().nullable(),
    afterValue: p.json().nullable(),
    traceId: p.string().columnType('char(32)'),
  },
});

/** The kernel's table, here for the test that records and migrations agree. */
export const IdempotencyRecord = defineEntity({
  name: 'IdempotencyRecord',
  tableName: 'idempotency',
  indexes: [{ name: 'idempotency_age', properties: ['createdAt'] }],
  properties: {
    ownerId: id().primary(),
    keyHash: bytes(32).primary(),
    operation: p.string().length(64),
    inputHash: bytes(32),
    result: p.json(),
    createdAt: at(),
  },
});

export const entities = [
  UserAccountRecord,
  UserPasswordRecord,
  UserSessionRecord,
  RefreshTokenRecord,
  ServiceCredentialRecord,
  SignInPlaceRecord,
  AddressBookRecord,
  AddressRecord,
  OneTimeCodeRecord,
  EmailCodeRecord,
  PasswordResetRequestRecord,
  UserIdentityRecord,
  ErasureRecord,
  AuditEntryRecord,
  WebhookEndpointRecord,
  OutgoingDeliveryRecord,
  OrderSellerRecord,
  ...notificationEntities,
  IdempotencyRecord,
] as const;

/** The tables of this schema. */
export type UserTables = TablesOf<typeof entities>;
/** Statements on them: a wrong table, column or value is a compile error. */
export const tables = builderFor<UserTables>();
export const insertInto = inserterFor<UserTables>();
