import { describeEnd, describeHub } from './describe-hub.ts';
import { startNode } from './hubs.ts';

describeHub('the hub under Node', startNode);
describeEnd('the hub under Node', startNode);
