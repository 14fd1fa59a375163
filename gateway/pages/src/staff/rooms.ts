/** A page of the staff's, where it stands in their navigation, and the keys that lead to it after `g`. */
export type Room = {
  readonly path: string;
  readonly name: string;
  readonly key?: string;
  /** Another word that it is found by. */
  readonly also?: string;
  /** Shown to administrators only: the API refuses others. */
  readonly adminOnly?: boolean;
};

/** What a shop's day needs first; then how the shop is set up; then how it runs. */
export const roomGroups: readonly (readonly [name: string, rooms: readonly Room[]])[] = [
  [
    'Day',
    [
      { path: '/staff', name: 'Orders', key: 'o' },
      { path: '/staff/returns', name: 'Returns', key: 'r' },
      { path: '/staff/customers', name: 'Customers', key: 'c' },
      { path: '/staff/products', name: 'Products', key: 'p' },
      { path: '/staff/stock', name: 'Stock', key: 'k' },
      { path: '/staff/sales', name: 'Sales', key: 's' },
    ],
  ],
  [
    'Shop',
    [
      { path: '/staff/categories', name: 'Categories' },
      { path: '/staff/promotions', name: 'Promotions' },
      { path: '/staff/shipping', name: 'Shipping and taxes' },
    ],
  ],
  [
    'Money',
    [
      { path: '/staff/refunds', name: 'Refunds', also: 'disputes', key: 'm' },
      { path: '/staff/reconciliation', name: 'Reconciliation' },
      { path: '/staff/provider-messages', name: 'Provider messages' },
    ],
  ],
  [
    'Running',
    [
      { path: '/staff/dead-letters', name: 'Dead letters', key: 'd' },
      { path: '/staff/sagas', name: 'Sagas' },
      { path: '/staff/webhooks', name: 'Webhooks', adminOnly: true },
      { path: '/staff/audit-log', name: 'Audit log', key: 'l', adminOnly: true },
      { path: '/staff/jobs', name: 'Jobs' },
    ],
  ],
];

/** The rooms that somebody may open. */
export const roomsFor = (admin: boolean): Room[] =>
  roomGroups.flatMap(([, rooms]) => rooms).filter(({ adminOnly }) => admin || adminOnly !== true);

/** Whether a path is in a room, or below it. */
export const isIn = ({ path: room }: Room, path: string): boolean =>
  room === '/staff' ? path === room || path.startsWith('/staff/orders') : path === room || path.startsWith(`${room}/`);
