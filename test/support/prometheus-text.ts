/** The text format that Prometheus scrapes, read strictly: every value is a finite number. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) (.*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|$)/y;

/** @throws {Error} for the first line that is not of the format, and for a sample whose name was not declared before */
export function parsePrometheus(text: string): Sample[] {
  const samples: Sample[] = [];
  const declared = new Set<string>();
  for (const line of text.split('\n')) {
    const type = TYPE.exec(line);
    if (type !== null) declare(declared, type[1] ?? '');
    else if (line !== '' && !HELP.test(line)) samples.push(parseSample(line, declared));
  }
  return samples;
}

/** The value of the one sample with this name and these labels (others may be there). */
export function sampleValue(samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number {
  const found = samples.filter(
    sample => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length !== 1) throw new Error(`${found.length} samples of ${name} with ${JSON.stringify(labels)}`);
  return (found[0] as Sample).value;
}

/** The sum over all labels. */
export function sampleSum(samples: readonly Sample[], name: string): number {
  const found = samples.filter(sample => sample.name === name);
  if (found.length === 0) throw new Error(`there is no sample of ${name}`);
  return found.reduce((sum, { value }) => sum + value, 0);
}

function declare(declared: Set<string>, name: string): void {
  if (declared.has(name)) throw new Error(`${name} is declared twice`);
  declared.add(name);
}

function parseSample(line: string, declared: ReadonlySet<string>): Sample {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === '') throw new Error(`not a sample: ${line}`);
  if (!declared.has(name) && !declared.has(name.replace(/_(bucket|sum|count)$/, ''))) throw new Error(`${name} has no TYPE`);
  if (!Number.isFinite(Number(value))) throw new Error(`not a number: ${line}`);
  return { name, labels: parseLabels(labels), value: Number(value) };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match === null) throw new Error(`not labels: ${text}`);
    labels[match[1] ?? ''] = match[2] ?? '';
  }
  return labels;
}
