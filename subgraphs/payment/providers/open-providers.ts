import type { PaymentConfig } from '../config.ts';
import type { PaymentMethod } from '../records.ts';
import { alipayProvider } from './alipay.ts';
import { bankTransferProvider } from './bank-transfer.ts';
import type { PaymentProvider } from './provider.ts';
import { simulatedProvider } from './simulated.ts';
import { stripeProvider } from './stripe.ts';

/** The providers that are configured, by the method that each serves. `publicUrl` is where browsers find the platform. */
export function openProviders(
  config: PaymentConfig,
  options: { publicUrl: string },
): ReadonlyMap<PaymentMethod, PaymentProvider> {
  const providers = new Map<PaymentMethod, PaymentProvider>();
  if (config.stripe) providers.set('STRIPE', stripeProvider(config.stripe));
  if (config.alipay) providers.set('ALIPAY', alipayProvider(config.alipay, options));
  if (config.bankTransfer) providers.set('BANK_TRANSFER', bankTransferProvider(config.bankTransfer));
  if (config.simulated) providers.set('SIMULATED_CARD', simulatedProvider(config.simulated, options));
  return providers;
}
