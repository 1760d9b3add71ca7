// pure
/** Text of SVG elements. */
export type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeText(attributeText(value))}"`);
  return children.length === 0 ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${children.join('')}</${name}>`;
}

/** `dx`, `dy` and the like go into `attributes`. */
export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeText(content));
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes = {}): string {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

export function polyline(points: readonly (readonly [number, number])[], attributes: Attributes = {}): string {
  return element('polyline', { points: points.map(([x, y]) => `${numberText(x)},${numberText(y)}`).join(' '), ...attributes });
}

/** The whole file. `title` is read aloud to those who cannot see the picture. */
export function document(width: number, height: number, title: string, style: string, children: readonly string[]): string {
  const size = { viewBox: `0 0 ${numberText(width)} ${numberText(height)}`, width, height };
  const root = { xmlns: 'http://www.w3.org/2000/svg', role: 'img', ...size };
  const head = [element('title', {}, escapeText(title)), element('style', {}, style)];
  return `${element('svg', root, ...[...head, ...children].map(child => `\n${child}`), '\n')}\n`;
}

function attributeText(value: string | number): string {
  return typeof value === 'number' ? numberText(value) : value;
}

/** A tenth of a pixel is as exact as anybody sees. */
function numberText(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
