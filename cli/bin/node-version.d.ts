/** Why the program cannot run on this version of Node.js; undefined when it can. */
export declare function nodeVersionProblem(version: string): string | undefined;
