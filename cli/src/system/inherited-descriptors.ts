// pure
/** The first descriptor that systemd passes; those before are the standard streams. */
const FIRST = 3;
const COUNT_MAX = 1_024;

/**
 * The sockets that systemd has opened for this process (sd_listen_fds). The variables are taken out, because they are not for programs that it starts.
 * @param env is changed
 */
export function takeInheritedDescriptors(env: Record<string, string | undefined>, pid: number): readonly number[] {
  const count = Number(env['LISTEN_FDS'] ?? 0);
  const isMeant = env['LISTEN_PID'] === String(pid);
  for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete env[name];
  if (!isMeant || !Number.isInteger(count) || count < 1 || count > COUNT_MAX) return [];
  return Array.from({ length: count }, (_, at) => FIRST + at);
}
