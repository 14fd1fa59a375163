import { expect, test } from '@jest/globals';
import { type DocumentNode, parse } from 'graphql';
import { formatDocument, stringifyDocument } from 'urql';
import { readTrustedDocuments } from '../../../gateway/documents/trusted-documents.ts';
import * as generated from '../../../schema/generated/operations.ts';

const path = new URL('../../../schema/generated/trusted-documents.json', import.meta.url);
const trusted = readTrustedDocuments({ path, only: true });
const documents = Object.entries(generated as unknown as Readonly<Record<string, DocumentNode>>);

test.each(documents)('%s is trusted as the client library of the pages sends it', (_name, document) => {
  expect(trusted.has(parse(stringifyDocument(formatDocument(document))))).toBe(true);
});
