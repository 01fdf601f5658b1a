declare module 'vitest' {
  interface ProvidedContext {
    /** Where the TURN service of turn-service.ts listens, like `http://127.0.0.1:40001`. */
    turnApi: string;
    /** Where the AI provider of provider/ listens, like `http://127.0.0.1:40002`. */
    llmProvider: string;
  }
}

export {};
