// pure
/**
 * The page with the text between the two comments that mark its part of this name, in place of what stood there.
 * @throws {Error} when the page has not both marks, in this order
 */
export function withMarkedPart(page: string, name: string, text: string): string {
  const [beginMark, endMark] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const begin = page.indexOf(beginMark);
  const end = page.indexOf(endMark);
  if (begin < 0 || end < begin) throw new Error(`the page has no ${beginMark} and ${endMark} in this order`);
  return `${page.slice(0, begin + beginMark.length)}\n${text}\n${page.slice(end)}`;
}
