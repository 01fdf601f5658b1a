import { lastWords, toolResults, wordsOf, type Question, type Reply } from './wire.ts';

/** What was asked, and a character of four bytes, so that a test can tell whether everything arrived. */
export const echo = (question: Question): Reply => ({
  words: wordsOf(`You said: ${lastWords(question)} 👋`),
  calls: [],
});

/** Calls each tool once, all at the same time; afterwards says what they gave. */
export function callTools(question: Question): Reply {
  const results = toolResults(question);
  if (results.length > 0) return { words: wordsOf(`The tools say: ${results.join(', ')}`), calls: [] };
  const asked = JSON.stringify({ question: lastWords(question) });
  return { words: [], calls: question.tools.map((tool) => ({ name: tool.function.name, arguments: asked })) };
}
