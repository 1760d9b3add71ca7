// pure
/** What all charts have around them: paper, a title, a line that says what is seen, and a legend. */
import { document, element, line, text } from './svg.ts';
import { style } from './theme.ts';

export interface Heading {
  readonly title: string;
  readonly subtitle: string;
}

export interface LegendItem {
  readonly label: string;
  /** Place of its colour. */
  readonly colour: number;
  readonly mark: 'curve' | 'dashed' | 'dot' | 'tick';
}

export const MARGIN = 24;
/** Where charts may begin. */
export const HEAD_HEIGHT = 92;

export function frame(
  width: number,
  height: number,
  heading: Heading,
  legend: readonly LegendItem[],
  body: readonly string[],
): string {
  return document(width, height, `${heading.title}. ${heading.subtitle}`, style(), [
    element('rect', { class: 'paper', x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 8 }),
    text(MARGIN, 34, heading.title, { class: 'title' }),
    text(MARGIN, 54, heading.subtitle, { class: 'faint' }),
    ...legendLine(legend),
    ...body,
  ]);
}

function legendLine(items: readonly LegendItem[]): string[] {
  const y = 76;
  let x = MARGIN;
  return items.flatMap(item => {
    const shown = [legendMark(item, x, y), text(x + 26, y + 4, item.label, { class: 'label' })];
    x += 26 + textWidth(item.label) + 26;
    return shown;
  });
}

function legendMark({ mark, colour }: LegendItem, x: number, y: number): string {
  switch (mark) {
    case 'curve':
      return line(x, y, x + 18, y, { class: `curve stroke-${colour}` });
    case 'dashed':
      return line(x, y, x + 18, y, { class: `curve dashed stroke-${colour}` });
    case 'dot':
      return element('circle', { cx: x + 9, cy: y, r: 5, class: `fill-${colour}` });
    case 'tick':
      return line(x + 9, y - 8, x + 9, y + 8, { class: `curve stroke-${colour}` });
  }
}

/** A guess that is good enough to space labels: nobody here can measure type. */
export function textWidth(label: string): number {
  return label.length * 6.6;
}
