/** What a release says on the wire, written down: from then on every later one must understand it, and be understood. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeFrame, MessageId, type MessageOf } from '@lars/proto';
import type protobuf from 'protobufjs';
import { bodyType, completeMessage, embeddedType, type PlainMessage } from '../../test/support/lars-proto.ts';
import { ROOT } from './workspace.ts';

export interface WireFrame {
  readonly name: string;
  readonly messageId: MessageId;
  readonly message: PlainMessage;
  /** Header and body. */
  readonly hex: string;
}

export interface WireRelease {
  readonly version: string;
  /** proto/lars.proto, by which the release reads what a later one sends. */
  readonly proto: string;
  readonly frames: readonly WireFrame[];
}

export const WIRE_RELEASES = path.join(ROOT, 'test/data/wire-releases');

/** Each message with every field at its default, and with each field at a value of its own. */
export function wireRelease(version: string): WireRelease {
  const frames = Object.entries(MessageId).flatMap(([name, messageId]) => {
    const type = bodyType(messageId);
    const messages = { empty: completeMessage(type, {}), full: fullMessage(type) };
    return Object.entries(messages).map(([which, message]) => {
      const frame = encodeFrame(messageId, message as unknown as MessageOf[MessageId]);
      return { name: `${name}, ${which}`, messageId, message, hex: Buffer.from(frame).toString('hex') };
    });
  });
  return { version, proto: readFileSync(path.join(ROOT, 'proto/lars.proto'), 'utf8'), frames };
}

/**
 * Writes the file of a version, unless it is there.
 * @returns whether it was written
 * @throws {Error} when it is there, and the version said something else then
 */
export function writeWireRelease(version: string, folder = WIRE_RELEASES): boolean {
  const file = path.join(folder, `${version}.json`);
  const release = wireRelease(version);
  if (existsSync(file)) {
    const { frames } = JSON.parse(readFileSync(file, 'utf8')) as WireRelease;
    const [before, now] = [frames, release.frames].map(all => JSON.stringify(all));
    if (before !== now) throw new Error(`what travels is not what ${version} said when it was released; raise the version`);
    return false;
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(release, undefined, 2)}\n`);
  return true;
}

function fullMessage(type: protobuf.Type): PlainMessage {
  return Object.fromEntries(type.fieldsArray.map(field => [field.name, fullField(field)]));
}

function fullField(field: protobuf.Field): unknown {
  const type = embeddedType(field);
  const value = type === undefined ? fullScalar(field) : fullMessage(type);
  return field.repeated ? [value, type === undefined ? value : completeMessage(type, {})] : value;
}

/** The number of the field is in its value, so that two that are mixed up show. */
function fullScalar({ id, type, name }: protobuf.Field): unknown {
  if (type === 'string') return `${name} ${id} ü`;
  if (type === 'bool') return true;
  if (type === 'uint64') return Number.MAX_SAFE_INTEGER - id;
  return type === 'int32' || type === 'sint32' ? -id : 2 ** 31 - 1 - id;
}
