import type { NotificationChannel, NotificationKind, OutwardChannel } from './kinds.ts';

/** What a notification's texts are made of, as the event that caused it said. */
export type Facts = {
  /** The order's number. */
  readonly number?: string | undefined;
  readonly amountMinor?: number | undefined;
  readonly currency?: string | undefined;
  readonly fulfilmentId?: string | undefined;
  readonly carrier?: string | undefined;
  readonly trackingNumber?: string | undefined;
  readonly trackingUrl?: string | undefined;
  readonly returnNumber?: string | undefined;
  readonly approved?: boolean | undefined;
  readonly reason?: string | undefined;
  /** An instant, e.g. `2026-12-24T18:00:00.000Z`. */
  readonly until?: string | undefined;
  readonly product?: string | undefined;
  readonly available?: number | undefined;
  /** Where a webhook endpoint is: the origin of its URL. */
  readonly endpoint?: string | undefined;
  /** Whether it said that it wants to hear nothing more. */
  readonly isGone?: boolean | undefined;
};

/** What one person is told of one event. */
export type Notification = {
  readonly id: string;
  readonly userId: string;
  /** Its place in the stream of what this person is told, in the order of the commits. */
  readonly seq: number;
  readonly kind: NotificationKind;
  readonly orderId: string | null;
  readonly facts: Facts;
  readonly createdAt: Date;
  readonly readAt: Date | null;
};

/**
 * SENDING is as good as PENDING to people, until the process that sends is overdue; FAILED is tried again, DEAD is not.
 * There is no way back from SENDING to PENDING: a message that may be out is not sent a second time.
 */
export type DeliveryState = 'PENDING' | 'SENDING' | 'SENT' | 'FAILED' | 'DEAD';

/** How a notification goes out by one channel. */
export type Delivery = {
  readonly notificationId: string;
  readonly channel: OutwardChannel;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly changedAt: Date;
};

/** A delivery as the API shows one. */
export type ShownDelivery = {
  readonly channel: NotificationChannel;
  readonly state: Exclude<DeliveryState, 'SENDING'>;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly at: Date | null;
};
