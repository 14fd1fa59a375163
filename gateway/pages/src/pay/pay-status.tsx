import { Spinner } from '../ui/parts.tsx';
import type { PayStep } from './use-payment.ts';
import { t } from '../language/catalogue.ts';

/** How far paying has come, for the eye and for screen readers. */
export const PayStatus = ({ step }: { step: PayStep }) => (
  <>
    <div role="alert">
      {step.kind === 'declined' && (
        <p className="notice bad">
          <strong>{t().pay.didNotGoThrough}</strong> {step.message} {t().pay.nothingCharged}
        </p>
      )}
      {step.kind === 'problem' && (
        <p className="notice bad">
          {step.message}
          {step.again && t().pay.repeats}
        </p>
      )}
    </div>
    <div role="status">
      {step.kind === 'waiting' && (
        <p className="notice wait loading">
          <Spinner />
          {step.long ? t().pay.takesLong : t().pay.waiting}
        </p>
      )}
      {step.kind === 'confirm' && <p className="notice">{t().pay.wantsConfirmation}</p>}
    </div>
  </>
);
