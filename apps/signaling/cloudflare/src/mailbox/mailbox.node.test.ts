import { DatabaseSync } from 'node:sqlite';
import { describeMailbox } from '../../test/mailbox-rules.ts';
import { openSqliteMailbox } from './sqlite.ts';

describeMailbox(() => openSqliteMailbox(new DatabaseSync(':memory:')));
