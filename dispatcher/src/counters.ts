import { defineCounters } from '@lars/runtime/counters';

export const dispatcherCounters = defineCounters({
  accepted: 'Connections accepted',
  handedOver: 'Connections that a worker has taken',
  waited: 'Connections that had to wait because no worker could take them at once',
  takenBack: 'Connections that were sent to a worker which died or did not take them in time, and went to another',
  clientsGone: 'Connections whose clients left while they waited for a worker',
  refusedFull: 'Connections refused because too many waited already',
  refusedLate: 'Connections refused because no worker took them in time',
  refusedStopped: 'Connections refused because the dispatcher stopped',
  movedOn: 'Connections that no worker had taken when another dispatcher took over, and that went to it',
  workersJoined: 'Workers that said hello and got their second connection',
  workersLeft: 'Workers that said that they leave, and went',
  workersLost: 'Workers that went without a word',
  workersDismissed: 'Workers whose connection was closed because they did not take what was sent to them in time',
  workersRefused: 'Connections to the UNIX socket that did not keep to the protocol, were too many, or said nothing',
});
export type DispatcherCounter = keyof (typeof dispatcherCounters)['at'];

export const dispatcherGauges = defineCounters({
  workers: 'Workers that get connections',
  open: 'Connections that the workers say to have',
  untaken: 'Connections that were sent to workers and not taken yet',
  waiting: 'Connections that wait for a worker',
});
export type DispatcherGauge = keyof (typeof dispatcherGauges)['at'];
