import type { Logger } from '@lars/runtime/log';
import type { FramedClientOptions } from '@lars/runtime/tcp/framed-client';

/** One TCP link of the agent, as the conf has it. Plain data: it crosses threads. */
export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

const CONNECT_TIMEOUT_MS = 3_000;
const PARTIAL_FRAME_TIMEOUT_MS = 10_000;
const MAX_WRITE_BUFFER_BYTES = 64 * 1_024 * 1_024;

export function clientOptions(serverName: string, link: LinkOptions, maxBodyBytes: number, log: Logger): FramedClientOptions {
  return {
    ...link,
    serverName,
    log,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    limits: { maxBodyBytes, partialFrameTimeoutMs: PARTIAL_FRAME_TIMEOUT_MS, maxWriteBufferBytes: MAX_WRITE_BUFFER_BYTES },
    random: Math.random,
  };
}
