import type { CallProvider } from './ask-provider.ts';

/** Models of Workers AI that speak OpenAI's format in what they take and in what they answer, which the newer ones do. */
export function callWorkersAi(ai: Ai): CallProvider {
  return (_, { model, ...inputs }, signal) =>
    // Its types know each model's inputs; which model it is, the configuration says.
    ai.run(model as keyof AiModels, inputs as never, { returnRawResponse: true, signal });
}
