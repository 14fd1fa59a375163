/** The part of Stripe's script that we use. @see https://docs.stripe.com/js */
export type StripeElements = {
  create(type: 'payment'): {
    mount(place: HTMLElement): void;
    unmount(): void;
    on(event: 'ready', listener: () => void): void;
    on(event: 'loaderror', listener: (event: { error: { message?: string } }) => void): void;
  };
};
export type StripeError = { type?: string; message?: string };
export type StripeScript = {
  elements(options: { clientSecret: string; locale: string; appearance: { theme: string } }): StripeElements;
  confirmPayment(options: {
    elements: StripeElements;
    confirmParams: { return_url: string };
    redirect: 'if_required';
  }): Promise<{ error?: StripeError }>;
  retrievePaymentIntent(clientSecret: string): Promise<{ paymentIntent?: { status: string }; error?: StripeError }>;
};
export type StripeFactory = (publishableKey: string) => StripeScript;

/** Of a payment that Stripe goes on with by itself, or has the money of. @see https://docs.stripe.com/payments/paymentintents/lifecycle */
const sentStatuses = ['processing', 'requires_capture', 'succeeded'];

/** Whether a payment was sent already: before a reload, in another tab, or on its bank's page. */
export async function wasSent(stripe: StripeScript, clientSecret: string): Promise<boolean> {
  const { paymentIntent } = await stripe.retrievePaymentIntent(clientSecret);
  return paymentIntent !== undefined && sentStatuses.includes(paymentIntent.status);
}

/** With other errors, e.g. of the connection, the payment may have gone through. */
export const isRefusal = ({ type }: StripeError): boolean => type === 'card_error' || type === 'validation_error';

let loading: Promise<StripeFactory> | undefined;

/** Stripe's script, once a page. Rejects when it can't be loaded, and can be tried again then. */
export function loadStripe(script: string): Promise<StripeFactory> {
  loading ??= new Promise<StripeFactory>((resolve, reject) => {
    const element = document.createElement('script');
    element.src = script;
    element.addEventListener('load', () => {
      const factory = (window as { Stripe?: StripeFactory }).Stripe;
      if (factory === undefined) reject(new Error('The script of Stripe brought nothing.'));
      else resolve(factory);
    });
    element.addEventListener('error', () => reject(new Error('The script of Stripe did not load.')));
    document.head.append(element);
  }).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}
