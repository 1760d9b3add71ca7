/** Releases understand each other, in both directions: what each said when it was released stands in test/data/wire-releases. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeBody, decodeDatagram, encodeFrame, type MessageOf } from '@lars/proto';
import protobuf from 'protobufjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WIRE_RELEASES, type WireRelease, wireRelease, writeWireRelease } from '../../../scripts/release/wire-release.ts';
import { bodyType, completeMessage, embeddedType, type PlainMessage } from '../../support/lars-proto.ts';

const releases = readdirSync(WIRE_RELEASES).map(
  file => JSON.parse(readFileSync(path.join(WIRE_RELEASES, file), 'utf8')) as WireRelease,
);
const today = wireRelease('today');

/** What a reader of this type sees of a message: the fields that it knows. */
function asSeenBy(type: protobuf.Type, message: PlainMessage): PlainMessage {
  return Object.fromEntries(
    type.fieldsArray.map(field => {
      const embedded = embeddedType(field);
      const value = message[field.name];
      if (embedded === undefined || value === undefined) return [field.name, value];
      const see = (one: unknown) => asSeenBy(embedded, one as PlainMessage);
      return [field.name, field.repeated ? (value as unknown[]).map(see) : see(value)];
    }),
  );
}

test('there is a release to compare with', () => {
  expect(releases.map(({ version }) => version)).toContain('0.1.0');
});

describe.each(releases)('$version', ({ proto, frames }) => {
  test.each(frames)('today reads what it sent: $name', ({ messageId, message, hex }) => {
    const { id, body } = decodeDatagram(Buffer.from(hex, 'hex'));
    expect(id).toBe(messageId);
    expect(decodeBody(messageId, body)).toStrictEqual(completeMessage(bodyType(messageId), message));
  });

  test.each(frames)('today sends it the same bytes: $name', ({ messageId, message, hex }) => {
    const whole = completeMessage(bodyType(messageId), message) as unknown as MessageOf[typeof messageId];
    expect(Buffer.from(encodeFrame(messageId, whole)).toString('hex')).toBe(hex);
  });

  test('it reads all messages of today that it knows, and their fields that it knows', () => {
    const schema = protobuf.parse(proto, { keepCase: false }).root.resolveAll();
    const names = schema.lookupEnum('lars.MessageId').valuesById;
    const known = today.frames.filter(({ messageId }) => messageId in names);
    expect(known.length).toBeGreaterThanOrEqual(frames.length);
    for (const { messageId, message, hex } of known) {
      const type = schema.lookupType(`lars.${names[messageId]?.replace(/^ID_(API_)?/, '')}`);
      const { body } = decodeDatagram(Buffer.from(hex, 'hex'));
      const read = type.toObject(type.decode(body), { longs: Number, defaults: true, arrays: true });
      const expected = asSeenBy(type, message);
      expect(completeMessage(bodyType(messageId), asSeenBy(type, withoutNull(read)))).toStrictEqual(
        completeMessage(bodyType(messageId), expected),
      );
    }
  });
});

/** protobufjs shows an embedded message that is absent as null. */
function withoutNull(message: PlainMessage): PlainMessage {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null));
}

describe('the file of a release', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'lars-wire-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is written once', () => {
    expect(writeWireRelease('1.0.0', folder)).toBe(true);
    expect(writeWireRelease('1.0.0', folder)).toBe(false);
  });

  test('keeps the same version from saying something else', () => {
    const [first, ...others] = today.frames;
    const before = { ...today, frames: [{ ...first, hex: '00' }, ...others] };
    writeFileSync(path.join(folder, '1.0.0.json'), JSON.stringify(before));
    expect(() => writeWireRelease('1.0.0', folder)).toThrow(
      'what travels is not what 1.0.0 said when it was released; raise the version',
    );
  });
});
