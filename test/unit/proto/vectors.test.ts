/** The bytes that deployed peers send and expect, and the bytes of the additions, worked out by hand. */
import { decodeBody, decodeDatagram, encodeFrame, MessageId, type MessageOf } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import deployed from '../../data/wire-vectors.json' with { type: 'json' };
import additions from '../../data/wire-vectors-additions.json' with { type: 'json' };
import { bodyType, completeMessage, type PlainMessage } from '../../support/lars-proto.ts';

interface Vector {
  readonly name: string;
  readonly id: MessageId;
  readonly message: MessageOf[MessageId];
  readonly hex: string;
}

const vectors = [...deployed, ...additions].map((vector): Vector => {
  const id = vector.messageId as MessageId;
  const message = completeMessage(bodyType(id), vector.message as PlainMessage);
  return { name: vector.name, id, message: message as unknown as MessageOf[MessageId], hex: vector.hex };
});

describe('a vector passes both ways', () => {
  test.each(vectors)('$name: the message encodes to exactly these bytes', ({ id, message, hex }) => {
    expect(Buffer.from(encodeFrame(id, message)).toString('hex')).toBe(hex);
  });

  test.each(vectors)('$name: the bytes decode to exactly this message', ({ id, message, hex }) => {
    for (const datagram of [Buffer.from(hex, 'hex'), Uint8Array.from(Buffer.from(hex, 'hex'))]) {
      const frame = decodeDatagram(datagram);
      expect(frame.id).toBe(id);
      expect(decodeBody(id, frame.body)).toStrictEqual(message);
    }
  });

  test('every message id has a vector', () => {
    expect(new Set(vectors.map(vector => vector.id))).toStrictEqual(new Set(Object.values(MessageId)));
  });
});
