import { setTimeout as wait } from 'node:timers/promises';
import { begin, write, type Exchange } from './exchange.ts';
import { lastWords, piecesOf, toolResults, wordsOf, type Question, type Reply } from './wire.ts';

/** The name of the demonstration's model. */
export const DEMONSTRATION = 'demonstration';

const NOTICE =
  'This is the demonstration: no AI answers. For one that does, stop Parley, and start it with LLM_BASE_URL, LLM_API_KEY ' +
  'and LLM_MODELS set in place of ADVISOR=demo.';

const COMMAND = /^\/([\w-]+)[ \t]*(.*)$/gm;

/** Characters of somebody else's text that are repeated. */
const REPEATED = 300;

/**
 * What the demonstration answers: what it was given, counted. It calls each tool that a line of the last question names as
 * `/some_tool {"some": "arguments"}`, and afterwards says what the tools gave.
 */
export function demonstrate(question: Question): Reply {
  const results = toolResults(question);
  if (results.length > 0) return say(`The tools gave: ${results.map(quote).join(', ')}.`);
  const tools = question.tools.map((tool) => tool.function.name);
  const commands = [...lastWords(question).matchAll(COMMAND)].flatMap(([, name = '', given = '']) =>
    tools.includes(name) ? [{ name, arguments: given.trim() || '{}' }] : [],
  );
  const broken = commands.find((command) => !isObject(command.arguments));
  if (broken) return say(`What follows /${broken.name} is no JSON object: ${quote(broken.arguments)}.`);
  if (commands.length > 0) {
    return { ...say(`It calls ${commands.map(({ name }) => name).join(', ')}.`), calls: commands };
  }
  return say(summarise(question, tools));
}

/** Answers as {@link demonstrate} says, word by word, at a pace at which a person reads. */
export async function answerAsDemonstration(exchange: Exchange): Promise<void> {
  const { question, response, paceMs } = exchange;
  begin(exchange);
  for (const piece of piecesOf(question, demonstrate(question))) {
    if (response.destroyed) return;
    await write(exchange, piece);
    if (question.stream) await wait(paceMs);
  }
  response.end();
}

const say = (text: string): Reply => ({ words: wordsOf(`${NOTICE}\n\n${text}`), calls: [] });

function summarise(question: Question, tools: readonly string[]): string {
  const { messages } = question;
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  const roles = Map.groupBy(messages, ({ role }) => role);
  const kinds = [...roles].map(([role, { length }]) => `${length} ${role}`).join(', ');
  const given = `It was given ${count(messages.length, 'message')} (${kinds}) of ${count(characters, 'character')} in all`;
  const advice =
    tools.length === 0
      ? 'and no tools.'
      : `and ${count(tools.length, 'tool')}: ${tools.join(', ')}. It calls one when you write /${tools[0]} {"some": "arguments"}.`;
  return `${given}, ${advice} The last question was: ${quote(lastWords(question))}`;
}

const count = (number: number, thing: string) => `${number} ${thing}${number === 1 ? '' : 's'}`;

const quote = (text: string) =>
  `“${text.length > REPEATED ? `${text.slice(0, REPEATED).toWellFormed()}…` : text}”`;

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
