/** Live channel of the changes of all orders. */
export const ordersChannel = 'orders';
/** Live channel of one order's changes. */
export const orderChannel = (orderId: string): string => `order:${orderId}`;
