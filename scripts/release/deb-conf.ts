// pure
/** The conf files of the .deb: the samples, with the data where a system's services keep it. */

const DATA_FOLDER = '/var/lib/lars';

/** The sentence of each sample, wherever its comment is wrapped. */
const HEAD = new RegExp('Every key below stands at its default and may be left out\\.'.replaceAll(' ', '\\s+(?:; )?'));

/** @throws {Error} when the sample does not begin as samples do */
export function debConf(sample: string): string {
  if (!HEAD.test(sample)) throw new Error('the sample of a conf file does not say that every key stands at its default');
  const head = `The data lie in ${DATA_FOLDER}; every\n; other key stands at its default and may be left out.`;
  return sample.replace(HEAD, head).replaceAll(/^(\w+ = )data\//gm, `$1${DATA_FOLDER}/`);
}
