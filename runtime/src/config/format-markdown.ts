// pure
import type { Field } from './field.ts';
import type { ConfigTable, PatternSection, Section } from './table.ts';

/** The table for the docs: a heading for the file, and for each section a heading and a Markdown table of its keys. */
export function formatMarkdown(table: ConfigTable): string {
  const sections = Object.entries(table.sections).map(([name, section]) => formatSection(name, section));
  return [`## \`${table.file}\`\n\n${table.title}\n`, ...sections].join('\n');
}

function formatSection(name: string, section: Section | PatternSection): string {
  const rows = Object.entries(section.fields).map(([key, field]) => row(key, field));
  return [
    `### \`[${section.kind === 'pattern' ? section.form : name}]\``,
    '',
    [section.meaning, ...otherNames(section)].join(' '),
    '',
    '| key | default | takes | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function otherNames(section: Section | PatternSection): string[] {
  if (section.kind === 'pattern' || section.aliases.length === 0) return [];
  return [`Also read as ${section.aliases.map(alias => `\`[${alias}]\``).join(', ')}.`];
}

function row(key: string, field: Field<unknown>): string {
  const value = field.format(field.default);
  const shown = value === '' ? 'empty' : `\`${value}\` ${field.unit}`.trimEnd();
  return `| ${[`\`${key}\``, shown, field.expected, field.meaning].map(cell).join(' | ')} |`;
}

/** A bar would end the cell, a line break the table. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
}
