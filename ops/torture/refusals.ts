/** What buyers and staff of the torture may be told by their own doings: too little stock or money, too late, or another state. */
const expected: Readonly<Record<string, readonly string[]>> = {
  // Every number is new: an earlier try has done it, whose answer was lost.
  register: ['MOBILE_TAKEN'],
  placeOrder: ['INSUFFICIENT_STOCK', 'BUSINESS_REJECTED', 'IDEMPOTENCY_CONFLICT'],
  cancelOrder: ['ORDER_STATE', 'ORDER_EXPIRED'],
  fulfilOrder: ['VALIDATION', 'ORDER_STATE'],
  createPayment: ['ORDER_NOT_PAYABLE', 'INSUFFICIENT_BALANCE'],
  createMixedPayment: ['ORDER_NOT_PAYABLE', 'INSUFFICIENT_BALANCE'],
  retryPayment: ['PAYMENT_IN_PROGRESS', 'ORDER_NOT_PAYABLE', 'VALIDATION'],
  capturePayment: ['VALIDATION', 'ORDER_NOT_PAYABLE'],
  refundPayment: ['VALIDATION'],
  confirmRefund: ['VALIDATION'],
};

/** Refusals, as `field: CODE` with how often each came, that nothing which the torture does explains. */
export const unexpectedRefusals = (refusals: ReadonlyMap<string, number>): string[] =>
  [...refusals].flatMap(([refusal, times]) => {
    const [field = '', code = ''] = refusal.split(': ');
    return expected[field]?.includes(code) ? [] : [`${refusal} was the answer ${times} times, for no reason`];
  });
