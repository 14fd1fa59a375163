import { isUtf8 } from 'node:buffer';
import express from 'express';

export const maxBodyBytes = 100 * 1024;

/** Reads a JSON body, which must be UTF-8: `answerErrors` of http.ts says what is wrong with another. */
export const jsonBody = express.json({
  limit: maxBodyBytes,
  inflate: false,
  verify(_request, _response, bytes, encoding) {
    if (encoding !== 'utf-8') throw unreadable('charset.unsupported', 415);
    if (!isUtf8(bytes)) throw unreadable('entity.not.utf8', 400);
  },
});

const unreadable = (type: string, status: number): Error => Object.assign(new Error(type), { type, status });
