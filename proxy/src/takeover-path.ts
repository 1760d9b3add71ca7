// pure
const NAME = 'takeover.sock';

/**
 * Where a process asks that takes over.
 * @param written [proxy] takeover_socket
 * @param folder that systemd has made for the service (RUNTIME_DIRECTORY): several are separated by colons
 */
export function takeoverPath(written: string, folder: string | undefined): string | undefined {
  if (written !== '') return written;
  const [first = ''] = (folder ?? '').split(':');
  return first === '' ? undefined : `${first}/${NAME}`;
}
