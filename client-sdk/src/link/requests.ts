// pure
import { encodeFrame, Feature, MessageId } from '@lars/proto';
import type { Pending } from './pending-table.ts';

/** This client understands IPv6 and DNS hosts, and hosts that drain. Agents of the first generation skip the field. */
const FEATURES = Feature.HostAddr | Feature.Drain;

/** Encodes a request, which says what this client understands. @param purpose of a getHost, one of Purpose */
export function encodeRequest(pending: Pending, purpose: number): Uint8Array {
  const { modid, cmdid } = pending;
  if (pending.kind === 'host')
    return encodeFrame(MessageId.GetHostRequest, { seq: pending.seq, modid, cmdid, features: FEATURES, purpose });
  const version = pending.kind === 'refresh' ? pending.version : 0;
  return encodeFrame(MessageId.ApiGetRouteRequest, { modid, cmdid, version, features: FEATURES });
}
