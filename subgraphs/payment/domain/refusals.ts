import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { type Money, moneyToJson } from '../../shared/values/money.ts';

/** The order is in a state that takes no payment. */
export const orderNotPayable = (orderState: string) =>
  ({
    __typename: 'OrderNotPayableError',
    code: 'ORDER_NOT_PAYABLE',
    message: `The order is ${orderState} and can't be paid.`,
    orderState,
  }) satisfies Refusal;

/** The order has a payment that can still be paid. */
export const paymentInProgress = <Payment extends { readonly number: string }>(payment: Payment) =>
  ({
    __typename: 'PaymentInProgressError',
    code: 'PAYMENT_IN_PROGRESS',
    message: `Payment ${payment.number} of this order is still open: go on with it, or cancel it first.`,
    payment,
  }) satisfies Refusal;

/** The amount is not what is due. */
export const amountMismatch = (expected: Money, actual: Money, path: readonly string[] = ['input', 'amount']) =>
  ({
    __typename: 'AmountMismatchError',
    code: 'AMOUNT_MISMATCH',
    message: 'The amount is not what is due.',
    path,
    expected: moneyToJson(expected),
    actual: moneyToJson(actual),
  }) satisfies Refusal;

/** The provider did not answer (`retryable`) or said no. */
export const providerError = (provider: string, retryable: boolean, message: string) =>
  ({
    __typename: 'ProviderError',
    code: retryable ? 'PROVIDER_UNAVAILABLE' : 'PROVIDER_REFUSED',
    message,
    provider,
    retryable,
  }) satisfies Refusal;

/** The customer has no identity by which the provider knows who pays. */
export const identityMissing = () =>
  ({
    __typename: 'IdentityMissingError',
    code: 'IDENTITY_MISSING',
    message: 'To pay in the mini program, link your WeChat account first; or scan a code.',
    path: ['input', 'tradeType'],
  }) satisfies Refusal;

/** The wallet has too little. */
export const insufficientBalance = (balance: Money, required: Money) =>
  ({
    __typename: 'InsufficientBalanceError',
    code: 'INSUFFICIENT_BALANCE',
    message: 'There is less in the wallet than is needed; nothing was taken.',
    balance: moneyToJson(balance),
    required: moneyToJson(required),
  }) satisfies Refusal;

/** Orders of this type are paid from outside. */
export const walletNotTaken = (orderType: string) =>
  validationError(`Orders of type ${orderType} can't be paid by wallet.`, ['input', 'method']);
