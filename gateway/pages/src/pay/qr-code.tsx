import createCode from 'qrcode-generator';

/** Light modules around the code, as scanners want them. */
const quietModules = 4;

/** A text as a QR code, dark on light whatever the page's colours are: scanners want it so. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const code = createCode(0, 'M');
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const modules = Array.from(
    { length: count * count },
    (_, index) => [index % count, Math.floor(index / count)] as const,
  );
  const path = modules
    .filter(([x, y]) => code.isDark(y, x))
    .map(([x, y]) => `M${x + quietModules} ${y + quietModules}h1v1h-1z`)
    .join('');
  const size = count + 2 * quietModules;
  return (
    <svg className="qr-code" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
