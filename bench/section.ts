// pure
export interface SectionContext {
  /** Of this section alone; it goes when the section is done. */
  readonly folder: string;
  /** Takes an SVG, and tells the path that the page shows it under. */
  readonly plot: (name: string, svg: string) => string;
}

export interface Section {
  readonly name: string;
  /** @returns Markdown that begins with a heading of the second rank */
  measure(context: SectionContext): Promise<string>;
}
