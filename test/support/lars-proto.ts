/** proto/lars.proto as protobufjs reads it: the reference that the hand-written codec is held against. */
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import type { MessageId } from '../../proto/src/messages.ts';

export type PlainMessage = Readonly<Record<string, unknown>>;

export const larsProto = protobuf.loadSync(fileURLToPath(new URL('../../proto/lars.proto', import.meta.url))).resolveAll();

/** The body that travels under `id`: API_GetRouteRequest carries a GetRouteRequest. */
export function bodyType(id: MessageId): protobuf.Type {
  const name = larsProto.lookupEnum('lars.MessageId').valuesById[id];
  if (name === undefined) throw new Error(`lars.proto has no message id ${id}`);
  return larsProto.lookupType(`lars.${name.replace(/^ID_(API_)?/, '')}`);
}

/** Fills what a message leaves out with its proto3 default; an embedded message that is not repeated stays absent. */
export function completeMessage(type: protobuf.Type, partial: PlainMessage): PlainMessage {
  const unknown = Object.keys(partial).filter(name => type.fields[name] === undefined);
  if (unknown.length > 0) throw new Error(`${type.name} has no field ${unknown.join(', ')}`);
  return Object.fromEntries(type.fieldsArray.map(field => [field.name, completeField(field, partial[field.name])]));
}

/** The message type of a field, undefined for a scalar. */
export function embeddedType(field: protobuf.Field): protobuf.Type | undefined {
  return field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
}

function completeField(field: protobuf.Field, value: unknown): unknown {
  const type = embeddedType(field);
  if (field.repeated) return ((value ?? []) as PlainMessage[]).map(item => (type ? completeMessage(type, item) : item));
  if (type !== undefined) return value === undefined ? undefined : completeMessage(type, value as PlainMessage);
  return value ?? scalarDefault(field);
}

function scalarDefault(field: protobuf.Field): unknown {
  return field.type === 'string' ? '' : field.type === 'bool' ? false : 0;
}
