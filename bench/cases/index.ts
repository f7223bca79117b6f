/** All cases, in the order of the table. */
import type { Case } from '../case.js';
import { bulk } from './bulk.js';
import { dial } from './dial.js';
import { duplex } from './duplex.js';
import { idle } from './idle.js';
import { importing } from './import.js';
import { inFlight } from './in-flight.js';
import { manySessions } from './many-sessions.js';
import { messages16k } from './middle.js';
import { messages1k } from './short.js';
import { messages64 } from './tiny.js';
import { pausedReader } from './paused-reader.js';
import { roundTrip } from './round-trip.js';

export const CASES: readonly Case[] = [
  bulk,
  duplex,
  messages16k,
  messages1k,
  messages64,
  roundTrip,
  inFlight,
  dial,
  idle,
  manySessions,
  pausedReader,
  importing,
];
