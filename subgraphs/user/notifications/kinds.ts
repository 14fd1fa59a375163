/** Why a person is told something. */
export const kinds = [
  'ORDER_PAID',
  'CHECK_IN_CODE',
  'ORDER_SHIPPED',
  'ORDER_DELIVERED',
  'ORDER_CANCELLED',
  'ORDER_EXPIRED',
  'ORDER_REFUNDED',
  'RETURN_DECIDED',
  'PAYMENT_ACTION_NEEDED',
  'PASSWORD_RESET',
  'INVITATION',
  'EMAIL_VERIFICATION',
  'LOW_STOCK',
  'WEBHOOK_DISABLED',
] as const;
export type NotificationKind = (typeof kinds)[number];

/** These carry a code, which is erased when it is sent or ends. */
export const codeKinds = ['PASSWORD_RESET', 'INVITATION', 'EMAIL_VERIFICATION'] as const satisfies NotificationKind[];

/** Ways out of the platform. In-app is the record itself. */
export type OutwardChannel = 'EMAIL' | 'SMS';
const outwardChannels = ['EMAIL', 'SMS'] as const satisfies readonly OutwardChannel[];

/** What goes out by itself, so that nothing waits for what is slow elsewhere: each channel, and its codes apart from the rest. */
export const lanes = outwardChannels.flatMap((channel) => [
  { channel, isCode: true, name: `${channel} codes` } as const,
  { channel, isCode: false, name: channel } as const,
]);
export type Lane = (typeof lanes)[number];
export type NotificationChannel = 'IN_APP' | OutwardChannel;

/**
 * Which way each kind goes; docs/notifications.md says why. A code goes to the one address that it is for, so these have no
 * outward channels of their own.
 */
export const channelsOf: Readonly<Record<NotificationKind, readonly NotificationChannel[]>> = {
  ORDER_PAID: ['IN_APP', 'EMAIL'],
  CHECK_IN_CODE: ['IN_APP', 'EMAIL', 'SMS'],
  ORDER_SHIPPED: ['IN_APP', 'EMAIL'],
  ORDER_DELIVERED: ['IN_APP'],
  ORDER_CANCELLED: ['IN_APP', 'EMAIL'],
  ORDER_EXPIRED: ['IN_APP'],
  ORDER_REFUNDED: ['IN_APP', 'EMAIL'],
  RETURN_DECIDED: ['IN_APP', 'EMAIL'],
  PAYMENT_ACTION_NEEDED: ['IN_APP', 'EMAIL'],
  PASSWORD_RESET: ['IN_APP'],
  INVITATION: [],
  EMAIL_VERIFICATION: [],
  LOW_STOCK: ['IN_APP'],
  WEBHOOK_DISABLED: ['IN_APP', 'EMAIL'],
};
