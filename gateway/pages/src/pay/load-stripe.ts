/** The part of Stripe's script that we use. @see https://docs.stripe.com/js */
export type StripeElements = {
  create(type: 'payment'): {
    mount(place: HTMLElement): void;
    unmount(): void;
    on(event: 'ready', listener: () => void): void;
    on(event: 'loaderror', listener: (event: { error: { message?: string } }) => void): void;
  };
};
export type StripeScript = {
  elements(options: { clientSecret: string; locale: string; appearance: { theme: string } }): StripeElements;
  confirmPayment(options: {
    elements: StripeElements;
    confirmParams: { return_url: string };
    redirect: 'if_required';
  }): Promise<{ error?: { message?: string } }>;
};
export type StripeFactory = (publishableKey: string) => StripeScript;

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
