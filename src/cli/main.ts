#!/usr/bin/env node
/** `npx pool-ts`. */
import { exitAfterOutput, processTerminal } from './process-terminal.js';
import { run } from './program.js';

const { terminal, stoppedWith } = processTerminal();
void run(process.argv.slice(2), terminal).then((code) => exitAfterOutput(() => stoppedWith() ?? code, terminal.stop));
