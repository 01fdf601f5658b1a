import { describeHub } from './describe-hub.ts';
import { describeProcess } from './describe-process.ts';
import { startNode } from './hubs.ts';

describeHub('the hub under Node', startNode);
describeProcess('the hub under Node', startNode);
