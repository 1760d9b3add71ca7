import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { ConnectionSet } from '@lars/runtime/tcp/connection-set';
import { NetConnection } from '@lars/runtime/transport/net-connection';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../../../support/eventually.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { TcpPeer } from '../../../support/tcp-peer.ts';

const LIMITS = { maxBodyBytes: 1_000, partialFrameTimeoutMs: 60_000, maxWriteBufferBytes: 100_000 };

test('room is made of the connection that is quiet for longest, and none that has gone counts as one', async () => {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, unixMs: () => 0 };
  const set = new ConnectionSet({ limits: LIMITS, log: recordingLog().log, clock }, { onFrame: () => undefined });
  const server = createServer(socket => set.serve(new NetConnection(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await set.close(0);
  });
  const connect = async () => {
    const open = set.open.size;
    const peer = await TcpPeer.connect((server.address() as AddressInfo).port);
    onTestFinished(() => peer.destroy());
    await eventually('it is served', () => set.open.size === open + 1);
    clock.nowMs += 10;
    return peer;
  };
  const gone = await connect();
  const quiet = await connect();
  const other = await connect();
  gone.destroy();
  await eventually('it has gone', () => set.open.size === 2);
  clock.nowMs = 1_010;
  expect(set.closeQuietest(1_001)).toBe(false);
  expect(set.closeQuietest(1_000)).toBe(true);
  await quiet.whenClosed();
  expect([other.closed, set.open.size, set.closeQuietest(1_000)]).toEqual([false, 1, false]);
});
