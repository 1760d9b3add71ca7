/** A closed loop over UDP: `window` requests are under way at any time; the next one leaves when an answer has come. */
import { createSocket, type Socket } from 'node:dgram';
import { decodeBody, decodeDatagram, encodeFrame, type GetHostResponse, MessageId } from '@lars/proto';

export interface LoadOptions {
  readonly port: number;
  readonly requests: number;
  readonly window: number;
  readonly modid: number;
  readonly cmdid: number;
  /** Each answer is followed by a report of success. */
  readonly withReports: boolean;
  /** Called after each `everyRequests` answers. */
  readonly onProgress?: (answered: number) => void;
  readonly everyRequests?: number;
}

export interface LoadResult {
  readonly answered: number;
  /** Requests that were not answered in time; each is replaced by a new one. */
  readonly lost: number;
  readonly seconds: number;
}

const ANSWER_TIMEOUT_MS = 1_000;

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.connect(options.port, '127.0.0.1', resolve));
  const startMs = performance.now();
  const { answered, lost } = await loop(socket, options);
  socket.close();
  return { answered, lost, seconds: (performance.now() - startMs) / 1_000 };
}

function loop(socket: Socket, options: LoadOptions): Promise<{ answered: number; lost: number }> {
  const { requests, window, modid, cmdid, withReports } = options;
  const request = encodeFrame(MessageId.GetHostRequest, { seq: 1, modid, cmdid, features: 0 });
  let sent = 0;
  let answered = 0;
  let lost = 0;
  let lastAnswerMs = performance.now();
  const ask = () => {
    sent += 1;
    socket.send(request);
  };
  return new Promise(resolve => {
    const watch = setInterval(() => {
      if (performance.now() - lastAnswerMs < ANSWER_TIMEOUT_MS) return;
      lost = sent - answered;
      lastAnswerMs = performance.now();
      for (let i = 0; i < window && sent - lost < requests; i++) ask();
    }, 100);
    socket.on('message', datagram => {
      answered += 1;
      lastAnswerMs = performance.now();
      if (withReports) report(socket, options, datagram);
      if (options.everyRequests !== undefined && answered % options.everyRequests === 0) options.onProgress?.(answered);
      if (answered >= requests) {
        clearInterval(watch);
        resolve({ answered, lost });
      } else if (sent - lost < requests) ask();
    });
    for (let i = 0; i < window; i++) ask();
  });
}

function report(socket: Socket, { modid, cmdid }: LoadOptions, datagram: Uint8Array): void {
  const answer: GetHostResponse = decodeBody(MessageId.GetHostResponse, decodeDatagram(datagram).body);
  if (answer.host === undefined) throw new Error(`getHost answered ${answer.retcode}`);
  socket.send(encodeFrame(MessageId.ReportRequest, { modid, cmdid, host: answer.host, retcode: 0, tcost: 1 }));
}
