import { Feature, HEADER_BYTES, MAX_BODY_BYTES } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answerFrame,
  type EncodedRoute,
  encodeRoute,
  encodeUnknown,
  pushFrame,
} from '../../../../dnsserver/src/serve/encoded-route.ts';
import { packRoutes, unpackRoutes } from '../../../../dnsserver/src/serve/workers/route-pack.ts';
import { hostInfo, hostInfos, namedHost } from '../../../support/agent-messages.ts';
import { decode, encoded, route } from './push-routes.ts';

const ALL = Feature.HostAddr | Feature.Drain;
const name = namedHost('db.example');
const draining = hostInfo(3, { drain: true });
const drainingName = { ...namedHost('old.example'), drain: true };

describe('an answer', () => {
  test('carries the hosts in order, and the version', () => {
    const hosts = [hostInfo(3, { weight: 5, zone: 'eu' }), hostInfo(1), name, hostInfo(2, { drain: true })];
    expect(decode(answerFrame(encoded(route(hosts)), 0, ALL))).toEqual({
      modid: 1,
      cmdid: 2,
      host: hosts,
      version: 7,
      overload: false,
      notModified: false,
    });
  });

  test.each([
    ['nothing', 0, [hostInfo(1), hostInfo(2)]],
    ['hosts with addr', Feature.HostAddr, [hostInfo(1), name, hostInfo(2)]],
    ['draining', Feature.Drain, [hostInfo(1), draining, hostInfo(2)]],
    ['both', ALL, [hostInfo(1), name, draining, drainingName, hostInfo(2)]],
    ['what nobody knows of, too', 0xffff_ffff, [hostInfo(1), name, draining, drainingName, hostInfo(2)]],
  ])('has the hosts that the peer understands: %s', (_, features, hosts) => {
    const mixed = encoded(route([hostInfo(1), name, draining, drainingName, hostInfo(2)]));
    expect(decode(answerFrame(mixed, 0, features)).host).toEqual(hosts);
    expect(decode(pushFrame(mixed, features)).host).toEqual(hosts);
  });

  test('is empty when all hosts drain and the peer does not know of it', () => {
    const { host, version, notModified } = decode(answerFrame(encoded(route([draining])), 0, Feature.HostAddr));
    expect({ host, version, notModified }).toEqual({ host: [], version: 7, notModified: false });
  });

  test('is one and the same for all peers between whom its hosts make no difference', () => {
    const plain = encoded(route(hostInfos(2)));
    for (const features of [ALL, Feature.HostAddr, 0]) expect(answerFrame(plain, 0, features)).toBe(plain.frames[0]);
    const drains = encoded(route([hostInfo(1), draining]));
    expect(answerFrame(drains, 0, Feature.HostAddr)).toBe(answerFrame(drains, 0, 0));
    expect(answerFrame(drains, 0, Feature.Drain)).toBe(answerFrame(drains, 0, ALL));
    expect(answerFrame(drains, 0, ALL)).not.toBe(answerFrame(drains, 0, 0));
  });

  test('to who holds the version says so, without hosts', () => {
    const made = encoded(route(hostInfos(3)));
    expect(decode(answerFrame(made, 7, 0))).toMatchObject({ modid: 1, cmdid: 2, host: [], version: 7, notModified: true });
    for (const other of [0, 6, 8]) expect(decode(answerFrame(made, other, 0))).toMatchObject({ notModified: false, version: 7 });
    expect(decode(pushFrame(made, 0)).notModified).toBe(false);
  });

  test('never confirms a version of our own, or of a module without hosts', () => {
    expect(decode(answerFrame(encoded({ ...route(hostInfos(1)), local: true }), 7, 0))).toMatchObject({ notModified: false });
    expect(decode(answerFrame(encoded(route([], 9)), 9, 0))).toMatchObject({ host: [], version: 9, notModified: false });
    expect(decode(answerFrame(encodeUnknown({ modid: -1, cmdid: 2 }), 0, 0))).toMatchObject({
      modid: -1,
      host: [],
      version: 0,
      notModified: false,
    });
  });

  test('takes as many of the first hosts as a frame can hold, and not one less', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 253 }),
        fc.nat(64),
        fc.integer({ min: 1, max: 70_000 }),
        (addrLength, zoneLength, wanted) => {
          const count = Math.min(wanted, 8_000);
          const zone = '\u00e9'.repeat(zoneLength);
          const hosts = Array.from({ length: count }, (_, port) => ({ ...namedHost('a'.repeat(addrLength), port + 1), zone }));
          let leftOut = 0;
          const made = encodeRoute(route(hosts), (_, n) => {
            leftOut = n;
          });
          const frame = pushFrame(made, ALL);
          expect(frame.length).toBeLessThanOrEqual(HEADER_BYTES + MAX_BODY_BYTES);
          expect(decode(frame).host).toEqual(hosts.slice(0, count - leftOut));
          // One host more, all of about the same size, would not have fitted.
          if (leftOut > 0) expect(frame.length + frame.length / (count - leftOut) + 20).toBeGreaterThan(MAX_BODY_BYTES);
        },
      ),
      { numRuns: 30 },
    );
  });
});

