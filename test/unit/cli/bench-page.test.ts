import { describe, expect, test } from 'vitest';
import { parseFlags } from '../../../bench/flags.ts';
import { dated, writePage } from '../../../bench/page.ts';
import { SECTIONS } from '../../../bench/sections.ts';

const ORDER = ['start', 'udp-path', 'size'];
const section = (name: string, text: string) => ({ name, text: `## ${name}\n\n${text}\n` });

describe('the page of benchmarks', () => {
  const page = writePage('', [section('size', 'big'), section('start', 'fast')], ORDER);

  test('has its sections in their order, whatever the order they were measured in', () => {
    expect(page).toMatch(/^# Benchmarks\n[\s\S]*## start\n\nfast\n[\s\S]*## size\n\nbig\n$/);
  });

  test('takes a section that is measured again to its old place, and leaves the others', () => {
    const again = writePage(page, [section('start', 'slow')], ORDER);
    expect(again).toBe(page.replace('fast', 'slow'));
    expect(writePage(page, [], ORDER)).toBe(page);
  });

  test('takes a section that is new between the others', () => {
    expect(writePage(page, [section('udp-path', 'x')], ORDER)).toMatch(/fast[\s\S]*## udp-path[\s\S]*big/);
  });

  test('forgets what is no section any more, and a page that was written otherwise', () => {
    expect(writePage(page, [], ['start'])).not.toContain('big');
    expect(writePage('# Benchmarks\n\n## Old\n', [section('start', 'fast')], ORDER)).not.toContain('Old');
  });

  test('tells of each section when and where it was measured', () => {
    const { text } = dated(section('start', 'fast'), '2026-01-02', 'a machine');
    expect(text).toBe('## start\n\nfast\n\n*Measured on 2026-01-02, on a machine.*\n');
  });
});

describe('what is measured', () => {
  const names = SECTIONS.map(({ name }) => name);

  test('is everything, or what is named', () => {
    expect(parseFlags([], names)).toStrictEqual({ names, print: false });
    expect(parseFlags(['--only', 'size,start', '--print'], names)).toStrictEqual({ names: ['size', 'start'], print: true });
  });

  test('must be there', () => {
    expect(() => parseFlags(['--only=strat'], names)).toThrow(`--only: 'strat' is none of ${names.join(', ')}`);
    expect(() => parseFlags(['--olny=start'], names)).toThrow('--olny');
  });

  test('every section has a name of its own that the page can mark', () => {
    expect(new Set(names).size).toBe(names.length);
    const page = writePage(
      '',
      SECTIONS.map(({ name }) => section(name, 'x')),
      names,
    );
    expect(writePage(page, [], names)).toBe(page);
  });
});
