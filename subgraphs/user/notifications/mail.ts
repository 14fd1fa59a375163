import { Html, html } from './html.ts';
import type { Message } from './message.ts';

/** A message as a mail has it. */
export type Mail = { readonly subject: string; readonly text: string; readonly html: string };

export const mailOf = (message: Message, shop: string): Mail => ({
  subject: message.subject,
  text: plainText(message),
  html: page(message, shop).text,
});

/** The same for mail programs that show no HTML. */
function plainText({ greeting, paragraphs, code, order, sums, address, links, footer }: Message): string {
  const blocks = [
    [greeting],
    paragraphs,
    code ? [`${code.label}: ${code.value}`] : [],
    order
      ? [
          order.heading,
          ...order.lines.map(
            ({ quantity, title, detail, amount }) =>
              `${quantity} × ${title}${detail === null ? '' : `, ${detail}`}${amount === null ? '' : `: ${amount}`}`,
          ),
        ]
      : [],
    sums.map(({ label, amount }) => `${label}: ${amount}`),
    address ? [`${address.heading}:`, ...address.lines] : [],
    links.map(({ label, url }) => `${label}: ${url}`),
    ['-- ', footer],
  ];
  return `${blocks.filter((lines) => lines.length > 0).map((lines) => lines.join('\n')).join('\n\n')}\n`; // prettier-ignore
}

/*
 * Mail programs know few CSS rules, some none but those in `style`: tables and inline styles, and a <style> for dark screens
 * alone, which may be dropped.
 */
const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
/** A long word makes the mail no wider than a phone. */
const breakable = 'overflow-wrap:anywhere;word-break:break-word';
const dark = new Html(
  '@media (prefers-color-scheme:dark){body,.page{background:#111118!important}.card{background:#1b1b25!important}.ink{color:#ededf4!important}.soft{color:#a5a5b8!important}.line{border-color:#30303f!important}.code{background:#111118!important}.link{color:#a5a3ff!important}}',
);

function page(message: Message, shop: string): Html {
  const { language, subject, greeting, paragraphs, footer } = message;
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${subject}</title>
<style>${dark}</style>
</head>
<body style="margin:0;background:#f6f6f9;${font}">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f6f6f9"><tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px">
<tr><td class="soft" style="padding:0 8px 16px;font-size:14px;font-weight:600;color:#5b5b6b">${shop}</td></tr>
<tr><td class="card" style="background:#ffffff;border-radius:12px;padding:32px;${breakable}">
<h1 class="ink" style="margin:0 0 20px;font-size:22px;line-height:1.3;color:#17171f">${subject}</h1>
${[greeting, ...paragraphs].map((text) => html`<p class="ink" style="margin:0 0 14px;font-size:16px;line-height:1.5;color:#17171f">${text}</p>\n`)}
${codeBox(message)}${orderTable(message)}${addressBox(message)}${buttons(message)}</td></tr>
<tr><td class="soft" style="padding:18px 8px 0;font-size:13px;line-height:1.5;color:#5b5b6b">${footer}</td></tr>
</table>
</td></tr></table>
</body>
</html>
`; // prettier-ignore
}

const codeBox = ({ code }: Message): Html | null =>
  code &&
  html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="margin:10px 0 18px"><tr><td class="code" align="center" style="background:#f6f6f9;border-radius:10px;padding:16px">
<div class="soft" style="font-size:13px;color:#5b5b6b">${code.label}</div>
<div class="ink" style="margin-top:4px;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:28px;letter-spacing:3px;color:#17171f">${code.value}</div>
</td></tr></table>
`; // prettier-ignore

const cell =
  'padding:10px 0;font-size:15px;line-height:1.4;vertical-align:top;color:#17171f;border-top:1px solid #e1e1ea';

function orderTable({ order, sums }: Message): Html | null {
  if (!order || order.lines.length === 0) return null;
  const { heading, quantity, lines } = order;
  return html`<table width="100%" cellpadding="0" cellspacing="0" style="margin:14px 0 8px;border-collapse:collapse">
<tr><th scope="col" align="left" class="ink" style="padding:0 0 10px;font-size:15px;color:#17171f">${heading}</th><th scope="col" align="right" class="soft" style="padding:0 0 10px 12px;font-size:13px;font-weight:400;white-space:nowrap;color:#5b5b6b">${quantity}</th><th></th></tr>
${lines.map(
  ({ title, detail, quantity: pieces, amount }) => html`<tr><td class="ink line" style="${cell}">${title}${detail === null ? null : html`<br><span class="soft" style="font-size:13px;color:#5b5b6b">${detail}</span>`}</td><td class="ink line" align="right" style="${cell};padding-left:12px">${pieces}</td><td class="ink line" align="right" style="${cell};padding-left:16px;white-space:nowrap">${amount}</td></tr>\n`,
)}${sums.map(({ label, amount, isTotal }, index) => html`<tr><td colspan="2" class="ink${index === 0 ? ' line' : ''}" style="${sumStyle(index, isTotal)}">${label}</td><td class="ink${index === 0 ? ' line' : ''}" align="right" style="${sumStyle(index, isTotal)};padding-left:16px;white-space:nowrap">${amount}</td></tr>\n`)}</table>
`; // prettier-ignore
}

const sumStyle = (index: number, isTotal: boolean): string =>
  `padding:${index === 0 ? '12px' : '4px'} 0 4px;font-size:${isTotal ? '17px' : '15px'};font-weight:${isTotal ? '700' : '400'};color:#17171f${index === 0 ? ';border-top:1px solid #e1e1ea' : ''}`;

const addressBox = ({ address }: Message): Html | null =>
  address &&
  html`<div class="soft" style="margin:18px 0 2px;font-size:13px;color:#5b5b6b">${address.heading}</div>
<div class="ink" style="font-size:15px;line-height:1.5;color:#17171f">${address.lines.map((line, index) => (index === 0 ? line : html`<br>${line}`))}</div>
`; // prettier-ignore

const buttons = ({ links }: Message): Html[] =>
  links.map(
    ({ label, url }, index) =>
    index === 0
      ? html`<table role="presentation" cellpadding="0" cellspacing="0" style="margin:24px 0 0"><tr><td style="background:#4338ca;border-radius:8px"><a href="${url}" style="display:inline-block;padding:12px 22px;font-size:16px;font-weight:600;color:#ffffff;text-decoration:none">${label}</a></td></tr></table>
`
      : html`<p style="margin:14px 0 0;font-size:15px"><a class="link" href="${url}" style="color:#4338ca">${label}</a></p>
`, // prettier-ignore
  );
