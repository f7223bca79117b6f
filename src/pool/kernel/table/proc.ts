/** The files of /proc that this backend looks into; an argument everywhere, so that tests write their own. */
export { machineProc, type ProcFiles as Proc } from '../../../poolioc/kernel-thread.js';
