/** Many connections that asked for one module and hear of its changes. */
import { encodeFrame, MessageId } from '@lars/proto';
import { connectTo, machineMs } from './tcp-probe.ts';

export interface SubscribersOptions {
  readonly port: number;
  readonly connections: number;
  readonly modid: number;
  readonly cmdid: number;
}

/** When the first and the last of the connections heard of a change (machineMs). */
export interface PushTimes {
  readonly firstMs: number;
  readonly lastMs: number;
}

const CONNECT_AT_ONCE = 100;

/** @param onPushed called for every change, when all have heard of it */
export async function subscribe(options: SubscribersOptions, onPushed: (times: PushTimes) => void): Promise<void> {
  const { port, connections, modid, cmdid } = options;
  const request = encodeFrame(MessageId.GetRouteRequest, { modid, cmdid, version: 0, features: 0 });
  const answered = Promise.withResolvers<void>();
  let frames = 0;
  let firstMs = 0;
  const onFrame = () => {
    const heard = frames++ % connections;
    if (heard === 0) firstMs = machineMs();
    if (heard < connections - 1) return;
    // The first frame of each is the answer to its request.
    if (frames === connections) answered.resolve();
    else onPushed({ firstMs, lastMs: machineMs() });
  };
  const connectOne = async () => {
    const socket = await connectTo(port, count => {
      for (let frame = 0; frame < count; frame++) onFrame();
    });
    socket.write(request);
  };
  for (let open = 0; open < connections; open += CONNECT_AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(CONNECT_AT_ONCE, connections - open) }, connectOne));
  await answered.promise;
}
