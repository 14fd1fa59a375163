import { StrictMode, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';

/** Puts a page into the document. */
export function show(page: ReactNode): void {
  const root = document.querySelector('#root');
  if (root === null) throw new Error('The document has no #root');
  createRoot(root).render(<StrictMode>{page}</StrictMode>);
}
