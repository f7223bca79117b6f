/** For tests of programs that use pool-ts, and of implementations of its Conn. */
export { testConn } from './conn-contract.js';
export type { ConnCase, ConnContractOptions, ConnPair, MakePipe } from './contract-case.js';
export { virtualPair, type VirtualNetwork, type VirtualPair, type VirtualPairOptions } from './virtual-pair.js';
export type { VirtualClock } from './virtual-clock.js';
export { pipe, type PipeOptions } from './pipe.js';
export { faultyProxy, type FaultyProxy, type FaultyProxyOptions, type NetworkFaults } from './faulty-proxy.js';
