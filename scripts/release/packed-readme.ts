// pure
/** A package's README.md for those who have the package alone: links to other parts of the project become words. */

const LINK = /\[([^\]]*)\]\((\.[^)\s]*)\)/g;

export function packedReadme(text: string): string {
  return text.replaceAll(LINK, (link, words: string, target: string) => {
    if (!target.startsWith('../')) return link;
    const path = target.replace(/^(\.\.\/)+/, '');
    return words === path ? `${words} of the project` : `${words} (${path} of the project)`;
  });
}
