import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dotChart } from '../../../bench/plot/dot-chart.ts';
import { lineChart } from '../../../bench/plot/line-chart.ts';
import { linearScale, logScale, squareRootScale } from '../../../bench/plot/scale.ts';
import { element, polyline, text } from '../../../bench/plot/svg.ts';

const axis = {
  name: 'time <s>',
  scale: (from: number, to: number) => linearScale({ from: 0, to: 10 }, { from, to }, [0, 5, 10]),
  format: (value: number) => `${value} s`,
};
const heading = { title: 'Tom & Jerry', subtitle: 'a "race"' };

/** Every element is closed in the order in which it was opened; attributes hold no raw < or &. */
function wellFormed(svg: string): boolean {
  const open: string[] = [];
  const rest = svg.replaceAll(
    /<(\/?)([a-z]+)((?:\s+[a-zA-Z0-9-]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)(\/?)>/g,
    (_tag, closes, name, _attributes, empty) => {
      if (closes === '/') {
        if (open.pop() !== name) open.push('wrong');
      } else if (empty === '') open.push(name);
      return '';
    },
  );
  return open.length === 0 && !/<|&(?!amp;|lt;|gt;|quot;)/.test(rest);
}

describe('scales', () => {
  test.each([
    { name: 'linear', scale: linearScale({ from: 0, to: 16 }, { from: 100, to: 200 }, [0, 4, 17]), middle: 8, ticks: [0, 4] },
    { name: 'logarithmic', scale: logScale({ from: 1, to: 16 }, { from: 100, to: 200 }, [0.5, 1, 4]), middle: 4, ticks: [1, 4] },
    { name: 'square root', scale: squareRootScale({ from: 0, to: 16 }, { from: 100, to: 200 }, [-1, 0]), middle: 4, ticks: [0] },
  ])('$name: ends, middle, and what lies outside', ({ scale, middle, ticks }) => {
    expect([16, middle, 99, -5].map(scale.place)).toEqual([200, 150, 200, 100]);
    expect(scale.ticks).toEqual(ticks);
  });

  test('paper may run the other way, as heights do', () => {
    const up = linearScale({ from: 0, to: 1 }, { from: 300, to: 100 }, []);
    expect([0, 0.25, 1].map(up.place)).toEqual([300, 250, 100]);
  });
});

describe('elements', () => {
  test('are written with escaped text and short numbers', () => {
    expect(text(1.234_5, 2, 'a < b & "c"', { class: 'x' })).toBe(
      '<text x="1.2" y="2" class="x">a &lt; b &amp; &quot;c&quot;</text>',
    );
    expect(element('rect', { width: 0.049 })).toBe('<rect width="0"/>');
    expect(
      polyline([
        [0, 1.06],
        [2, 3],
      ]),
    ).toBe('<polyline points="0,1.1 2,3"/>');
  });

  test('whatever the text says, the file is well-formed', () => {
    fc.assert(fc.property(fc.string(), content => wellFormed(text(0, 0, content, { title: content }))));
    expect(wellFormed('<g><text>a</g></text>')).toBe(false);
    expect(wellFormed('<text>a & b</text>')).toBe(false);
  });
});

describe('a line chart', () => {
  const curve = (label: string, colour: number, points: [number, number][]) => ({ label, colour, dashed: colour === 0, points });
  const curves = [
    curve('oracle', 0, [
      [0, 1],
      [10, 9],
    ]),
    curve('ours', 1, [
      [0, 0],
      [5, 10],
    ]),
  ];
  const svg = lineChart(heading, axis, { ...axis, name: 'height' }, { from: 2, to: 4, label: 'trouble' }, curves);

  test('is well-formed, and tells what it shows', () => {
    expect(wellFormed(svg)).toBe(true);
    for (const label of ['Tom &amp; Jerry', 'time &lt;s&gt;', 'height', 'trouble', 'oracle', 'ours', '5 s'])
      expect(svg).toContain(`>${label}`);
  });

  test('has one curve a series in its own colour, the oracle dashed', () => {
    const drawn = [...svg.matchAll(/<polyline points="([^"]*)" class="([^"]*)"/g)].map(([, points, name]) => [points, name]);
    expect(drawn).toEqual([
      ['90,343 836,143', 'curve stroke-0 dashed'],
      ['90,368 463,118', 'curve stroke-1'],
    ]);
  });

  test('is readable in light and in dark surroundings', () => {
    expect(svg).toContain('@media (prefers-color-scheme:dark)');
    const colours = [...svg.matchAll(/\.stroke-1\{stroke:(#[0-9a-f]{6})\}/g)].map(match => match[1]);
    expect(new Set(colours).size).toBe(2);
  });
});

describe('a dot chart', () => {
  const keys = [
    { label: 'ours', colour: 1 },
    { label: 'theirs', colour: 2 },
  ];
  const rows = [
    { label: 'calm', group: 'g', tick: 1, dots: [2, 3] },
    { label: 'storm', group: 'h', tick: 1, dots: [10, Number.NaN] },
  ];
  const svg = dotChart(heading, axis, { label: 'oracle', colour: 0 }, keys, rows);

  test('is well-formed, and names every row and group', () => {
    expect(wellFormed(svg)).toBe(true);
    for (const label of ['calm', 'storm', 'g', 'h', 'oracle', 'ours', 'theirs']) expect(svg).toContain(`>${label}<`);
  });

  test('has a dot for each value, in the colour of its algorithm, and none for NaN', () => {
    const dots = [...svg.matchAll(/<circle cx="([^"]*)" cy="[^"]*" r="5" class="(fill-\d)"/g)].map(([, x, name]) => [
      Number(x),
      name,
    ]);
    // The legend's dots come first.
    const shown = dots.slice(2);
    expect(shown.map(([, name]) => name)).toEqual(['fill-1', 'fill-2', 'fill-1']);
    expect(shown.map(([x]) => x)).toEqual([352, 411, 824]);
  });

  test('equal values do not hide each other', () => {
    const equal = dotChart(heading, axis, { label: 'oracle', colour: 0 }, keys, [
      { label: 'r', group: 'g', tick: 1, dots: [4, 4] },
    ]);
    const heights = [...equal.matchAll(/<circle cx="[^"]*" cy="([^"]*)"/g)].slice(2).map(match => match[1]);
    expect(new Set(heights).size).toBe(2);
  });
});
