/** The yardstick for the UDP path on node:dgram: sends every datagram back and does nothing else. */
import { createSocket } from 'node:dgram';

const socket = createSocket({
  type: 'udp4',
  lookup: (address: string, _options: unknown, done: (error: Error | null, address: string, family: number) => void) =>
    done(null, address, 4),
});
socket.on('message', (datagram, from) => socket.send(datagram, from.port, from.address));
socket.bind({ address: '127.0.0.1', port: 0 }, () =>
  process.stdout.write(`${JSON.stringify({ port: socket.address().port })}\n`),
);
process.on('SIGTERM', () => process.exit(0));
