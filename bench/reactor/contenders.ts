import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Role = 'echo' | 'relay';

/** A server that is measured, and what it has used of a processor. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  /** In seconds, since its start. */
  cpuSeconds(): number;
  stop(): void;
}

const SERVER = new URL('./server.ts', import.meta.url).pathname;
/** /proc counts in hundredths of a second. */
const TICKS_PER_SECOND = 100;

export const CONTENDERS: readonly string[] = ['plain', 'node', 'epoll', 'io_uring', 'haproxy'];

/** @param names some of CONTENDERS; HAProxy is left out where it is not installed, and as an echo server */
export async function startContenders(role: Role, backendPort: number, names: readonly string[]): Promise<readonly Contender[]> {
  const contenders: Contender[] = [];
  for (const name of names) {
    if (name === 'haproxy') {
      if (role === 'relay' && hasHaproxy()) contenders.push(await startHaproxy(backendPort));
      continue;
    }
    const child = spawn(process.execPath, ['--conditions=source', SERVER, role, name, String(backendPort)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    contenders.push(contenderOf(name === 'plain' ? 'node:net, piped' : `engine ${name}`, child, Number(line.toString())));
  }
  return contenders;
}

function contenderOf(name: string, child: ChildProcess, port: number, onStop: () => void = () => undefined): Contender {
  return {
    name,
    port,
    cpuSeconds: () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    stop: () => {
      child.kill('SIGKILL');
      onStop();
    },
  };
}

function hasHaproxy(): boolean {
  try {
    execFileSync('haproxy', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function startHaproxy(backendPort: number): Promise<Contender> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'reactor-bench-'));
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    [
      'global',
      '  nbthread 1',
      '  maxconn 10000',
      'defaults',
      '  mode tcp',
      '  timeout connect 5s',
      '  timeout client 60s',
      '  timeout server 60s',
      'listen all',
      `  bind 127.0.0.1:${port}`,
      `  server one 127.0.0.1:${backendPort}`,
      '',
    ].join('\n'),
  );
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  await new Promise(resolve => setTimeout(resolve, 500));
  return contenderOf('HAProxy', child, port, () => rmSync(folder, { recursive: true }));
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}
