// pure
import type { Field } from './field.ts';
import { writeIniValue } from './ini-value.ts';
import type { ConfigTable, PatternSection, Section } from './table.ts';

const LINE_LENGTH = 100;

/** The conf file with every key at its default, each under a comment that says what it does and takes. Loads back as it is. */
export function formatSample(table: ConfigTable): string {
  const units = hasDurations(table) ? ' Durations may have a unit: ms, s, min or h.' : '';
  const head = comment(`${table.title} Every key below stands at its default and may be left out.${units}`);
  const sections = Object.entries(table.sections).map(([name, section]) =>
    section.kind === 'section' ? sectionLines(name, section) : patternLines(section),
  );
  return `${[head, ...sections].map(lines => lines.join('\n')).join('\n\n')}\n`;
}

function sectionLines(name: string, { meaning, fields }: Section): string[] {
  return [...comment(meaning), `[${name}]`, ...Object.entries(fields).flatMap(([key, field]) => ['', ...fieldLines(key, field)])];
}

/** An example, commented out: by default there is no section of this form. */
function patternLines({ meaning, form, example, fields }: PatternSection): string[] {
  const assignments = Object.entries(fields).map(([key, field]) => `; ${assignment(key, field)}`);
  return [...comment(`[${form}]: ${meaning}`), `; [${example}]`, ...assignments];
}

function fieldLines(key: string, field: Field<unknown>): string[] {
  const value = field.format(field.default);
  return [
    ...comment(field.meaning),
    ...comment(`Takes ${field.expected}. Default: ${value === '' ? 'empty' : `${value} ${field.unit}`}`.trimEnd()),
    assignment(key, field),
  ];
}

function assignment(key: string, field: Field<unknown>): string {
  return `${key} = ${writeIniValue(field.format(field.default))}`.trimEnd();
}

function hasDurations(table: ConfigTable): boolean {
  const fields = Object.values(table.sections).flatMap(section => Object.values<Field<unknown>>(section.fields));
  return fields.some(({ unit }) => unit === 's' || unit === 'ms');
}

/** Words in comment lines of a readable length. */
function comment(text: string): string[] {
  const lines = [';'];
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1;
    const longer = `${lines[last]} ${word}`;
    if (longer.length <= LINE_LENGTH || lines[last] === ';') lines[last] = longer;
    else lines.push(`; ${word}`);
  }
  return lines;
}
