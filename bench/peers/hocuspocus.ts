/** A Hocuspocus server that keeps documents in SQLite, as its own extension does: one row a document, the whole state. */
import { DatabaseSync } from 'node:sqlite';
import { Database } from '@hocuspocus/extension-database';
import { Server } from '@hocuspocus/server';

const [port, file] = process.argv.slice(2);
if (!port || !file) throw new Error('usage: hocuspocus.ts <port> <file>');

const database = new DatabaseSync(file);
database.exec('CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, data BLOB NOT NULL)');
const read = database.prepare('SELECT data FROM documents WHERE name = ?');
const write = database.prepare('INSERT OR REPLACE INTO documents (name, data) VALUES (?, ?)');

const server = new Server({
  port: Number(port),
  quiet: true,
  extensions: [
    new Database({
      fetch: async ({ documentName }) => (read.get(documentName)?.['data'] as Uint8Array | undefined) ?? null,
      store: async ({ documentName, state }) => {
        write.run(documentName, state);
      },
    }),
  ],
});
await server.listen();
