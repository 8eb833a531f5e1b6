"""openai-python as it comes, against a Sluice that test/e2e/sdks-python.e2e-spec.ts has started.

Only base URL and key are ours. The simulator behind Sluice is told by its admin routes how to behave.
Each method is one test of that file, by its name.
"""

import json
import time
import unittest

import openai
from openai import OpenAI

from simulator import KEY, MODEL, SIMULATOR, URL, play, simulator, stats, until

ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello."}]}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class OpenAiPython(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        play()
        self.openai = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
        self.addCleanup(self.openai.close)
        self.create = self.openai.chat.completions.create

    def test_lists_models_and_finds_one_with_a_slash(self):
        self.assertIn(MODEL, [model.id for model in self.openai.models.list()])
        self.assertEqual(self.openai.models.retrieve("openai/gpt-4o").id, "openai/gpt-4o")

    def test_chats(self):
        play(answer={"text": "Hello, you."})
        completion = self.create(**ASK)
        self.assertEqual(completion.choices[0].message.content, "Hello, you.")
        self.assertEqual(completion.choices[0].finish_reason, "stop")
        self.assertEqual(completion.model, MODEL)
        self.assertEqual(completion.usage.completion_tokens, 3)

    def test_shows_the_headers_of_an_answer_and_of_a_stream(self):
        raw = self.openai.chat.completions.with_raw_response.create(**ASK)
        job_id = raw.headers["x-sluice-job-id"]
        self.assertEqual(raw.parse().id, "chatcmpl-" + job_id.removeprefix("job_"))
        self.assertEqual(raw.headers["x-litellm-call-id"], job_id)
        self.assertEqual(raw.headers["x-litellm-model-id"], f"{MODEL}-only")
        self.assertRegex(raw.request_id, "^req_[0-9a-f]{32}$")
        with self.openai.chat.completions.with_streaming_response.create(**ASK, stream=True) as response:
            self.assertRegex(response.headers["x-sluice-job-id"], "^job_")
            self.assertEqual(response.headers["x-litellm-attempted-retries"], "0")
            self.assertTrue(response.read().endswith(b"data: [DONE]\n\n"))

    def test_streams_with_the_usage_it_asked_for_last(self):
        play(answer={"text": "Hello, dear world."})
        chunks = list(self.create(**ASK, stream=True, stream_options={"include_usage": True}))
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        self.assertEqual(text, "Hello, dear world.")
        self.assertEqual({chunk.usage for chunk in chunks[:-1]}, {None})
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, 5)
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)

    def test_gets_several_choices(self):
        whole = self.create(**ASK, n=2)
        self.assertEqual([choice.index for choice in whole.choices], [0, 1])
        texts = {0: "", 1: ""}
        for chunk in self.create(**ASK, n=2, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
        self.assertEqual(texts, {choice.index: choice.message.content for choice in whole.choices})

    def test_calls_a_tool_and_hands_its_result_back(self):
        play(answer={"text": "It rains.", "toolCalls": [{"name": "get_weather", "arguments": {"city": "Köln"}}]})
        messages = [{"role": "user", "content": "How is the weather in Köln?"}]
        first = self.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
        self.assertEqual(first.finish_reason, "tool_calls")
        (call,) = first.message.tool_calls
        self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("get_weather", {"city": "Köln"}))
        messages += [first.message, {"role": "tool", "tool_call_id": call.id, "content": '{"rain":true}'}]
        last = self.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
        self.assertEqual((last.finish_reason, last.message.content), ("stop", "It rains."))

    def test_streams_a_tool_call_into_its_accumulator(self):
        play(answer={"toolCalls": [{"name": "get_weather", "arguments": {"city": "Köln"}}]})
        with self.openai.chat.completions.stream(**ASK, tools=[WEATHER]) as stream:
            for _ in stream:
                pass
            choice = stream.get_final_completion().choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        self.assertEqual(json.loads(choice.message.tool_calls[0].function.arguments), {"city": "Köln"})

    def test_gets_json_free_and_by_a_schema(self):
        free = self.create(**ASK, response_format={"type": "json_object"})
        self.assertIn("answer", json.loads(free.choices[0].message.content))
        schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
        json_schema = {"name": "person", "strict": True, "schema": schema}
        strict = self.create(**ASK, response_format={"type": "json_schema", "json_schema": json_schema})
        self.assertIsInstance(json.loads(strict.choices[0].message.content)["age"], int)

    def test_is_not_upset_by_comments_before_a_slow_first_token(self):
        play(rules=[{"do": {"delayHeadersMs": 300}}])
        with self.openai.chat.completions.stream(**ASK) as stream:
            self.assertEqual(stream.get_final_completion().choices[0].finish_reason, "stop")
        with self.openai.chat.completions.with_streaming_response.create(**ASK, stream=True) as response:
            self.assertTrue(response.read().startswith(b":hb\n:hb\n"))

    def test_raises_authentication_error_for_a_wrong_key(self):
        with OpenAI(base_url=f"{URL}/v1", api_key="sk-wrong") as stranger:
            with self.assertRaises(openai.AuthenticationError) as raised:
                stranger.chat.completions.create(**ASK)
        self.assertEqual((raised.exception.status_code, raised.exception.code), (401, "invalid_api_key"))

    def test_raises_not_found_error_for_an_unknown_model_and_route(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            self.create(**{**ASK, "model": "gpt-9"})
        self.assertEqual((raised.exception.code, raised.exception.param), ("model_not_found", "model"))
        with self.assertRaises(openai.NotFoundError) as raised:
            self.openai.images.generate(model="a", prompt="b")
        self.assertEqual(raised.exception.code, "unknown_route")

    def test_raises_bad_request_error_for_our_checks_and_the_providers(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.create(**ASK, temperature=3)
        self.assertEqual(raised.exception.param, "temperature")
        self.assertEqual(raised.exception.body["message"], "temperature must be a number from 0 to 2, but is 3.")
        play(rules=[{"do": {"kind": "bad_request"}}])
        with self.assertRaises(openai.BadRequestError) as raised:
            self.create(**ASK)
        self.assertEqual(raised.exception.code, "invalid_request")
        self.assertRegex(raised.exception.response.headers["x-sluice-job-id"], "^job_")
        self.assertEqual(stats()["total"], 1)

    def test_raises_for_a_body_of_40_mb_while_it_is_being_sent(self):
        content = "a" * (40 * 1024 * 1024)
        with self.assertRaises(openai.APIStatusError) as raised:
            self.create(model=MODEL, messages=[{"role": "user", "content": content}])
        self.assertEqual((raised.exception.status_code, raised.exception.code), (413, "request_too_large"))

    def test_raises_rate_limit_error_with_the_time_to_come_back_and_obeys_it(self):
        play(rules=[{"do": {"retryAfterMs": 700}, "times": 1}])
        patient = {"extra_headers": {"x-sluice-when-full": "reject"}}
        with self.assertRaises(openai.RateLimitError) as raised:
            self.openai.with_options(max_retries=0).chat.completions.create(**ASK, **patient)
        self.assertEqual(raised.exception.code, "no_capacity")
        told_ms = int(raised.exception.response.headers["retry-after-ms"])
        self.assertGreater(told_ms, 0)
        self.assertEqual(raised.exception.response.headers["retry-after"], str(-(-told_ms // 1000)))
        started = time.monotonic()
        self.create(**ASK, **patient)
        self.assertGreater(time.monotonic() - started, min(told_ms, 300) / 1000)
        self.assertEqual(stats()["total"], 2)

    def test_repeats_what_a_repeat_may_mend(self):
        play(rules=[{"do": {"kind": "server"}, "times": 1}])
        raw = self.openai.chat.completions.with_raw_response.create(**ASK)
        self.assertEqual(raw.retries_taken, 1)
        self.assertEqual(stats()["total"], 2)

    def test_does_not_repeat_what_a_repeat_will_not_mend(self):
        play(rules=[{"do": {"delayHeadersMs": 400}}])
        with self.assertRaises(openai.InternalServerError) as raised:
            self.create(**ASK, extra_headers={"x-sluice-deadline": "0.2"})
        self.assertEqual((raised.exception.status_code, raised.exception.code), (504, "deadline_exceeded"))
        self.assertEqual(stats()["total"], 1)

    def test_comes_back_for_the_answer_when_its_wait_is_over(self):
        play(answer={"text": "Late."}, rules=[{"do": {"delayHeadersMs": 400}}])
        answer = self.create(**ASK, extra_headers={"prefer": "wait=0.1"})
        self.assertEqual(answer.choices[0].message.content, "Late.")
        self.assertEqual(stats()["total"], 1)

    def test_raises_api_error_for_a_stream_that_breaks_off_in_its_middle(self):
        play(rules=[{"do": {"cutAfter": 3}}])
        deltas = 0
        with self.assertRaises(openai.APIError) as raised:
            for chunk in self.create(**ASK, stream=True):
                deltas += bool(chunk.choices and chunk.choices[0].delta.content)
        self.assertGreater(deltas, 0)
        self.assertEqual((raised.exception.code, raised.exception.type), ("upstream_interrupted", "api_error"))

    def test_raises_timeout_error_by_its_own_clock_and_the_providers_call_ends_too(self):
        play(rules=[{"do": {"hang": True}}])
        with self.assertRaises(openai.APITimeoutError):
            self.openai.with_options(timeout=0.15, max_retries=0).chat.completions.create(**ASK)
        until(lambda: stats()["clientClosed"] == 1, "the cancelled call", seconds=1)


class AsyncOpenAiPython(unittest.IsolatedAsyncioTestCase):
    async def test_chats_and_streams_asynchronously(self):
        play(answer={"text": "Hello, you."}, rules=[{"do": {"delayHeadersMs": 200}}])
        async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY) as client:
            completion = await client.chat.completions.create(**ASK)
            self.assertEqual(completion.choices[0].message.content, "Hello, you.")
            stream = await client.chat.completions.create(**ASK, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        self.assertEqual(text, "Hello, you.")


if __name__ == "__main__":
    unittest.main()
