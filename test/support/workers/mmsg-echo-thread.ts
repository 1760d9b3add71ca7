/** A worker that serves a UDP port with MmsgSocket, and sends its mail back. Said first: the port. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadLibc } from '../../../runtime/src/udp/libc.ts';
import { MmsgSocket } from '../../../runtime/src/udp/mmsg-socket.ts';

const { port } = workerData as { readonly port: number };
const outcome = await loadLibc();
if (!('libc' in outcome)) throw new Error(outcome.unavailable);
const socket = new MmsgSocket(outcome.libc, { ip: '127.0.0.1', port, receiveBufferBytes: 0, onSendError: () => undefined });
socket.onReadable(() => {
  const count = socket.receive();
  for (let slot = 0; slot < count; slot++) {
    const start = socket.startOf(slot);
    const length = socket.lengthOf(slot);
    socket.bytes.copyWithin(socket.outgoingStart(), start, start + length);
    socket.commit(length, socket.senderOf(slot));
  }
});
parentPort?.on('message', mail => parentPort?.postMessage(mail));
parentPort?.postMessage(socket.port);
