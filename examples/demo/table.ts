// pure
/** What the demo shows while it runs, as lines of plain text. */

export interface HostLine {
  readonly authority: string;
  readonly running: boolean;
  /** 0..1; undefined before the first call. */
  readonly share: number | undefined;
  readonly calls: number;
  readonly failed: number;
  /** The host's state, as the agent says; '' for a healthy one. */
  readonly note: string;
}

export interface DemoView {
  /** The title where several tables are shown, else ''. */
  readonly name: string;
  readonly phase: string;
  readonly passedSeconds: number;
  readonly totalSeconds: number;
  /** How much time a share covers. */
  readonly windowSeconds: number;
  readonly ratePerSecond: number;
  readonly calls: number;
  readonly failed: number;
  readonly hosts: readonly HostLine[];
  /** What LARS decided, oldest first. */
  readonly events: readonly string[];
}

export interface ShownLine {
  readonly text: string;
  readonly look: 'plain' | 'title' | 'dim' | 'down';
}

const MAX_BAR = 40;
/** A shorter bar would say nothing; a narrow terminal shows the numbers alone. */
const MIN_BAR = 5;
/** The longest note beside a row, so that bars do not change their length with it. */
const NOTE_ROOM = 'down, ejected, probe in 10 s'.length;

/** The table, no line wider than `columns`, no more lines than `rows`: hosts without room are only counted. */
export function tableLines(view: DemoView, columns: number, rows: number): ShownLine[] {
  const room = Math.max(1, rows - 2 - view.events.length);
  const shown = view.hosts.length <= room ? view.hosts : view.hosts.slice(0, room - 1);
  const hidden = view.hosts.length - shown.length;
  const lines: ShownLine[] = [
    { text: titleOf(view), look: 'title' },
    ...hostLines(shown, view.windowSeconds, columns),
    ...(hidden > 0 ? [{ text: `and ${hidden} more hosts`, look: 'dim' } as const] : []),
    ...view.events.map(text => ({ text, look: 'dim' }) as const),
  ];
  return lines.slice(0, rows).map(({ text, look }) => ({ text: text.slice(0, columns), look }));
}

/** One line for a log file, for all that is shown at one time. Stopped hosts are marked. */
export function logLine(views: readonly [DemoView, ...DemoView[]]): string {
  return `${timeOf(views[0])}, ${views.map(view => `${scoreOf(view)}, shares ${sharesOf(view)}`).join('; ')}`;
}

/** '12.5 %' */
export function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(share * 100).toFixed(1)} %`;
}

/** `width` characters, of which the share is filled. */
export function barOf(share: number, width: number): string {
  return '█'.repeat(Math.round(share * width)).padEnd(width, '·');
}

function titleOf(view: DemoView): string {
  return `${timeOf(view)}, ${scoreOf(view)}`;
}

/** '14 of 42 s: one server is stopped' */
export function timeOf({ phase, passedSeconds, totalSeconds }: DemoView): string {
  return `${Math.floor(passedSeconds)} of ${Math.round(totalSeconds)} s: ${phase}`;
}

function scoreOf({ name, ratePerSecond, calls, failed }: DemoView): string {
  return `${name === '' ? '' : `${name}: `}${Math.round(ratePerSecond)} calls/s, ${failed} of ${calls} failed`;
}

function sharesOf({ hosts }: DemoView): string {
  return hosts.map(({ share, running }) => `${percent(share)}${running ? '' : ' (down)'}`).join(' | ');
}

/** A line of headings and one line a host. */
function hostLines(hosts: readonly HostLine[], windowSeconds: number, columns: number): ShownLine[] {
  const width = {
    name: widest('host', ...hosts.map(({ authority }) => authority)),
    share: '100.0 %'.length,
    calls: widest('calls', ...hosts.map(({ calls }) => `${calls}`)),
    failed: widest('failed', ...hosts.map(({ failed }) => `${failed}`)),
  };
  const room = columns - (width.name + width.share + width.calls + width.failed) - '     '.length - NOTE_ROOM;
  const barWidth = room < MIN_BAR ? 0 : Math.min(MAX_BAR, room);
  const line = (name: string, bar: string, share: string, calls: unknown, failed: unknown) =>
    [
      name.padEnd(width.name),
      ...(barWidth > 0 ? [bar.slice(0, barWidth).padEnd(barWidth)] : []),
      share.padStart(width.share),
      `${calls}`.padStart(width.calls),
      `${failed}`.padStart(width.failed),
    ].join(' ');
  return [
    { text: line('host', `last ${windowSeconds} s`, 'share', 'calls', 'failed'), look: 'dim' },
    ...hosts.map(({ authority, running, share, calls, failed, note }): ShownLine => {
      const row = line(authority, barOf(share ?? 0, barWidth), percent(share), calls, failed);
      const notes = [...(running ? [] : ['down']), ...(note === '' ? [] : [note])].join(', ');
      return { text: `${row} ${notes}`.trimEnd(), look: running ? 'plain' : 'down' };
    }),
  ];
}

function widest(...texts: readonly string[]): number {
  return Math.max(...texts.map(text => text.length));
}
