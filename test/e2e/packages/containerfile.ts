/** What a builder of images reads in packaging/Containerfile. */

export interface Instruction {
  readonly name: string;
  /** The rest of its line. */
  readonly text: string;
}

export function readContainerfile(text: string): readonly Instruction[] {
  const lines = text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter(line => line.trim() !== '' && !line.startsWith('#'));
  return lines.map(line => {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    return { name, text: rest };
  });
}

export interface ChrootOptions {
  /** For the files that differ from the machine's. */
  readonly folder: string;
  /** What `docker build` is given. */
  readonly context: string;
  /** Is /conf in the container, as `docker run -v` does it. */
  readonly conf: string;
}

/**
 * A shell script that does the steps in a copy of this machine's files, which stands for the image that the first line names, and then
 * becomes the program that it is given. Everything that it mounts and writes ends with it.
 * @throws {Error} for an instruction that it cannot do
 */
export function chrootScript(instructions: readonly Instruction[], { folder, context, conf }: ChrootOptions): string {
  const [upper, work, root] = ['upper', 'work', 'root'].map(name => `${folder}/${name}`);
  let user = 'root';
  let workdir = '/';
  const steps = instructions.flatMap(({ name, text }): string[] => {
    if (name === 'RUN') return [runStep(text, root as string, context)];
    if (name === 'USER') user = text;
    else if (name === 'WORKDIR') workdir = text;
    else if (!['FROM', 'VOLUME', 'EXPOSE', 'ENTRYPOINT', 'CMD'].includes(name)) throw new Error(`cannot do ${name} ${text}`);
    return [];
  });
  return [
    'set -e',
    `mkdir -p ${upper}/etc/dpkg/dpkg.cfg.d ${work} ${root}`,
    // As Debian's images have it.
    `echo force-unsafe-io > ${upper}/etc/dpkg/dpkg.cfg.d/speedup`,
    `mount -t overlay overlay -o lowerdir=/,upperdir=${upper},workdir=${work} ${root}`,
    `for dir in proc dev; do mount --rbind /$dir ${root}/$dir; done`,
    ...steps,
    `mkdir ${root}/conf && mount --bind ${conf} ${root}/conf`,
    `exec chroot --userspec=${user} ${root} sh -c 'cd ${workdir} && exec "$0" "$@"' "$@"`,
  ].join('\n');
}

/** What a step prints is no output of the container. */
function runStep(text: string, root: string, context: string): string {
  const [, target, command] = /^--mount=type=bind,target=(\S+)\s+(.*)$/.exec(text) ?? [undefined, undefined, text];
  const quoted = `'${(command as string).replaceAll("'", "'\\''")}'`;
  const run = `chroot ${root} sh -c ${quoted} >&2`;
  if (target === undefined) return run;
  return `mkdir ${root}${target} && mount --bind ${context} ${root}${target} && ${run} && umount ${root}${target}`;
}
