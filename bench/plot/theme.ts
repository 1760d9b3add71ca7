// pure
/** Colours and type, for light and for dark surroundings: a picture follows the reader's system. */

interface Colours {
  readonly paper: string;
  readonly edge: string;
  readonly ink: string;
  readonly faint: string;
  readonly grid: string;
  readonly band: string;
  /** By the place of an algorithm in the table; the oracle is first. */
  readonly series: readonly string[];
}

const LIGHT: Colours = {
  paper: '#ffffff',
  edge: '#e2e5ea',
  ink: '#1f2630',
  faint: '#626d7c',
  grid: '#e9ecf0',
  band: '#f3e9d8',
  series: ['#12805c', '#2563eb', '#d9730d', '#8a93a0', '#a13fc4', '#c2255c'],
};

const DARK: Colours = {
  paper: '#14181e',
  edge: '#2b323c',
  ink: '#e6eaf0',
  faint: '#98a3b3',
  grid: '#252c35',
  band: '#2b2517',
  series: ['#3fcf9a', '#6ea2ff', '#f59b42', '#8c97a6', '#cf86ea', '#f2739e'],
};

const TYPE = `text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:12px}
.title{font-size:16px;font-weight:600}.label{font-weight:500}.number{font-variant-numeric:tabular-nums}
.curve{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}.dashed{stroke-dasharray:2 5}`;

/** The place of the colour is the place of the algorithm: the same one in every picture. */
export function style(): string {
  return `${TYPE}\n${rules(LIGHT)}\n@media (prefers-color-scheme:dark){\n${rules(DARK)}}`;
}

function rules(colours: Colours): string {
  const series = colours.series.map(
    (colour, index) =>
      `.stroke-${index}{stroke:${colour}}.fill-${index}{fill:${colour}}.ring-${index}{stroke:${colour};fill:${colours.paper}}`,
  );
  return `.paper{fill:${colours.paper};stroke:${colours.edge}}.grid{stroke:${colours.grid}}.axis{stroke:${colours.faint}}.band{fill:${colours.band}}
text{fill:${colours.ink}}.faint{fill:${colours.faint}}
${series.join('\n')}\n`;
}
