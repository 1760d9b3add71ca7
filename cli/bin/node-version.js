// Like lars.js, this file must run on the very versions that it refuses.
const OLDEST_MAJOR = 26;

/** Why the program cannot run on this version of Node.js; undefined when it can. */
export function nodeVersionProblem(version) {
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return undefined;
  return (
    `needs Node.js ${OLDEST_MAJOR} or newer, this is ${version}; ` +
    'in a clone use npx lars … (npm ci brings the right Node), elsewhere install one, or the .deb, which has its own'
  );
}
