import { defineEntity, p } from '@mikro-orm/core';
import { at, id } from '../shared/database/columns.ts';
import type { Gender } from './domain/user.ts';

export const UserAccountRecord = defineEntity({
  name: 'UserAccountRecord',
  tableName: 'user_account',
  indexes: [{ name: 'user_account_name_key', properties: ['nameKey'] }],
  properties: {
    id: id().primary(),
    name: p.string().length(64).collation('utf8mb4_general_ci'),
    nameKey: p.string().length(128).default(''),
    nickname: p.string().length(64).nullable(),
    gender: p.string().length(16).$type<Gender>(),
    mobile: p.string().length(16).nullable().unique('user_account_mobile'),
    avatar: p.string().length(512).nullable(),
    info: p.string().length(1024).nullable(),
    roles: p.string().length(64),
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
    createdAt: at(),
    refreshedAt: at(),
    expiresAt: at(),
    revokedAt: at().nullable(),
    revokedBecause: p.string().length(32).nullable(),
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
    tokenHash: p.blob().columnType('binary(32)').primary(),
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
    tokenHash: p.blob().columnType('binary(32)').nullable(),
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
    placeHash: p.blob().columnType('binary(32)').primary(),
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

/** The kernel's table, here for the test that records and migrations agree. */
export const IdempotencyRecord = defineEntity({
  name: 'IdempotencyRecord',
  tableName: 'idempotency',
  indexes: [{ name: 'idempotency_age', properties: ['createdAt'] }],
  properties: {
    ownerId: id().primary(),
    keyHash: p.blob().columnType('binary(32)').primary(),
    operation: p.string().length(64),
    inputHash: p.blob().columnType('binary(32)'),
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
  IdempotencyRecord,
] as const;
