import { describeHub } from './describe-hub.ts';
import { startWorkerd } from './hubs.ts';

describeHub('the hub in a Durable Object', startWorkerd);
