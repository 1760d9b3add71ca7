// pure
/** The address at which a socket that listens on `ip` is reached from the same machine. */
export function connectable(ip: string): string {
  return ip === '0.0.0.0' ? '127.0.0.1' : ip;
}
