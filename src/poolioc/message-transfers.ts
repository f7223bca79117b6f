/** Many messages for one order, as a program sees them: RECV after RECV and SEND after SEND of one thread, until it is stopped. */
import { checkInteger } from '../base/arguments.js';
import * as check from './arguments.js';
import { rejection, settled, STOPPED, TIMED_OUT, valueOf, type Descriptor } from './descriptor.js';
import { callError } from './device-errors.js';
import { programCallback } from './program-callback.js';
import * as requests from './requests.js';
import { MOST_MESSAGES } from './threads/message-ring.js';
import { OutgoingMessages } from './threads/outgoing-messages.js';
import type { ReceiveEnd, ReceiveOptions, Sending, SendOptions, SentMessages, Transfer } from './types.js';

/** See `PoolDevice.receiveMessages`. */
export function beginReceiving(
  descriptor: Descriptor,
  session: number,
  channel: number,
  options: ReceiveOptions,
): Transfer<ReceiveEnd> {
  const subject = { operation: `receive from session ${session}`, path: descriptor.path };
  const { message, count = MOST_MESSAGES, timeout } = options;
  try {
    check.checkCallNames(options, 'receive');
    check.checkSession(session);
    check.checkChannel(channel);
    checkInteger('count', count, 1, MOST_MESSAGES);
    check.checkCallOptions({ timeout });
    descriptor.assertOpen(subject.operation);
  } catch (error) {
    return refused(error as Error);
  }
  const take = programCallback(message, undefined);
  const call = descriptor.submit((fd) => requests.receiveMessages(fd, { sessionIdx: session, channel, count }, take));
  const ended = async (): Promise<ReceiveEnd> => {
    try {
      valueOf(await settled(call, { timeout }, descriptor.ref), subject);
      return 'count';
    } catch (reason) {
      if (reason === STOPPED) return 'stopped';
      // A thread takes 65 ms to start, and longer on a busy machine.
      if (reason === TIMED_OUT) return call.begun ? 'timeout' : 'unasked';
      throw rejection(reason, subject);
    }
  };
  return { done: ended(), stop: () => call.cancel({ reason: STOPPED }) };
}

/** See `PoolDevice.sendMessages`. `slotKey`: as the key of a SEND; `isModule`: how long a message may be. */
export function beginSending(
  descriptor: Descriptor,
  session: number,
  options: SendOptions,
  { slotKey, isModule }: { slotKey: (index: number) => string; isModule: boolean },
): Sending {
  const subject = { operation: `send to session ${session}`, path: descriptor.path };
  const { sent } = options;
  try {
    check.checkCallNames(options, 'send');
    check.checkSession(session);
    descriptor.assertOpen(subject.operation);
  } catch (error) {
    return { ...refused(error as Error), push: () => false };
  }
  const outgoing = new OutgoingMessages(programCallback(sent, undefined));
  const call = descriptor.submit((fd) =>
    requests.sendMessages(fd, slotKey(session), session, {
      begun: (ring) => outgoing.begin(ring),
      news: () => outgoing.news(),
    }),
  );
  const ended = async (): Promise<SentMessages> => {
    try {
      const { ret, errno } = await call.promise;
      return { sent: ret, error: errno === 0 ? undefined : callError({ ...subject, syscall: 'ioctl', errno }) };
    } catch (reason) {
      if (reason === STOPPED) return { sent: 0, error: undefined };
      throw rejection(reason, subject);
    } finally {
      outgoing.end();
    }
  };
  return {
    done: ended(),
    stop: () => call.halt(STOPPED),
    push: (channel, data) => {
      check.checkChannel(channel);
      return outgoing.push(channel, check.checkData(data, isModule));
    },
  };
}

/** A transfer that was not begun. */
function refused(error: Error): Transfer<never> {
  const done = Promise.reject(error);
  // Whoever waits for it gets it.
  done.catch(() => {});
  return { done, stop() {} };
}
