import { beforeEach, describe, expect, test } from '@jest/globals';
import { type SocketMessages, socketMessages } from '../../../gateway/front/socket-messages.ts';

let messages: SocketMessages;
beforeEach(() => {
  messages = socketMessages();
});
const receive = (message: object) => messages.received(JSON.stringify(message));
const subscribe = (id: string, payload: object = { query: '{ a }' }) => receive({ id, type: 'subscribe', payload });
const passed = (id: string, payload: object = { query: '{ a }' }) => ({ message: { id, type: 'subscribe', payload }, isOperation: true }); // prettier-ignore
const next = (id: string) => JSON.stringify({ id, type: 'next', payload: { data: { id: '1' } } });
const told = (text: string) => {
  const sent = messages.sent(text);
  return sent === undefined ? undefined : (JSON.parse(sent) as unknown);
};

describe('the messages of a socket', () => {
  test.each(['1', '__proto__', 'constructor', '"},{"', '\\', '\u0000\u2028\ud800', '订单', 'x'.repeat(128)])(
    'the id %j is its client’s, and another to the protocol',
    (id) => {
      expect(subscribe(id)).toEqual(passed('1'));
      expect(subscribe(`${id.slice(1)}+`)).toEqual(passed('2'));
      expect(told(next('1'))).toEqual({ id, type: 'next', payload: { data: { id: '1' } } });
      expect(told('{"id":"1","type":"complete"}')).toEqual({ id, type: 'complete' });
    },
  );

  test('an id that is in use closes the socket with 4409, in the words of the protocol where they fit', () => {
    subscribe('a');
    expect(subscribe('a')).toEqual({ close: { code: 4409, reason: 'Subscriber for a already exists' } });
    subscribe('单'.repeat(40));
    expect(subscribe('单'.repeat(40))).toEqual({ close: { code: 4409, reason: 'Subscriber already exists' } });
  });

  test.each(['complete', 'error'])('after %s an id may be used again, and what still comes is not told', (type) => {
    subscribe('a');
    expect(told(`{"id":"1","type":"${type}"}`)).toEqual({ id: 'a', type });
    expect(subscribe('a')).toEqual(passed('2'));
    expect(messages.sent(next('1'))).toBeUndefined();
    expect(told(next('2'))).toMatchObject({ id: 'a' });
  });

  test("after the client's complete an id may be used again, each operation is ended by its own, and once", () => {
    const complete = () => receive({ id: 'a', type: 'complete' });
    subscribe('a');
    expect(complete()).toEqual({ message: { id: '1', type: 'complete' }, isOperation: false });
    expect(complete()).toBeUndefined();
    expect(subscribe('a')).toEqual(passed('2'));
    expect(messages.sent('{"id":"1","type":"complete"}')).toBeUndefined();
    expect(told(next('2'))).toMatchObject({ id: 'a' });
    expect(complete()).toEqual({ message: { id: '2', type: 'complete' }, isOperation: false });
  });

  test('an id of more than 128 characters closes the socket', () => {
    for (const type of ['subscribe', 'complete'])
      expect(receive({ id: 'x'.repeat(129), type, payload: {} })).toEqual({ close: { code: 4400, reason: 'An id has at most 128 characters' } }); // prettier-ignore
  });

  test.each(['{', 'null', '[]', '1', '{}', '{"type":"foo"}', '{"id":"1","type":"next","payload":{}}', '{"type":"connection_ack"}'])(
    '%s is no message of a client',
    (text) => {
      expect(messages.received(text)).toEqual({ close: { code: 4400, reason: 'Invalid message received' } });
    },
  ); // prettier-ignore

  test('a payload that names its document otherwise gets an empty query; one that names none is as it was', () => {
    for (const payload of [{ documentId: 'd' }, { extensions: { persistedQuery: {} }, query: null }])
      expect(subscribe(JSON.stringify(payload), payload)).toMatchObject({ message: { payload: { ...payload, query: '' } } }); // prettier-ignore
    expect(subscribe('none', { variables: {} })).toMatchObject({ message: { payload: { variables: {} } } });
    expect(subscribe('text', { query: '{ b }', documentId: 'd' })).toMatchObject({ message: { payload: { query: '{ b }' } } }); // prettier-ignore
  });

  test('a large ping is passed on without its payload', () => {
    const payload = (length: number) => ({ type: 'ping', payload: { a: 'x'.repeat(length) } });
    expect(receive(payload(900))).toEqual({ message: payload(900), isOperation: false });
    expect(receive(payload(1_024))).toEqual({ message: { type: 'ping' }, isOperation: false });
  });

  test('what is of no operation is passed on as it is', () => {
    expect(receive({ type: 'connection_init', payload: { a: 1 } })).toEqual({ message: { type: 'connection_init', payload: { a: 1 } }, isOperation: false }); // prettier-ignore
    expect(messages.sent('{"type":"connection_ack"}')).toBe('{"type":"connection_ack"}');
  });
});
