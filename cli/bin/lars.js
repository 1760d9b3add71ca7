#!/usr/bin/env node
// Plain JavaScript without newer syntax: it must parse on whatever Node a machine has, to say that it is too old before
// anything else is loaded. The database's binary would crash there instead of throwing.
import { nodeVersionProblem } from './node-version.js';

const problem = nodeVersionProblem(process.versions.node);
if (problem === undefined) start();
else refuse(problem);

function start() {
  import('../dist/main.js').then(
    program => program.runProcess(),
    error => {
      // A module of this project that is missing has not been built; anything else is worth its stack.
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      const notBuilt = /[\\/]dist[\\/]/.test(String(error.url));
      refuse(notBuilt ? 'is not built yet; in the project folder run: npm run build' : `${error.message}; run: npm ci`);
    },
  );
}

function refuse(why) {
  process.stderr.write(`lars: ${why.split('\n')[0]}\n`);
  process.exitCode = 1;
}