test('a route that fills a frame to the last byte is sent whole, and with one byte more it lacks its last host', () => {
  const zone = 'x'.repeat(20);
  const bodyBytes = (made: EncodedRoute) => (made.frames[0] as Uint8Array).length - HEADER_BYTES;
  const hostsOf = (count: number, firstZone: string) =>
    hostInfos(count).map((host, at) => ({ ...host, zone: at === 0 ? firstZone : zone }));
  const hostBytes = bodyBytes(encoded(route(hostsOf(401, zone)))) - bodyBytes(encoded(route(hostsOf(400, zone))));
  const count = 400 + Math.floor((MAX_BODY_BYTES - bodyBytes(encoded(route(hostsOf(400, zone))))) / hostBytes);
  const room = MAX_BODY_BYTES - bodyBytes(encoded(route(hostsOf(count, zone))));
  expect(bodyBytes(encoded(route(hostsOf(count, zone + 'x'.repeat(room)))))).toBe(MAX_BODY_BYTES);
  const leftOut: number[] = [];
  const cut = encodeRoute(route(hostsOf(count, zone + 'x'.repeat(room + 1))), (_, hosts) => leftOut.push(hosts));
  expect([leftOut, decode(cut.frames[0] as Uint8Array).host.length]).toEqual([[1], count - 1]);
});

describe('routes on their way to another thread', () => {
  const bytes = (made: EncodedRoute) => ({
    ...made,
    frames: made.frames.map(frame => [...frame]),
    notModified: made.notModified && [...made.notModified],
  });
  const anyHost = fc.constantFrom(hostInfo(1), hostInfo(2), name, draining, drainingName);
  const anyRoute = fc.record({
    modid: fc.integer(),
    cmdid: fc.integer(),
    version: fc.maxSafeNat(),
    local: fc.boolean(),
    hosts: fc.array(anyHost, { maxLength: 4 }),
  });

  test('arrive as they left', () => {
    fc.assert(
      fc.property(fc.array(anyRoute, { maxLength: 5 }), made => {
        const routes = made.map(encoded);
        expect(unpackRoutes(structuredClone(packRoutes(routes))).map(bytes)).toEqual(routes.map(bytes));
      }),
    );
  });

  test('do not keep each other in memory', () => {
    const [one, other] = unpackRoutes(packRoutes([encoded(route(hostInfos(1))), encoded(route(hostInfos(2000)))]));
    expect(one?.frames[0]?.buffer.byteLength).toBeLessThan(100);
    expect(other?.frames[0]?.buffer.byteLength).toBeGreaterThan(10_000);
  });
});
