import * as z from 'zod/mini';

/** The most of each that a request may have. */
export const CHAT_LIMITS = { messages: 1_000, tools: 128, parts: 256, calls: 128 } as const;

const some = z.string().check(z.minLength(1));
const name = z.string().check(z.regex(/^[\w.-]{1,128}$/));
// Of messages, what the relay does not know is left out: clients send back what they got, with notes of their own.
const textPart = z.object({ type: z.literal('text'), text: z.string() });

const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });

/** An image that the request holds, in base64. */
export const INLINE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: some, detail: z.optional(z.enum(['auto', 'low', 'high'])) }),
});

/** Several parts, at most so many. */
const parts = <Part extends z.ZodMiniType>(part: Part) =>
  z.array(part).check(z.minLength(1), z.maxLength(CHAT_LIMITS.parts));

const words = z.union([z.string(), parts(textPart)]);

const toolCall = z.object({
  id: some,
  type: z.literal('function'),
  function: z.object({ name, arguments: z.string() }),
  // What Gemini signs its thoughts with, and wants back.
  extra_content: z.optional(z.record(z.string(), z.unknown())),
});

/** What would be lost with its field is refused, and only left out where it is empty. */
const nothing = z.optional(
  z.pipe(
    z.null(),
    z.transform(() => undefined),
  ),
);

const message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: words, name: z.optional(name) }),
  z.object({ role: z.literal('developer'), content: words, name: z.optional(name) }),
  z.object({
    role: z.literal('user'),
    content: z.union([z.string(), parts(z.discriminatedUnion('type', [textPart, imagePart]))]),
    name: z.optional(name),
  }),
  z.object({
    role: z.literal('assistant'),
    content: z.nullish(z.union([z.string(), parts(z.discriminatedUnion('type', [textPart, refusalPart]))])),
    name: z.optional(name),
    refusal: z.nullish(z.string()),
    audio: nothing,
    function_call: nothing,
    // What some providers want back of what a model thought between calls.
    reasoning_content: z.nullish(z.string()),
    tool_calls: z.nullish(z.array(toolCall).check(z.maxLength(CHAT_LIMITS.calls))),
  }),
  z.object({ role: z.literal('tool'), content: words, tool_call_id: some, name: z.optional(name) }),
]);

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name,
    description: z.optional(z.string()),
    parameters: z.nullish(z.record(z.string(), z.unknown())),
    strict: z.nullish(z.boolean()),
  }),
});

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.strictObject({ type: z.literal('function'), function: z.strictObject({ name }) }),
]);

const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name,
      description: z.optional(z.string()),
      schema: z.optional(z.record(z.string(), z.unknown())),
      strict: z.nullish(z.boolean()),
    }),
  }),
]);

const within = (least: number, most: number) => z.number().check(z.minimum(least), z.maximum(most));
const length = z.int().check(z.positive());

/** What a provider is told as it came ([LLM8]). */
const passedOn = {
  temperature: z.nullish(within(0, 2)),
  top_p: z.nullish(within(0, 1)),
  frequency_penalty: z.nullish(within(-2, 2)),
  presence_penalty: z.nullish(within(-2, 2)),
  seed: z.nullish(z.int()),
  stop: z.nullish(z.union([some, z.array(some).check(z.maxLength(4))])),
  tools: z.nullish(z.array(tool).check(z.maxLength(CHAT_LIMITS.tools))),
  tool_choice: z.nullish(toolChoice),
  parallel_tool_calls: z.nullish(z.boolean()),
  response_format: z.nullish(responseFormat),
  reasoning_effort: z.nullish(z.string().check(z.regex(/^[a-z]{1,16}$/))),
  verbosity: z.nullish(z.enum(['low', 'medium', 'high'])),
};

/** What clients send that no provider needs, or that tells who asks. */
const dropped = {
  n: z.nullish(z.literal(1)),
  store: z.nullish(z.literal(false)),
  service_tier: z.nullish(z.enum(['auto', 'default'])),
  stream_options: z.nullish(
    z.strictObject({
      include_usage: z.optional(z.boolean()),
      include_obfuscation: z.optional(z.boolean()),
    }),
  ),
  user: z.nullish(z.string()),
  safety_identifier: z.nullish(z.string()),
  prompt_cache_key: z.nullish(z.string()),
  prompt_cache_retention: z.nullish(z.string()),
  modalities: z.nullish(z.tuple([z.literal('text')])),
  logprobs: z.nullish(z.literal(false)),
  metadata: z.nullish(z.record(z.string(), z.string())),
};

/** OpenAI's chat completions, as far as the relay takes them. */
export const chatSchema = z.strictObject({
  model: z.nullish(z.string()),
  messages: z.array(message).check(z.minLength(1), z.maxLength(CHAT_LIMITS.messages)),
  stream: z.nullish(z.boolean()),
  max_tokens: z.nullish(length),
  max_completion_tokens: z.nullish(length),
  ...passedOn,
  ...dropped,
});

/** The names of the parameters that a provider is told as they came. */
export const PASSED_ON = Object.keys(passedOn) as (keyof typeof passedOn)[];
