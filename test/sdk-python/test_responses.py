"""openai-python's Responses as they come, against a Sluice that a spec in test/e2e has started.

Each method is one test of that file, by its name. What comes back is checked against the types of the library, strictly: it
reads answers leniently by itself.
"""

import json
import unittest

import openai
from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from simulator import KEY, MODEL, URL, play, simulator, until

ASK = {"model": MODEL, "input": "Say hello."}
GEO = {
    "type": "function",
    "name": "geo",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SLOW = {"answer": {"tokens": 400}, "tokensPerSecond": 20, "tokensPerChunk": 1}
EVENT = TypeAdapter(ResponseStreamEvent)


class Place(BaseModel):
    city: str


class Responses(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        play()
        self.openai = OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
        self.addCleanup(self.openai.close)
        self.responses = self.openai.responses

    def ended(self, response_id):
        seen = []

        def is_over():
            seen.append(self.responses.retrieve(response_id))
            return seen[-1].status not in ("queued", "in_progress")

        until(is_over, "the response to end", 5)
        return seen[-1]

    def test_creates_what_its_types_say(self):
        play(answer={"text": "Hello, you.", "reasoning": "hm"})
        raw = self.responses.with_raw_response.create(**ASK, instructions="Be brief.", tools=[GEO], metadata={"a": "b"})
        Response.model_validate(json.loads(raw.text), strict=True)
        response = raw.parse()
        self.assertEqual((response.status, response.output_text), ("completed", "Hello, you."))
        self.assertEqual([item.type for item in response.output], ["reasoning", "message"])
        self.assertEqual(response.usage.output_tokens_details.reasoning_tokens, 1)

    def test_streams_what_its_types_say(self):
        play(
            answer={"text": "Let me see.", "reasoning": "hm", "toolCalls": [{"name": "geo", "arguments": {"city": "Bern"}}]},
            tokensPerChunk=1,
        )
        with self.responses.with_streaming_response.create(**ASK, tools=[GEO], stream=True) as response:
            lines = [line for line in response.iter_lines() if line.startswith("data: ")]
        events = [EVENT.validate_python(json.loads(line.removeprefix("data: ")), strict=True) for line in lines]
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual(events[-1].type, "response.completed")
        for line in lines:
            response = json.loads(line.removeprefix("data: ")).get("response")
            if response is not None:
                Response.model_validate(response, strict=True)

    def test_accumulates_a_stream(self):
        play(answer={"text": "Hello, you."}, tokensPerChunk=1)
        with self.responses.stream(**ASK) as stream:
            text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            final = stream.get_final_response()
        self.assertEqual((text, final.output_text), ("Hello, you.", "Hello, you."))

    def test_parses_structured_output(self):
        play(answer={"text": '{"city":"Bern"}'})
        self.assertEqual(self.responses.parse(**ASK, text_format=Place).output_parsed, Place(city="Bern"))
        with self.responses.stream(**ASK, text_format=Place) as stream:
            self.assertEqual(stream.get_final_response().output_parsed, Place(city="Bern"))

    def test_loops_over_a_tool_with_its_own_list_and_with_the_previous_id(self):
        for is_chained in (False, True):
            play(answer={"toolCalls": [{"name": "geo", "arguments": {"city": "Bern"}}]})
            first = self.responses.create(**ASK, tools=[GEO])
            (call,) = [item for item in first.output if item.type == "function_call"]
            output = {"type": "function_call_output", "call_id": call.call_id, "output": "3 °C"}
            play(answer={"text": "Cold."})
            if is_chained:
                second = self.responses.create(model=MODEL, tools=[GEO], previous_response_id=first.id, input=[output])
            else:
                items = [{"role": "user", "content": "Say hello."}, *first.output, output]
                second = self.responses.create(model=MODEL, tools=[GEO], input=items)
            self.assertEqual(second.output_text, "Cold.")
            (call,) = simulator("GET", "requests")["data"]
            self.assertEqual([message["role"] for message in call["body"]["messages"]], ["user", "assistant", "tool"])

    def test_creates_in_the_background_polls_and_lists_the_input(self):
        play(answer={"text": "Done."})
        raw = self.responses.with_raw_response.create(**ASK, background=True)
        Response.model_validate(json.loads(raw.text), strict=True)
        queued = raw.parse()
        self.assertEqual(queued.status, "queued")
        self.assertEqual(self.ended(queued.id).output_text, "Done.")
        (item,) = list(self.responses.input_items.list(queued.id))
        self.assertEqual(item.content[0].text, "Say hello.")

    def test_deletes(self):
        response = self.responses.create(**ASK)
        self.assertIsNone(self.responses.delete(response.id))
        with self.assertRaises(openai.NotFoundError):
            self.responses.retrieve(response.id)

    def test_cancels_in_the_background(self):
        play(**SLOW)
        queued = self.responses.create(**ASK, background=True)
        self.assertEqual(self.responses.cancel(queued.id).status, "cancelled")
        self.assertEqual(self.responses.retrieve(queued.id).status, "cancelled")

    def test_streams_in_the_background_drops_off_and_resumes(self):
        play(answer={"text": "one two three four five six"}, tokensPerSecond=60, tokensPerChunk=1)
        seen = []
        for event in self.responses.create(**ASK, background=True, stream=True):
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
        response_id = seen[0].response.id
        last = seen[-1].sequence_number
        seen += list(self.responses.retrieve(response_id, stream=True, starting_after=last))
        self.assertEqual([event.sequence_number for event in seen], list(range(len(seen))))
        text = "".join(event.delta for event in seen if event.type == "response.output_text.delta")
        self.assertEqual(text, "one two three four five six")
        with self.responses.stream(response_id=response_id, starting_after=last) as stream:
            numbers = [event.sequence_number for event in stream]
            final = stream.get_final_response()
        self.assertEqual((numbers, final.output_text), (list(range(last + 1, len(seen))), text))

    def test_raises_what_was_wrong_and_what_is_not_there(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.responses.create(**ASK, tools=[{"type": "web_search"}])
        self.assertEqual(raised.exception.param, "tools[0].type")
        with self.assertRaises(openai.NotFoundError):
            self.responses.retrieve("resp_nobody")
        play(rules=[{"do": {"kind": "server"}}])
        with self.assertRaises(openai.APIStatusError):
            self.responses.create(**ASK)
