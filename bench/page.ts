// pure
/**
 * docs/benchmarks.md: an introduction, and sections that may have been measured on different days, each with its own date and machine.
 * Comments that no reader sees mark where a section begins, so that one of them can be measured anew and takes its old place.
 */

export interface MeasuredSection {
  readonly name: string;
  /** Markdown that begins with a heading of the second rank. */
  readonly text: string;
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`, never by hand; run it on your own machine. Machines are noisy: what is compared was measured in one run, the
contenders in turn, and figures are per second of the server's own CPU time (user and system, all its threads), or ratios. The server, its
clients and everything else share the machine. \`lars bench\` measures the same on a running system.
`;

const MARK = /^<!-- section: ([a-z-]+) -->\n/gm;

/** The page with these sections in the place of those of the same name. @param order the names of all sections that there are */
export function writePage(before: string, measured: readonly MeasuredSection[], order: readonly string[]): string {
  const sections = new Map([...readSections(before), ...measured].map(section => [section.name, section.text.trim()]));
  const written = order.flatMap(name => {
    const text = sections.get(name);
    return text === undefined ? [] : [`<!-- section: ${name} -->\n${text}\n`];
  });
  return [INTRODUCTION, ...written].join('\n');
}

/** The same section, telling when and where it was measured. */
export function dated({ name, text }: MeasuredSection, date: string, machine: string): MeasuredSection {
  return { name, text: `${text.trim()}\n\n*Measured on ${date}, on ${machine}.*\n` };
}

function readSections(page: string): MeasuredSection[] {
  const marks = [...page.matchAll(MARK)];
  return marks.map((mark, at) => ({
    name: mark[1] as string,
    text: page.slice(mark.index + mark[0].length, marks[at + 1]?.index),
  }));
}
