/** The database file of a running reporter is taken away while an agent reports. */
import { once } from 'node:events';
import { renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBody, encodeFrame, FrameDecoder, MessageId } from '@lars/proto';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

/** An agent that reports one successful call at a time, each once, and notes which are acknowledged. */
async function reportingAgent(port: number) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const agent = { sent: 0, acked: 0, isReporting: true };
  const decoder = new FrameDecoder();
  socket.on('data', (chunk: Uint8Array) =>
    decoder.push(chunk, (_, body) => {
      agent.acked = decodeBody(MessageId.ReportStatusAck, body).seq;
    }),
  );
  const host = { ip: 0x0a00_0001, port: 80, succ: 1, err: 0, overload: false, addr: '', weight: 0, tcost: 1, probes: 0 };
  void (async () => {
    while (agent.isReporting) {
      const ts = Math.floor(Date.now() / 1_000);
      agent.sent += 1;
      socket.write(
        encodeFrame(MessageId.ReportStatusRequest, {
          modid: 1,
          cmdid: 2,
          caller: 1,
          results: [host],
          ts,
          seq: agent.sent,
          agent: 'a',
        }),
      );
      await sleep(5);
    }
  })();
  return agent;
}

function calls(file: string): number {
  const sql = new Database(file, { fileMustExist: true });
  try {
    return (sql.prepare('SELECT sum(succ) FROM CallHistory').pluck().get() as number | null) ?? 0;
  } finally {
    sql.close();
  }
}

test.each(['deleted', 'moved away'])('the file is %s: what is acknowledged stands in a file, once', async how => {
  const running = folder.start(['reporter', '--json']);
  const { tcpPort, httpPort } = (await running.ready).reporter;
  const file = path.join(folder.path, 'data/lars.db');
  const agent = await reportingAgent(tcpPort);
  await vi.waitUntil(() => agent.acked > 50, { timeout: 20_000 });
  const away = `${file}.away`;
  renameSync(file, away);
  const ackedBefore = agent.acked;
  if (how === 'deleted') rmSync(away);
  await running.logged('was deleted while it was open');
  await vi.waitUntil(() => agent.acked > ackedBefore + 100, { timeout: 20_000 });
  agent.isReporting = false;
  await vi.waitUntil(() => agent.acked === agent.sent, { timeout: 20_000 });
  await running.logged('works again');
  const inNewFile = calls(file);
  // What was acknowledged before went with the file, and nothing is missing. A batch that was being stored at that moment is in both.
  expect(inNewFile).toBeLessThanOrEqual(agent.sent - ackedBefore);
  if (how === 'moved away') expect(calls(away) + inNewFile).toBeGreaterThanOrEqual(agent.sent);
  expect(inNewFile).toBeGreaterThan(100);
  const health = (await (await fetch(`http://127.0.0.1:${httpPort}/healthz`)).json()) as { details: { lastError: string } };
  expect(health.details.lastError).toContain('was deleted while it was open');
  expect(await running.interrupt()).toMatchObject({ code: 0 });
});

test('a reporter that nobody reports to notices it within seconds, and is degraded until there is a file again', async () => {
  const running = folder.start(['reporter', '--json']);
  const { httpPort } = (await running.ready).reporter;
  const status = async () => ((await (await fetch(`http://127.0.0.1:${httpPort}/healthz`)).json()) as { status: string }).status;
  expect(await status()).toBe('ok');
  rmSync(path.join(folder.path, 'data'), { recursive: true });
  // No folder can be made where a file stands.
  folder.write('data', 'a file');
  await vi.waitUntil(async () => (await status()) === 'degraded', { timeout: 5_000, interval: 50 });
  await sleep(2_500);
  expect(await status()).toBe('degraded');
  rmSync(path.join(folder.path, 'data'));
  await vi.waitUntil(async () => (await status()) === 'ok', { timeout: 5_000, interval: 50 });
  expect(await running.interrupt()).toMatchObject({ code: 0 });
});
