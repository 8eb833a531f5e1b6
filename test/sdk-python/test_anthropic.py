"""anthropic-sdk-python as it comes, against a Sluice that test/e2e/sdks-python.e2e-spec.ts has started.

Only base URL and key are ours. Each method is one test of that file, by its name.
"""

import unittest

import anthropic
from anthropic import Anthropic
from simulator import KEY, MODEL, URL, simulator, until

CLAUDE = f"{MODEL}-claude"
ASK = {"max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}
TOOL = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def play(**script):
    for profile in ("gpt", "claude"):
        simulator("PUT", f"profiles/{profile}", script)


class AnthropicPython(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        play()
        self.client = Anthropic(base_url=URL, api_key=KEY, max_retries=0)
        self.addCleanup(self.client.close)

    def both(self):
        for model in (MODEL, CLAUDE):
            with self.subTest(model=model):
                yield model

    def test_is_answered_with_a_message(self):
        play(answer={"text": "Hello, you."})
        for model in self.both():
            message = self.client.messages.create(model=model, system="Be brief.", **ASK)
            self.assertEqual(
                (message.type, message.role, message.model, message.content[0].text, message.stop_reason),
                ("message", "assistant", model, "Hello, you.", "end_turn"),
            )
            self.assertTrue(message.id.startswith("msg_"))
            self.assertEqual(message.usage.output_tokens, 3)

    def test_takes_a_bearer_token(self):
        with Anthropic(base_url=URL, auth_token=KEY) as client:
            self.assertEqual(client.messages.create(model=MODEL, **ASK).type, "message")

    def test_streams_text(self):
        play(answer={"text": "Hello, you there."})
        for model in self.both():
            with self.client.messages.stream(model=model, **ASK) as stream:
                text = "".join(stream.text_stream)
                message = stream.get_final_message()
            self.assertEqual(text, "Hello, you there.")
            self.assertEqual(message.content[0].text, text)
            self.assertEqual(message.usage.output_tokens, 5)

    def test_goes_round_with_a_tool(self):
        play(answer={"toolCalls": [{"name": "get_weather", "arguments": '{"city":"Rome"}'}]})
        for model in self.both():
            with self.client.messages.stream(model=model, tools=[TOOL], **ASK) as stream:
                message = stream.get_final_message()
            self.assertEqual(message.stop_reason, "tool_use")
            call = message.content[-1]
            self.assertEqual((call.type, call.name, call.input), ("tool_use", "get_weather", {"city": "Rome"}))
            result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
            turns = [
                *ASK["messages"],
                {"role": "assistant", "content": message.content},
                {"role": "user", "content": [result]},
            ]
            answer = self.client.messages.create(model=model, max_tokens=64, tools=[TOOL], messages=turns)
            self.assertEqual(answer.content[0].type, "text")

    def test_counts_tokens(self):
        counted = self.client.messages.count_tokens(model=MODEL, messages=ASK["messages"])
        self.assertGreater(counted.input_tokens, 2)

    def test_raises_what_its_own_api_would_make_it_raise(self):
        with self.assertRaises(anthropic.NotFoundError):
            self.client.messages.create(model="gpt-9", **ASK)
        with self.assertRaises(anthropic.BadRequestError) as caught:
            self.client.messages.create(model=MODEL, max_tokens=0, messages=ASK["messages"])
        self.assertEqual(caught.exception.body["error"]["type"], "invalid_request_error")
        with Anthropic(base_url=URL, api_key="sk-wrong") as stranger, self.assertRaises(anthropic.AuthenticationError):
            stranger.messages.create(model=MODEL, **ASK)
        play(rules=[{"do": {"kind": "overloaded"}}])
        with self.assertRaises(anthropic.APIStatusError) as caught:
            self.client.messages.create(model=MODEL, **ASK)
        self.assertEqual(caught.exception.status_code, 503)

    def test_raises_in_the_middle_of_a_stream_that_breaks_off(self):
        play(answer={"tokens": 40}, rules=[{"do": {"cutAfter": 5}}])
        for model in self.both():
            with self.client.messages.stream(model=model, **ASK) as stream, self.assertRaises(anthropic.APIStatusError):
                stream.until_done()

    def test_runs_a_message_batch(self):
        play(answer={"text": "Hello."})
        requests = [{"custom_id": model[-6:], "params": {"model": model, **ASK}} for model in (MODEL, CLAUDE)]
        batches = self.client.messages.batches
        batch = batches.create(requests=requests)
        self.assertEqual(batch.request_counts.processing, 2)
        until(lambda: batches.retrieve(batch.id).processing_status == "ended", "the batch to end", seconds=10)
        self.assertEqual(batches.retrieve(batch.id).request_counts.succeeded, 2)
        results = list(batches.results(batch.id))
        self.assertEqual([each.custom_id for each in results], [each["custom_id"] for each in requests])
        self.assertEqual([each.result.message.content[0].text for each in results], ["Hello.", "Hello."])
        self.assertIn(batch.id, [each.id for each in batches.list(limit=1)])
        self.assertEqual(batches.cancel(batch.id).processing_status, "ended")
        self.assertEqual(batches.delete(batch.id).type, "message_batch_deleted")


if __name__ == "__main__":
    unittest.main()
