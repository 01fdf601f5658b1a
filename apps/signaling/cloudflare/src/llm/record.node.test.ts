import { expect, it, vi } from 'vitest';
import { LlmRecorder, type LlmRecord } from './record.ts';

function record() {
  let now = 1_000;
  const write = vi.fn<(record: LlmRecord) => void>();
  const recorder = new LlmRecorder('id', () => now, write);
  return { recorder, write, wait: (milliseconds: number) => (now += milliseconds) };
}

it('[LLM18] writes one line, whoever says that it is over', () => {
  const { recorder, write, wait } = record();
  wait(5);
  recorder.write();
  wait(5);
  recorder.note({ status: 500 });
  recorder.write();
  expect(write.mock.calls).toEqual([[{ id: 'id', endedAfter: 5 }]]);
});

it('[LLM18] holds what was noted, the last of each, under the id of the answer', () => {
  const { recorder, write, wait } = record();
  recorder.note({ provider: 'one', attempts: 1, reservedAfter: recorder.elapsed() });
  wait(7);
  recorder.note({ provider: 'two', attempts: 2, begunAfter: recorder.elapsed() });
  wait(3);
  expect(recorder.elapsed()).toBe(10);
  expect(write).not.toHaveBeenCalled();
  recorder.write();
  expect(write.mock.calls).toEqual([
    [{ id: 'id', provider: 'two', attempts: 2, reservedAfter: 0, begunAfter: 7, endedAfter: 10 }],
  ]);
});
